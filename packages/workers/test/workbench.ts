// A temporary Worker project, its gateway and its runtime, all gone when the test ends.
import { createServer, type IncomingMessage, request as startRequest, type Server } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type Bundle,
  createBundler,
  type Project,
  type Runtime,
  type RuntimeLog,
  type RuntimeOptions,
  startRuntime,
} from '../src/index.ts';

export interface Workbench {
  folder: string;
  project: Project;
  logs: RuntimeLog[];
  /** Resolves with the first log that `accepts` is true for, past or future. */
  log(accepts: (log: RuntimeLog) => boolean): Promise<RuntimeLog>;
  write(files: Record<string, string | Uint8Array>): Promise<void>;
  build(): Promise<Bundle>;
  /** Starts the bundle given or built now; later starts use the same state directory. */
  start(bundle?: Bundle, options?: Partial<RuntimeOptions>): Promise<Runtime>;
}

export interface WorkbenchOptions {
  /** Absolute path of the module `cloudflare:sockets` means. */
  socketsModule?: string;
  project?: Partial<Project>;
  environment?: NodeJS.ProcessEnv;
}

const emptyProject = (root: string): Project => ({
  name: 'test-worker',
  configPath: join(root, 'wrangler.jsonc'),
  root,
  environment: undefined,
  main: join(root, 'src/index.ts'),
  compatibilityDate: '2026-08-01',
  compatibilityFlags: [],
  vars: {},
  secretNames: [],
  rules: [],
  alias: {},
  define: {},
  tsconfig: undefined,
  jsxFactory: undefined,
  jsxFragment: undefined,
  minify: false,
  keepNames: true,
  noBundle: false,
  build: { command: undefined, cwd: root, watchDirs: [] },
  crons: [],
  queueConsumers: [],
  durableObjects: [],
  hyperdrive: [],
  vpcServices: [],
  vpcNetworks: [],
  mtlsCertificates: [],
  dev: { ip: '127.0.0.1', port: 0 },
  watchFiles: [],
});

/** A gateway that answers every absolute-form request with what it was asked. */
export async function startGateway(t: TestContext, path: string): Promise<Server> {
  const server = createServer({ requireHostHeader: false }, (incoming, response) => {
    response.end(`gateway got ${incoming.method} ${incoming.url}`);
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A folder that is removed after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-workers-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function createWorkbench(
  t: TestContext,
  files: Record<string, string | Uint8Array>,
  { project: overrides, ...bundlerOptions }: WorkbenchOptions = {},
): Promise<Workbench> {
  const folder = await temporaryFolder(t);
  const project = { ...emptyProject(folder), ...overrides };
  if (overrides?.main !== undefined) project.main = join(folder, overrides.main);
  const logs: RuntimeLog[] = [];
  const waiting = new Set<(log: RuntimeLog) => void>();
  const bundler = createBundler(project, bundlerOptions);
  t.after(() => bundler.close());
  const write: Workbench['write'] = async (contents) => {
    for (const [name, content] of Object.entries(contents)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
  };
  await write(files);
  return {
    folder,
    project,
    logs,
    write,
    build: () => bundler.build(),
    log: (accepts) =>
      new Promise((resolve) => {
        const known = logs.find((log) => accepts(log));
        if (known) return resolve(known);
        const check = (log: RuntimeLog): void => {
          if (!accepts(log)) return;
          waiting.delete(check);
          resolve(log);
        };
        waiting.add(check);
      }),
    async start(bundle, options) {
      const runtime = await startRuntime({
        project,
        bundle: bundle ?? (await bundler.build()),
        gatewaySocket: join(folder, 'gateway.sock'),
        directory: join(folder, 'run'),
        stateDirectory: join(folder, 'state'),
        onLog: (log) => {
          logs.push(log);
          for (const check of waiting) check(log);
        },
        ...options,
      });
      t.after(() => runtime.close());
      return runtime;
    },
  };
}

export interface Answer {
  status: number;
  body: string;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** One HTTP request over a unix socket. */
export function ask(
  socketPath: string,
  path: string,
  { method = 'GET', headers, body }: AskOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = startRequest(
      { socketPath, path, method, agent: false, headers: { host: 'worker.example', ...headers } },
      (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
