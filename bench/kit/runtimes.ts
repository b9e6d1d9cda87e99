// Deno and Bun, fetched with npm into `.cache/bench` when a bench needs them: they are peers, not dependencies.
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const cacheFolder = '.cache/bench';

export interface PeerRuntime {
  /** Absolute path of the executable; undefined when it cannot be had. */
  path: string | undefined;
  version: string;
  /** Why it cannot be had. */
  reason: string;
}

const sources = {
  deno: { version: '2.9.6', scope: '@deno', executable: 'deno' },
  bun: { version: '1.4.5', scope: '@oven', executable: 'bin/bun' },
} as const;

/** The pinned release's executable, from the cache or from npm. Never rejects. */
export async function findRuntime(name: keyof typeof sources): Promise<PeerRuntime> {
  const { version } = sources[name];
  const folder = join(process.cwd(), cacheFolder, `${name}-${version}`);
  try {
    const cached = await findExecutable(name, folder);
    if (cached !== undefined) return { path: cached, version, reason: '' };
    await mkdir(folder, { recursive: true });
    // Their launchers need install scripts; the platform package that npm picks along holds the program itself.
    const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await run('npm', ['install', '--prefix', folder, ...flags, `${name}@${version}`], { timeout: 120_000 });
    const path = await findExecutable(name, folder);
    return { path, version, reason: path === undefined ? 'npm has no build for this platform that runs' : '' };
  } catch (error) {
    return { path: undefined, version, reason: (error as Error).message.trim().split('\n').at(-1) ?? '' };
  }
}

async function findExecutable(name: keyof typeof sources, folder: string): Promise<string | undefined> {
  const { scope, executable } = sources[name];
  const builds = join(folder, 'node_modules', scope);
  for (const build of await readdir(builds).catch(() => [])) {
    const path = join(builds, build, executable);
    const works = await run(path, ['--version']).then(
      () => true,
      () => false,
    );
    if (works) return path;
  }
  return undefined;
}
