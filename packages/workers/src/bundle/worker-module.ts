// Builds a TypeScript file of our own into one module for workerd.
//
// From source the file is `.ts`, in the published package `.js`; esbuild takes both.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Resolves a sibling source file whether we run from source or from the built package. */
export function toOwnSource(relative: string, base: string): string {
  const path = fileURLToPath(new URL(relative, base));
  return existsSync(path) ? path : path.replace(/\.ts$/, '.js');
}

/** One self-contained ES module; what only the runtime has stays an import. */
export async function buildWorkerModule(path: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser', 'sallyport-source'],
    external: ['cloudflare:*', 'node:*'],
    keepNames: true,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
