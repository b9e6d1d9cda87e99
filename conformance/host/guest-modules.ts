// The cases as JavaScript: one module for plain workerd, one for Node.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** For both Workers. */
export const compatibilityDate = '2026-11-01';

export interface GuestModules {
  worker: string;
  node: string;
}

export function toGuestPath(file: string): string {
  return fileURLToPath(new URL(`../guest/${file}`, import.meta.url));
}

async function bundle(file: string, platform: 'node' | 'browser'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [toGuestPath(file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform,
    conditions: ['sallyport-source'],
    external: ['cloudflare:*', 'node:*'],
    // Names of functions and classes are observed.
    keepNames: true,
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

export async function buildGuests(): Promise<GuestModules> {
  const [worker, node] = await Promise.all([bundle('worker-entry.ts', 'browser'), bundle('node-entry.ts', 'node')]);
  return { worker, node };
}
