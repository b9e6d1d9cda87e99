// A temporary Worker project running under startDevServer(), its events recorded, all gone when the test ends.
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { devPolicy } from '@sallyport/egress';
import { use } from '@sallyport/testkit';
import {
  type DevServer,
  type DevServerOptions,
  type GatewayEvent,
  type HostEvent,
  type RequestEvent,
  startDevServer,
} from '../../src/index.ts';
import { Recorder } from './recorder.ts';

export type Files = Record<string, string | Uint8Array | null>;
type Typed<Type extends HostEvent['type']> = Extract<HostEvent, { type: Type }>;

export type BenchOptions = Partial<Omit<DevServerOptions, 'project'>> & {
  project?: Partial<DevServerOptions['project']>;
};

export interface DevBench {
  folder: string;
  server: DevServer;
  host: Recorder<HostEvent>;
  gateway: Recorder<GatewayEvent>;
  requests: Recorder<RequestEvent>;
  /** Writes files as editors do, each in one step; null removes one. */
  write(files: Files): Promise<void>;
  /** The next event of this type that no call returned yet. */
  event<Type extends HostEvent['type']>(type: Type, accepts?: (event: Typed<Type>) => boolean): Promise<Typed<Type>>;
  /** The next console line or exception that holds `text`. */
  log(text: string): Promise<string>;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The body of a GET that has to succeed. */
  text(path: string): Promise<string>;
}

/** This repository's dependencies, for projects to import. */
export const modules: string = fileURLToPath(new URL('../../../../node_modules', import.meta.url));

/** A folder that is removed after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-edge-')));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    if (content === null) await rm(path);
    else {
      await writeFile(`${path}~`, content);
      await rename(`${path}~`, path);
    }
  }
}

/** A configuration's text; `main` is `src/index.js`. */
export function config(more: object = {}): string {
  return JSON.stringify({ name: 'bench', main: 'src/index.js', compatibility_date: '2026-08-01', ...more });
}

export async function startBench(t: TestContext, files: Files | string, options: BenchOptions = {}): Promise<DevBench> {
  const folder = await temporaryFolder(t);
  const sources = typeof files === 'string' ? { 'src/index.js': files } : files;
  await writeFiles(folder, { 'wrangler.json': config(), ...sources });
  await symlink(modules, join(folder, 'node_modules'));
  const host = new Recorder<HostEvent>();
  const gateway = new Recorder<GatewayEvent>();
  const requests = new Recorder<RequestEvent>();
  const server = await use(
    t,
    startDevServer({
      policy: devPolicy,
      host: '127.0.0.1',
      port: 0,
      onHostEvent: host.add,
      onGatewayEvent: gateway.add,
      onRequest: requests.add,
      ...options,
      project: { cwd: folder, processEnv: {}, ...options.project },
    }),
  );
  const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(server.url + path, init);
  return {
    folder,
    server,
    host,
    gateway,
    requests,
    write: (contents) => writeFiles(folder, contents),
    event: (type, accepts = () => true) =>
      host.next((event) => event.type === type && accepts(event as Typed<typeof type>)),
    async log(text) {
      const { log } = await host.next<Typed<'log'>>(
        (event) => event.type === 'log' && event.log.message.includes(text),
      );
      return log.message;
    },
    ask,
    async text(path) {
      const response = await ask(path);
      const body = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${body}`);
      return body;
    },
  };
}
