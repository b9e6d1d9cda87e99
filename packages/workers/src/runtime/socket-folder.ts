// Where a run's unix sockets live. Their paths are limited to about a hundred bytes, so a run directory deep in the file
// system gets a short private folder beside it.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { WorkersError } from '../errors.ts';

/** Bytes of `sun_path` without its terminating zero [unix(7), Darwin sys/un.h]. */
const limit = platform === 'darwin' ? 103 : 107;

/** @throws WorkersError `socket_path_too_long` */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > limit) throw new WorkersError('socket_path_too_long', { path, bytes, limit });
}

export interface SocketFolder {
  toPath(name: string): string;
  remove(): Promise<void>;
}

/** Makes a folder in which a socket called `longest` still has a valid path. */
export async function createSocketFolder(preferred: string, { longest }: { longest: string }): Promise<SocketFolder> {
  if (Buffer.byteLength(join(preferred, longest)) <= limit) {
    return { toPath: (name) => join(preferred, name), remove: async () => {} };
  }
  const base = join(tmpdir(), 'sp-');
  checkSocketPath(join(`${base}XXXXXX`, longest));
  const folder = await mkdtemp(base);
  await chmod(folder, 0o700);
  return { toPath: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) };
}
