#!/usr/bin/env node
// The `sallyport` command: finds the command, explains it or runs it.
import { readFileSync } from 'node:fs';
import { findCommand, parseCommand, UsageError } from './command.ts';
import { commands } from './commands.ts';
import { toFailure, usageExit } from './failure.ts';
import { commandHelp, programHelp } from './help.ts';
import { suggestCommands, suggestOptions, toQuestion } from './suggestion.ts';

// Whoever reads our output may stop reading, as `head` does: that is no error of ours, and nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

async function main(words: string[]): Promise<number> {
  const [first] = words;
  if (first === '--version' || first === '-v') {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  const asksHelp = first === 'help';
  const { command, group, rest } = findCommand(commands, asksHelp ? words.slice(1) : words);
  if (command === undefined) {
    const [unknown] = rest;
    if (unknown !== undefined && unknown !== '--help' && unknown !== '-h') throw toUnknown(group, rest);
    process.stdout.write(programHelp(commands, group));
    return unknown === undefined && !asksHelp ? usageExit : 0;
  }
  if (asksHelp) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  try {
    const { values, positionals } = parseCommand(command, rest);
    if (values['help'] === true) {
      process.stdout.write(commandHelp(command));
      return 0;
    }
    return await command.run(values, positionals);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // What the command itself finds wrong with its call.
    error.command ??= command.name;
    // Its first argument may have been meant as a word of a longer command.
    const longer = commands.filter(({ name }) => name.startsWith(`${command.name} `));
    const { given = Infinity } = error;
    const suggested = suggestCommands(longer, words);
    // Too many arguments may be as many as a longer command takes.
    const takers = suggested.length > 0 ? [] : longer.filter(({ positionals }) => positionals.length >= given);
    const question = toQuestion([...suggested, ...takers.map(({ name }) => name)]);
    if (question !== '') error.message = error.message.replace(/\.$/, '') + question;
    throw error;
  }
}

/** Of words that are no command: what may have been meant. */
function toUnknown(group: string[], rest: string[]): UsageError {
  const [unknown = ''] = rest;
  const place = group.length === 0 ? undefined : group.join(' ');
  if (unknown.startsWith('-')) {
    const question = toQuestion(
      suggestOptions(['help', 'version'], unknown.replace(/^-+/, '')).map((name) => `--${name}`),
    );
    const told = question || '. Options come behind the command, as in `sallyport dev --port 8787`';
    return Object.assign(new UsageError(`Unknown option '${unknown}'${told}`), { command: place });
  }
  const words = [...group, ...rest];
  const end = words.findIndex((word) => word.startsWith('-'));
  const question = toQuestion(suggestCommands(commands, end === -1 ? words : words.slice(0, end)));
  return Object.assign(new UsageError(`Unknown command: ${[...group, unknown].join(' ')}${question}`), {
    command: place,
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  async (error: unknown) => {
    const { text, exitCode } = await toFailure(error);
    process.stderr.write(text);
    process.exitCode = exitCode;
  },
);
