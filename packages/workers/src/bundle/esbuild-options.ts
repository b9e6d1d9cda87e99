// How esbuild is told to bundle a Worker: wrangler's settings, so that the same sources give the same Worker.
import type { BuildOptions } from 'esbuild';
import type { Project } from '../project.ts';

/** `navigator.userAgent` is `Cloudflare-Workers` from this date on, or by flag [workerd global_navigator]. */
const navigatorFrom = '2022-03-21';

function hasNavigator({ compatibilityDate, compatibilityFlags }: Project): boolean {
  if (compatibilityFlags.includes('no_global_navigator')) return false;
  return compatibilityDate >= navigatorFrom || compatibilityFlags.includes('global_navigator');
}

function toDefines(project: Project): Record<string, string> {
  const forms = ['process', 'global.process', 'globalThis.process'];
  return {
    ...(hasNavigator(project) && { 'navigator.userAgent': '"Cloudflare-Workers"' }),
    ...Object.fromEntries(forms.map((form) => [`${form}.env.NODE_ENV`, '"development"'])),
    ...project.define,
  };
}

/** Conditions as wrangler reads them: comma separated, or a JSON array as its older versions had it. */
function toConditions(text: string | undefined): string[] {
  if (text === undefined) return ['workerd', 'worker', 'browser'];
  const list = text.trim().startsWith('[') ? (JSON.parse(text) as string[]) : text.split(',');
  return list.map((condition) => condition.trim()).filter((condition) => condition !== '');
}

/** Options common to every build of the project; plugins are the bundler's. */
export function toBuildOptions(project: Project, environment: NodeJS.ProcessEnv): BuildOptions {
  const { tsconfig, jsxFactory, jsxFragment } = project;
  return {
    absWorkingDir: project.root,
    entryPoints: { index: project.main },
    // Nothing is written; source maps are relative to this folder.
    outdir: project.root,
    write: false,
    bundle: true,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    platform: (environment['WRANGLER_BUILD_PLATFORM'] ?? 'browser') as 'browser' | 'node' | 'neutral',
    conditions: toConditions(environment['WRANGLER_BUILD_CONDITIONS']),
    loader: { '.js': 'jsx', '.mjs': 'jsx', '.cjs': 'jsx' },
    supported: { 'import-source': true },
    external: ['__STATIC_CONTENT_MANIFEST', 'cloudflare:*'],
    define: toDefines(project),
    keepNames: project.keepNames,
    minify: project.minify,
    sourcemap: 'external',
    logLevel: 'silent',
    ...(tsconfig !== undefined && { tsconfig }),
    ...(jsxFactory !== undefined && { jsxFactory }),
    ...(jsxFragment !== undefined && { jsxFragment }),
  };
}
