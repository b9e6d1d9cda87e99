// What an edge keeps on disk beside its database: the key ring, the control API's token, and where the API listens.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../errors.ts';

export const databaseFile = 'control.db';
export const keyFile = 'secrets.key';
const tokenFile = 'control.token';
/** How commands on this machine find the control API. */
const discoveryFile = 'control.json';

export interface Discovery {
  url: string;
  token: string;
  account: string;
}

/** Makes the folder, which only we may enter. @throws EdgeError `state_unusable` */
export async function openStateDirectory(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
  } catch (cause) {
    throw new EdgeError('state_unusable', (cause as Error).message, { cause });
  }
}

/** The token of the control API; made at first start. */
export async function openControlToken(folder: string): Promise<string> {
  const file = join(folder, tokenFile);
  const known = await readFile(file, 'utf8').catch(() => '');
  if (known.trim() !== '') return known.trim();
  const token = randomBytes(32).toString('base64url');
  await writePrivate(file, `${token}\n`);
  return token;
}

export async function writeDiscovery(folder: string, discovery: Discovery): Promise<void> {
  await writePrivate(join(folder, discoveryFile), `${JSON.stringify(discovery, null, 2)}\n`);
}

/** Removes it, so that nobody asks an edge that is gone; another edge's stays. */
export async function removeDiscovery(folder: string, url: string): Promise<void> {
  const file = join(folder, discoveryFile);
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.includes(JSON.stringify(url))) await rm(file, { force: true });
}

/** Whole or not at all: readers never see half of it. */
async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, file);
  } catch (cause) {
    throw new EdgeError('state_unusable', (cause as Error).message, { cause });
  }
}
