// What is given as `-`: a secret from standard input, so that it is in no process list and no shell history; or a query.
import { CommandError } from '../../command-error.ts';

/** Longest line that is read, in bytes. */
const maxLength = 64 * 1024;
/** Longest query, in bytes: as many characters as the control API explains. */
const maxQueryLength = 100_000;

/** The value as it is, or for `-` what standard input has, without the newline at its end. */
export async function readSecret(noun: string, value: string | undefined): Promise<string | undefined> {
  if (value !== '-') return value;
  const text = await readInput(noun, maxLength);
  if (text !== undefined && text !== '' && !text.includes('\n')) return text;
  throw new CommandError(`Standard input is not one line with the ${noun}`, `Pipe it in: echo "$SECRET" | sallyport …`);
}

/** The query that standard input has, which may have lines. */
export async function readQuery(): Promise<string> {
  const text = await readInput('query', maxQueryLength);
  if (text !== undefined && text.trim() !== '') return text;
  throw new CommandError(
    `Standard input is not a query of at most ${maxQueryLength} bytes`,
    'Pipe it in: sallyport hyperdrive explain NAME - < query.sql',
  );
}

/** Without the newline at its end; undefined when it is longer. */
async function readInput(noun: string, limit: number): Promise<string | undefined> {
  if (process.stdin.isTTY) process.stderr.write(`Type or paste the ${noun}, then Ctrl-D:\n`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
