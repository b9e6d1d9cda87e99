// What an edge keeps on disk beside its database: the key ring, the control API's token, and where the API listens.
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ownerProblem } from '@sallyport/control';
import { EdgeError } from '../errors.ts';
import { readPrivate, replaceFile, writeOnce } from './private-file.ts';

export const databaseFile = 'control.db';
export const keyFile = 'secrets.key';
const tokenFile = 'control.token';
/** Milliseconds an edge that runs already gets to say so. */
const probeTimeout = 2_000;
/** How commands on this machine find the control API. */
const discoveryFile = 'control.json';

/** Characters; the control API takes no shorter one. */
const minTokenLength = 16;

const unusable = 'state_unusable';

export interface Discovery {
  url: string;
  token: string;
  account: string;
}

/**
 * Makes the folder, which only we may enter. One of another user's, or a link that another user has left there, is
 * refused before anything is done to it: whoever owns a folder can exchange the keys in it.
 * @throws EdgeError `state_unusable`
 */
export async function openStateDirectory(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    for (const { uid } of [await lstat(folder), await stat(folder)]) {
      const problem = ownerProblem(folder, uid);
      if (problem !== undefined) throw new Error(problem);
    }
    await chmod(folder, 0o700);
  } catch (cause) {
    throw new EdgeError('state_unusable', (cause as Error).message, { cause });
  }
}

/** The token of the control API; made at first start. @throws EdgeError `state_unusable` */
export async function openControlToken(folder: string): Promise<string> {
  const file = join(folder, tokenFile);
  if ((await readPrivate(file, unusable)) === undefined) {
    await writeOnce(file, `${randomBytes(32).toString('base64url')}\n`, unusable);
  }
  const token = (await readPrivate(file, unusable))?.trim() ?? '';
  if (token.length >= minTokenLength) return token;
  throw new EdgeError(unusable, `${file} holds no token of ${minTokenLength} characters; remove it to have one made`);
}

export async function writeDiscovery(folder: string, discovery: Discovery): Promise<void> {
  await replaceFile(join(folder, discoveryFile), `${JSON.stringify(discovery, null, 2)}\n`, unusable);
}

/** The edge that runs on this state directory already, if one answers. @throws EdgeError `state_in_use` */
export async function refuseSecondEdge(folder: string): Promise<void> {
  const text = await readFile(join(folder, discoveryFile), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { url, token } = parseDiscovery(text);
  if (url === undefined) return;
  const answer = await fetch(`${url}/user/tokens/verify`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(probeTimeout),
  }).catch(() => undefined);
  // Whoever listens there now without knowing the token is somebody else.
  if (answer?.ok === true) throw new EdgeError('state_in_use', `${folder}, by the one at ${url}`);
}

function parseDiscovery(text: string): Partial<Discovery> {
  try {
    return JSON.parse(text) as Partial<Discovery>;
  } catch {
    return {};
  }
}

/** Removes it, so that nobody asks an edge that is gone; another edge's stays. */
export async function removeDiscovery(folder: string, url: string): Promise<void> {
  const file = join(folder, discoveryFile);
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.includes(JSON.stringify(url))) await rm(file, { force: true });
}

/**
 * A folder and those above it. Not `mkdir({ recursive: true })`: where a file system takes no folders and answers ENOENT,
 * as /proc does, Node tries for ever.
 */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, 0o700);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder || (await isThere(parent))) throw error;
    await makeFolder(parent);
    await mkdir(folder, 0o700);
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
