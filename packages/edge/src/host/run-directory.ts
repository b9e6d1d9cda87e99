// A private folder for one run's sockets and modules, gone when the run ends. A run that was killed cannot remove its
// own, so each start removes what others left: a folder whose gateway nobody answers at is nobody's.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
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
  const folders = names.filter((name) => name.startsWith(prefix)).slice(0, maxSwept);
  await Promise.all(
    folders.map(async (name) => {
      const folder = join(parent, name);
      // Another user's folder cannot be removed, and need not be.
      if (await isAbandoned(join(folder, gatewaySocket))) await rm(folder, { recursive: true }).catch(() => {});
    }),
  );
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
