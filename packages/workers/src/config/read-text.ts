// Reads a small text file, and says in words why it is not one.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The largest configuration or env file that is read, in bytes. */
export const maxTextBytes = 1_048_576;

export type TextFile =
  | { kind: 'text'; text: string }
  | { kind: 'missing' }
  | { kind: 'folder' }
  | { kind: 'too-large' }
  | { kind: 'not-text' }
  | { kind: 'unreadable'; reason: string; cause: unknown };

/** Reads `file` as UTF-8 without its byte order mark. Never throws. */
export async function readTextFile(file: string): Promise<TextFile> {
  try {
    // Opening a named pipe would wait for a writer; O_NONBLOCK does not.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) return { kind: 'folder' };
      if (!stats.isFile()) return { kind: 'unreadable', reason: 'it is not a regular file', cause: undefined };
      if (stats.size > maxTextBytes) return { kind: 'too-large' };
      return toText(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    return { kind: 'unreadable', reason: reasons[code] ?? code, cause: error };
  }
}

const reasons: Record<string, string> = {
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name is not a file name',
};

function toText(bytes: Uint8Array): TextFile {
  if (bytes.byteLength > maxTextBytes) return { kind: 'too-large' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? { kind: 'not-text' } : { kind: 'text', text };
  } catch {
    return { kind: 'not-text' };
  }
}
