// Where the credentials of a tunnel are kept on this machine: `~/.sallyport/<id>.json`, readable by their owner only.
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { toCredentialsFile, type TunnelCredentials } from '@sallyport/tunnel';
import { CommandError } from '../../command-error.ts';

export function credentialsPath(tunnelId: string): string {
  return join(homedir(), '.sallyport', `${tunnelId}.json`);
}

/** Never over a file that is there. Rejects with a `CommandError`. */
export async function writeCredentials(file: string, credentials: TunnelCredentials): Promise<void> {
  try {
    const folder = dirname(file);
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    // The mask may have taken more than we did; what was there before is its owner's business.
    if (made !== undefined) await chmod(folder, 0o700);
    await writeNew(file, toCredentialsFile(credentials));
  } catch (error) {
    const message = (error as Error).message;
    throw new CommandError(message, 'Choose another file with --cred-file.', { cause: error });
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o400).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST' ? new Error(`${file} already exists`, { cause }) : cause;
  });
  try {
    await handle.writeFile(text);
    await handle.chmod(0o400);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
