#!/usr/bin/env node
// The `sallyport` command: finds the command, explains it or runs it.
import { readFileSync } from 'node:fs';
import { findCommand, parseCommand, UsageError } from './command.ts';
import { commands } from './commands.ts';
import { toFailure, usageExit } from './failure.ts';
import { commandHelp, programHelp } from './help.ts';

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
    if (unknown !== undefined && unknown !== '--help' && unknown !== '-h') {
      throw new UsageError(`Unknown command: ${[...group, unknown].join(' ')}`);
    }
    process.stdout.write(programHelp(commands, group));
    return unknown === undefined && !asksHelp ? usageExit : 0;
  }
  if (asksHelp) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  const { values, positionals } = parseCommand(command, rest);
  if (values['help'] === true) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  try {
    return await command.run(values, positionals);
  } catch (error) {
    // What the command itself finds wrong with its call.
    if (error instanceof UsageError) error.command ??= command.name;
    throw error;
  }
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
