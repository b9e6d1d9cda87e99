// A secret from standard input, so that it is in no process list and no shell history.
import { CommandError } from '../../command-error.ts';

/** Longest line that is read, in bytes. */
const maxLength = 64 * 1024;

/** The value as it is, or for `-` what standard input has, without the newline at its end. */
export async function readSecret(noun: string, value: string | undefined): Promise<string | undefined> {
  if (value !== '-') return value;
  if (process.stdin.isTTY) process.stderr.write(`Type or paste the ${noun}, then Ctrl-D:\n`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxLength) break;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (text !== '' && length <= maxLength && !text.includes('\n')) return text;
  throw new CommandError(`Standard input is not one line with the ${noun}`, `Pipe it in: echo "$SECRET" | sallyport …`);
}
