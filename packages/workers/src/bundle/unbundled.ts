// `no_bundle`: the user's modules go to the runtime as they are, found by the module rules from the entry's folder. Only
// `cloudflare:sockets` and those of Node's modules that are ours are bound to our modules, in the files that import them.
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Project } from '../project.ts';
import type { BundleModule, ModuleType } from './bundle.ts';
import type { UserModules } from './bundler.ts';
import { nodeCompatMode } from '../config/compatibility.ts';
import { ownModules } from './entry-module.ts';
import { toMatchers } from './module-rules.ts';
import { nodeModules, toNodeModule } from './node-modules.ts';
import { toAbsoluteSources } from './source-maps.ts';

/** The specifier under which module `name` imports one of ours. */
function toSpecifier(name: string, own: string): string {
  const path = posix.relative(posix.dirname(name), own);
  return path.startsWith('.') ? path : `./${path}`;
}

/** The module of ours that an import means. */
function toOwn(path: string, withNode: boolean): string | undefined {
  if (path === 'cloudflare:sockets') return ownModules.sockets;
  return withNode ? toNodeModule(path) : undefined;
}

/** Keeps every import as it is, but for those that are ours. */
function bindOnly(name: string, withNode: boolean): Plugin {
  return {
    name: 'sallyport-bind',
    setup(context) {
      context.onResolve({ filter: /.*/ }, ({ path, kind }) => {
        if (kind === 'entry-point') return undefined;
        const own = toOwn(path, withNode);
        return { path: own === undefined ? path : toSpecifier(name, own), external: true };
      });
    },
  };
}

/** Follows relative imports of scripts, to learn what the entry exports and to find syntax errors. */
const followScripts: Plugin = {
  name: 'sallyport-follow',
  setup(context) {
    context.onResolve({ filter: /.*/ }, ({ path, kind }) =>
      kind === 'entry-point' || /^\.\.?\/.*\.[cm]?js$/.test(path) ? undefined : { path, external: true },
    );
  },
};

async function toExports({ main, root }: Project): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [main],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    outdir: root,
    logLevel: 'silent',
    plugins: [followScripts],
  });
  return Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined)?.exports ?? [];
}

async function bindOurs(
  path: string,
  { name, withNode }: { name: string; withNode: boolean },
): Promise<{ contents: string; map: string }> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    sourcemap: 'external',
    outfile: join(dirname(path), 'bound.js'),
    logLevel: 'silent',
    plugins: [bindOnly(name, withNode)],
  });
  const text = (suffix: string): string => outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
  return { contents: text('bound.js'), map: toAbsoluteSources(text('bound.js.map'), dirname(path)) };
}

/** A cheap look at the text: what it finds in vain is only written anew. */
function mayImportOurs(contents: Buffer, withNode: boolean): boolean {
  if (contents.includes('cloudflare:sockets')) return true;
  return (
    withNode &&
    nodeModules.some(({ specifier }) => contents.includes(`${specifier}'`) || contents.includes(`${specifier}"`))
  );
}

async function findModules({ main, rules }: Project): Promise<Map<string, { path: string; type: ModuleType }>> {
  const folder = dirname(main);
  const matchers = toMatchers(rules);
  const found = new Map<string, { path: string; type: ModuleType }>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    if (!entry.isFile() || path === main || name.split('/').includes('node_modules')) continue;
    const rule = matchers.find(({ pattern }) => pattern.test(name));
    if (rule) found.set(name, { path, type: rule.type });
  }
  return found.set(basename(main), { path: main, type: 'esModule' });
}

/** Reads the modules; esbuild's failures come out as they are. */
export async function startUnbundled(project: Project): Promise<UserModules> {
  const withNode = nodeCompatMode(project.compatibilityDate, project.compatibilityFlags) === 'v2';
  const sourceMaps = new Map<string, string>();
  const [exports, files] = await Promise.all([toExports(project), findModules(project)]);
  const modules = await Promise.all(
    [...files].map(async ([name, { path, type }]): Promise<BundleModule> => {
      const contents = await readFile(path);
      if (type !== 'esModule' || !mayImportOurs(contents, withNode)) {
        return { name, type, contents: type === 'esModule' || type === 'commonJs' ? contents.toString() : contents };
      }
      const bound = await bindOurs(path, { name, withNode });
      sourceMaps.set(name, bound.map);
      return { name, type, contents: bound.contents };
    }),
  );
  const inputs = [...files.values()].map(({ path }) => path);
  return { main: basename(project.main), modules, sourceMaps, inputs, exports, warnings: [] };
}
