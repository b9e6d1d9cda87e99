// Where a connector's files are looked for: ours first, then cloudflared's, so that what people have written is found.
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import {
  maxCredentialsLength,
  parseCredentialsFile,
  type ParsedConfig,
  parseTunnelConfig,
  type TunnelCredentials,
} from '@sallyport/tunnel';
import { CommandError } from '../../command-error.ts';

/** The folders, in the order they are looked into. */
export function connectorFolders(): string[] {
  return [join(homedir(), '.sallyport'), join(homedir(), '.cloudflared'), '/etc/sallyport', '/etc/cloudflared'];
}

/** Files of a folder that are looked at when a tunnel is named by its name. */
const maxFiles = 200;

export interface FoundConfig {
  file: string;
  parsed: ParsedConfig;
}

/** The file named, or the first `config.yml` there is; undefined when none was named and none is there. */
export async function findConfig(
  named: string | undefined,
  { requireIngress }: { requireIngress: boolean },
): Promise<FoundConfig | undefined> {
  const candidates = connectorFolders().flatMap((folder) => [join(folder, 'config.yml'), join(folder, 'config.yaml')]);
  for (const file of named === undefined ? candidates : [named]) {
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (named === undefined && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return undefined;
      throw unreadable('configuration file', file, cause);
    });
    if (text !== undefined) return { file, parsed: parseTunnelConfig(text, { file, requireIngress }) };
  }
  return undefined;
}

export function unreadable(what: string, file: string, cause: NodeJS.ErrnoException): CommandError {
  const remedy =
    cause.code === 'EACCES'
      ? 'Run the connector as the user who may read it, or give that user the file (chown), readable by nobody else.'
      : 'Check the path.';
  return new CommandError(`The ${what} ${file} cannot be read: ${cause.message}`, remedy, { cause });
}

/** Reads a small secret file; `exposed` says that others on this machine can read it too. */
export async function readSecret(what: string, file: string): Promise<{ text: string; exposed: boolean }> {
  try {
    const { mode, size } = await stat(file);
    if (size > maxCredentialsLength) {
      const remedy = 'Name the file that `sallyport tunnel create` or `sallyport tunnel token` made.';
      throw new CommandError(`The ${what} ${file} has ${size} bytes`, remedy);
    }
    return { text: await readFile(file, 'utf8'), exposed: process.platform !== 'win32' && (mode & 0o007) !== 0 };
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(what, file, error as NodeJS.ErrnoException);
  }
}

export interface FoundCredentials {
  file: string;
  credentials: TunnelCredentials;
  exposed: boolean;
}

/** @throws CommandError, TunnelError `invalid_credentials` */
export async function readCredentials(file: string): Promise<FoundCredentials> {
  const { text, exposed } = await readSecret('credentials file', file);
  return { file, exposed, credentials: parseCredentialsFile(text, file) };
}

const uuid = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** The credentials of a tunnel by id (`<id>.json`) or by the name in the file. */
export async function searchCredentials(tunnel: string, configFile: string | undefined): Promise<FoundCredentials> {
  const beside = configFile === undefined ? [] : [dirname(resolve(configFile))];
  const folders = [...new Set([...beside, ...connectorFolders()])];
  for (const folder of folders) {
    if (uuid.test(tunnel)) {
      const file = join(folder, `${tunnel.toLowerCase()}.json`);
      if (await exists(file)) return readCredentials(file);
    } else {
      const found = await searchByName(folder, tunnel);
      if (found !== undefined) return found;
    }
  }
  throw new CommandError(
    `Credentials of tunnel ${tunnel} were not found in ${folders.join(', ')}`,
    'Name the file with --credentials-file, or start the connector with a token: `sallyport tunnel token NAME` at the edge prints it.',
  );
}

async function searchByName(folder: string, name: string): Promise<FoundCredentials | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((each) => uuid.test(each.replace(/\.json$/, '')));
  for (const each of names.sort().slice(0, maxFiles)) {
    // A file that cannot be read is somebody else's, or cloudflared's: it is not the one that is looked for.
    const found = await readCredentials(join(folder, each)).catch(() => undefined);
    if (found?.credentials.tunnelName === name) return found;
  }
  return undefined;
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
