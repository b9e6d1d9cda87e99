// One Worker with every driver in it, run as `sallyport dev` runs a project.
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDevServer } from '@sallyport/edge';
import { devPolicy } from '@sallyport/egress';
import type { Json } from '../../case.ts';
import type { Ask } from '../worker-entry.ts';
import type { Lab } from './lab.ts';
import { type Setup, writeTrust } from './setup.ts';

/** What is in wrangler's configuration besides the name; docs/drivers.md says so. */
export const workerSettings = {
  compatibility_date: '2026-11-01',
  compatibility_flags: ['nodejs_compat'],
  alias: {
    'cpu-features': './empty.js',
    'irc-framework': 'irc-framework/src/index.js',
    mqtt: 'mqtt/index',
    'readable-stream': 'node:stream',
  },
  define: { __dirname: '"/"' },
};

export interface DriverWorker extends AsyncDisposable {
  run(ask: Ask): Promise<Json>;
}

export async function startDriverWorker(setup: Setup, lab: Lab): Promise<DriverWorker> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-drivers-')));
  const main = fileURLToPath(new URL('../worker-entry.ts', import.meta.url));
  await writeFile(join(folder, 'wrangler.json'), JSON.stringify({ name: 'drivers', main, ...workerSettings }));
  await writeFile(join(folder, 'empty.js'), '');
  await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  await writeTrust(setup, lab, folder);
  let failure: unknown;
  const server = await startDevServer({
    project: { cwd: folder, processEnv: {} },
    policy: devPolicy,
    host: '127.0.0.1',
    port: 0,
    watch: false,
    onHostEvent(event) {
      if (event.type === 'failed') failure = event.error;
    },
    onGatewayEvent: () => {},
    onTlsEvent(event) {
      if (event.type === 'tls-unusable') failure ??= event.error;
    },
    onRequest: () => {},
  });
  const close = async (): Promise<void> => {
    await server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  if (failure !== undefined) {
    await close();
    throw failure;
  }
  return {
    async run(ask) {
      const response = await fetch(server.url, { method: 'POST', body: JSON.stringify(ask) });
      const text = await response.text();
      if (!response.ok) throw new Error(`the Worker answered ${response.status}: ${text}`);
      const { seen, error } = JSON.parse(text) as { seen?: Json; error?: string };
      if (error !== undefined) throw new Error(error);
      return seen!;
    },
    [Symbol.asyncDispose]: close,
  };
}
