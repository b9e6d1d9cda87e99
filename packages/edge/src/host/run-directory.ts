// A private folder for one run's sockets and modules, gone when the run ends. A run that was killed cannot remove its
// own, so each start removes what others left: a folder whose gateway nobody answers at is nobody's.
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Name of the gateway's unix socket in the folder. */
export const gatewaySocket = 'gateway.sock';

const prefix = 'sallyport-run-';
/** Folders that one start looks at; the rest is for the next. */
const maxSwept = 100;

/** Makes a folder that only we may enter. */
export async function createRunDirectory(parent: string = tmpdir()): Promise<string> {
  await removeAbandoned(parent);
  return mkdtemp(join(parent, prefix));
}

async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  const folders: string[] = [];
  for (const name of names) {
    const folder = join(parent, name);
    if (folders.length < maxSwept && name.startsWith(prefix) && (await isOurs(folder))) folders.push(folder);
  }
  await Promise.all(
    folders.map(async (folder) => {
      if (await isAbandoned(join(folder, gatewaySocket))) await rm(folder, { recursive: true }).catch(() => {});
    }),
  );
}

/**
 * Only a folder of this user that nobody else may enter. Where everybody may make folders, somebody could leave one of
 * this name and exchange what is in it, while it is being removed, for a link to what they may not remove themselves.
 */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) return false;
  return process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o077) === 0);
}

/** True only when the socket is there and refuses: a folder without one may be just being made. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
