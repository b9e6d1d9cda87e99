// Files that nobody else may read: keys, tokens. What others may read is refused, not used: it came with somebody's
// project, from an archive or Git, or more people know it than should.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { privacyProblem } from '@sallyport/control';
import { EdgeError, type EdgeErrorCode } from '../errors.ts';

/** The text; undefined when there is no such file. @throws EdgeError with that code */
export async function readPrivate(file: string, code: EdgeErrorCode): Promise<string | undefined> {
  // What is looked at is what is read, and a pipe in its place keeps nobody waiting.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new EdgeError(code, `${file} could not be read`, { cause });
  });
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    const problem = found.isFile() ? privacyProblem(file, found) : `${file} is no file`;
    if (problem !== undefined) throw new EdgeError(code, problem);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** The text of a file that others may read. @throws EdgeError with that code */
export async function readIfThere(file: string, code: EdgeErrorCode): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdgeError(code, `${file} could not be read`, { cause });
  }
}

/** Whole or not at all, and never over what another process has just made. @throws EdgeError with that code */
export function writeOnce(file: string, text: string, code: EdgeErrorCode): Promise<void> {
  return write(file, text, code, (draft) =>
    link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    }),
  );
}

/** Whole or not at all, in place of what is there. @throws EdgeError with that code */
export function replaceFile(file: string, text: string, code: EdgeErrorCode): Promise<void> {
  return write(file, text, code, (draft) => rename(draft, file));
}

async function write(
  file: string,
  text: string,
  code: EdgeErrorCode,
  publish: (draft: string) => Promise<void>,
): Promise<void> {
  // A name that nobody else has: neither another start of the edge, nor somebody who left a link there.
  const draft = `${file}.${randomUUID()}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(draft);
  } catch (cause) {
    throw new EdgeError(code, `${file} could not be written`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}
