#!/usr/bin/env node
// The `sallyport` command: finds the command, explains it or runs it.
import { readFileSync } from 'node:fs';
import { parseCommand, UsageError } from './command.ts';
import { commands } from './commands.ts';
import { toFailure, usageExit } from './failure.ts';
import { commandHelp, programHelp } from './help.ts';

// Whoever reads our output may stop reading, as `head` does: that is no error of ours, and nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && args.length === 0)) {
    process.stdout.write(programHelp(commands));
    return name === undefined ? usageExit : 0;
  }
  const asked = name === 'help' ? args[0] : name;
  const command = commands.find((candidate) => candidate.name === asked);
  if (command === undefined) throw new UsageError(`Unknown command: ${asked}`);
  if (name === 'help') {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  const { values, positionals } = parseCommand(command, args);
  if (values['help'] === true) {
    process.stdout.write(commandHelp(command));
    return 0;
  }
  return command.run(values, positionals);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const { text, exitCode } = toFailure(error);
    process.stderr.write(text);
    process.exitCode = exitCode;
  },
);
