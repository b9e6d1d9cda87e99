// workerd alone, with its own network and nothing between: what a Worker on us is compared with.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { startChild } from './child.ts';
import { findFreePort } from './free-port.ts';
import { type Served, toServed, workerdBinary } from './served.ts';

export interface PlainOptions {
  /** The Worker's entry. */
  main: string;
  compatibilityDate: string;
  compatibilityFlags?: readonly string[];
}

/** Node's modules are the runtime's own, however a package asks for them. */
const runtimeModules: Plugin = {
  name: 'runtime-modules',
  setup({ onResolve, onLoad }) {
    const names = new RegExp(`^(?:node:)?(?:${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`);
    onResolve({ filter: names }, ({ path, kind }) => {
      const specifier = path.startsWith('node:') ? path : `node:${path}`;
      if (kind !== 'require-call') return { path: specifier, external: true };
      return { path: specifier, namespace: 'required' };
    });
    onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `import required from ${JSON.stringify(path)};\nmodule.exports = required;`,
      resolveDir: resolve('/'),
    }));
  },
};

async function bundle(main: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [main],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    // As wrangler bundles, and we do.
    keepNames: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    external: ['cloudflare:*'],
    plugins: [runtimeModules],
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

export async function startPlainWorkerd(options: PlainOptions): Promise<Served> {
  const { main, compatibilityDate, compatibilityFlags = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const port = await findFreePort();
  const config = join(folder, 'config.capnp');
  await writeFile(join(folder, 'index.js'), await bundle(main));
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "index.js", esModule = embed "index.js")],
      compatibilityDate = "${compatibilityDate}",
      compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  );
  const child = startChild([resolve(workerdBinary), 'serve', config]);
  return toServed(child, port, () => rm(folder, { recursive: true, force: true }));
}
