// The programs that run on Node, built to plain JavaScript: a loader that strips types at run time would be measured, too.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { cacheFolder } from '../kit/runtimes.ts';

const folder = `${cacheFolder}/guests`;

/** Packages stay imports, and resolve to what their users get: `dist`. */
export async function buildNodeGuests(): Promise<void> {
  await build({
    entryPoints: ['bench/sockets/peer.ts', 'bench/sockets/guests/node-net.ts', 'bench/sockets/guests/node-connect.ts'],
    outdir: folder,
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
}

export function toNodeCommand(name: 'peer' | 'node-net' | 'node-connect', ...args: string[]): string[] {
  return [process.execPath, resolve(folder, `${name}.mjs`), ...args];
}
