// Builds a TypeScript file of our own into one module for workerd.
//
// From source the file is `.ts`, in the published package `.js`; esbuild takes both.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions } from 'esbuild';

/** Resolves a sibling source file whether we run from source or from the built package. */
export function toOwnSource(relative: string, base: string): string {
  const path = fileURLToPath(new URL(relative, base));
  return existsSync(path) ? path : path.replace(/\.ts$/, '.js');
}

const settings: BuildOptions = {
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2024',
  platform: 'browser',
  conditions: ['workerd', 'worker', 'browser', 'sallyport-source'],
  external: ['cloudflare:*', 'node:*'],
  keepNames: true,
  logLevel: 'silent',
};

/** Modules that share what they have in common, in one folder: texts by file name. */
export async function buildWorkerModules(entryPoints: Record<string, string>): Promise<Map<string, string>> {
  const { outputFiles } = await build({ ...settings, entryPoints, splitting: true, outdir: '/' });
  return new Map(outputFiles?.map(({ path, text }) => [basename(path), text]));
}

/** One self-contained ES module; what only the runtime has stays an import. */
export async function buildWorkerModule(path: string): Promise<string> {
  const { outputFiles } = await build({ ...settings, entryPoints: [path] });
  return outputFiles?.[0]?.text ?? '';
}
