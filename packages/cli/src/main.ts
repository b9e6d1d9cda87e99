#!/usr/bin/env node
// The `sallyport` command: finds the command, explains it or runs it. A user's mistake prints its remedy, ours a stack.
import { readFileSync } from 'node:fs';
import { ConfigurationError } from '@sallyport/edge';
import { formatDiagnostics } from '@sallyport/workers';
import { type Command, parseCommand, UsageError } from './command.ts';
import { dev } from './commands/dev.ts';
import { explain } from './commands/explain.ts';
import { commandHelp, programHelp } from './help.ts';

/** Exit code for a call that cannot be understood [sysexits: EX_USAGE]. */
const usageExit = 64;

const commands: readonly Command[] = [dev, explain];

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`${manifest.version}\n`);
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(programHelp(commands));
    return name === undefined ? usageExit : 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) throw new UsageError(`Unknown command: ${name}`);
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
  (error: Error & { code?: string; remedy?: string; kind?: string }) => {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\nRun sallyport --help for what there is.\n`);
      process.exitCode = usageExit;
    } else if (error instanceof ConfigurationError) {
      process.stderr.write(formatDiagnostics(error.diagnostics, { color: false, cwd: process.cwd() }));
      process.exitCode = 1;
    } else if (error.code === 'EADDRINUSE') {
      process.stderr.write(`The port is taken: ${error.message}\nStop what uses it, or choose another with --port.\n`);
      process.exitCode = 1;
    } else {
      process.stderr.write(error.remedy === undefined ? `${error.stack}\n` : `${error.message}\n${error.remedy}\n`);
      process.exitCode = 1;
    }
  },
);
