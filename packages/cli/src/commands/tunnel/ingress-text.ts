// Prints what a command about ingress rules has to say.
import type { CommandText } from '@sallyport/tunnel';

export function printText({ exitCode, output, errors }: CommandText): number {
  for (const line of output) process.stdout.write(`${line}\n`);
  for (const line of errors) process.stderr.write(`${line}\n`);
  return exitCode;
}
