// PgBouncer as Debian packages it: the installed one, or the package's files unpacked into `.cache/bench`, because it is
// a peer of a bench and nothing that has to be installed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findOnPath } from './on-path.ts';
import { cacheFolder } from './runtimes.ts';

const run = promisify(execFile);

/** The package, and the one library it needs that few machines have. */
const packages = ['pgbouncer', 'libc-ares2'];

export interface Pgbouncer {
  path: string;
  version: string;
  /** Where its libraries are, for LD_LIBRARY_PATH. */
  libraries: string;
}

/** PgBouncer, or why it cannot be had. Never rejects. */
export async function findPgbouncer(): Promise<Pgbouncer | { reason: string }> {
  const installed = findOnPath('pgbouncer') ?? ['/usr/sbin/pgbouncer'].find((path) => existsSync(path));
  try {
    return await describe(installed ?? (await unpack()));
  } catch (error) {
    return { reason: (error as Error).message.trim().split('\n').at(-1) ?? '' };
  }
}

async function unpack(): Promise<string> {
  const folder = join(process.cwd(), cacheFolder, 'pgbouncer');
  const path = join(folder, 'usr/sbin/pgbouncer');
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  await run('apt-get', ['download', ...packages], { cwd: folder, timeout: 120_000 });
  for (const file of await readdir(folder)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', file, '.'], { cwd: folder });
  }
  return path;
}

async function describe(path: string): Promise<Pgbouncer> {
  const root = path.slice(0, -'/usr/sbin/pgbouncer'.length);
  const roots = ['lib', 'usr/lib'].map((each) => join(root, each));
  const libraries = roots.flatMap((each) => [
    each,
    join(each, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`),
  ]);
  const LD_LIBRARY_PATH = libraries.join(':');
  const { stdout } = await run(path, ['--version'], { env: { ...process.env, LD_LIBRARY_PATH } });
  return { path, libraries: LD_LIBRARY_PATH, version: stdout.split('\n')[0]!.replace('PgBouncer ', '') };
}
