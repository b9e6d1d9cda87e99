// `sallyport dev`: one Worker project on the edge, on this machine, with the gateway, limits and policy of production.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createEgress, type OwnListener, type Policy } from '@sallyport/egress';
import type { FindTrust } from '@sallyport/sockets/internal';
import {
  loadProject,
  type LoadedProject,
  type LoadProjectOptions,
  type Project,
  watchProject,
} from '@sallyport/workers';
import { BackendState } from './front/backend.ts';
import { type HttpFront, type RequestEvent, startHttpFront } from './front/http-front.ts';
import type { OnGatewayEvent } from './gateway/events.ts';
import { type Gateway, startGateway } from './gateway/gateway.ts';
import { ConfigurationError } from './host/configuration-error.ts';
import type { OnHostEvent } from './host/host-event.ts';
import { createRunDirectory, gatewaySocket } from './host/run-directory.ts';
import { WorkerHost } from './host/worker-host.ts';

export interface DevServerOptions {
  project: LoadProjectOptions;
  /** Variables over those of the configuration. */
  vars?: Record<string, string> | undefined;
  /** Where the Worker may connect to. */
  policy: Policy;
  /** Address and port to listen on; by default the project's `dev.ip` and `dev.port`. */
  host?: string | undefined;
  port?: number | undefined;
  /** Port of the JavaScript inspector; 0 takes a free one. */
  inspectorPort?: number | undefined;
  /** Durable Object storage; by default `.sallyport/state` beside the configuration. */
  stateDirectory?: string | undefined;
  /** Authorities and client certificates per destination. */
  findTrust?: FindTrust | undefined;
  /** Reload when files change. Default true. */
  watch?: boolean;
  /** Closes the server, also while it starts; what is returned then is closed. */
  signal?: AbortSignal | undefined;
  onHostEvent: OnHostEvent;
  onGatewayEvent: OnGatewayEvent;
  onRequest: (event: RequestEvent) => void;
}

export interface DevServer extends AsyncDisposable {
  /** The address to open. */
  readonly url: string;
  /** Undefined while the configuration has errors from the start on. */
  readonly project: Project | undefined;
  readonly inspectorPort: number | undefined;
  reload(): Promise<void>;
  close(): Promise<void>;
}

const fallback = { ip: 'localhost', port: 8787 };
/** Without a configuration file there is nothing whose repair could be waited for. */
const noProject = new Set(['config_not_found', 'config_missing']);

/**
 * Starts everything and resolves when the Worker answers, or its errors have been reported and a repaired file will
 * bring it up.
 *
 * @throws ConfigurationError when there is no project; the system's error when the port cannot be listened on
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const cleanup: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= undo(cleanup));
  const onAbort = (): void => void close();
  if (options.signal?.aborted === true) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const server = await start(options, cleanup, close);
    // What was begun after the signal had closed everything before it.
    if (options.signal?.aborted === true) await close().then(() => undo(cleanup));
    return server;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Takes every step back, the last one first; what fails does not keep the others from being taken. */
async function undo(steps: (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    await step().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

async function start(
  options: DevServerOptions,
  cleanup: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<DevServer> {
  const runDirectory = await createRunDirectory();
  cleanup.push(() => rm(runDirectory, { recursive: true, force: true }));
  const load = async (): Promise<LoadedProject> => {
    const loaded = await loadProject(options.project);
    if (loaded.project !== undefined) Object.assign(loaded.project.vars, options.vars);
    return loaded;
  };
  const first = await load();
  if (first.diagnostics.some(({ code }) => noProject.has(code))) throw new ConfigurationError(first.diagnostics);
  const dev = first.project?.dev ?? fallback;

  let front: HttpFront | undefined;
  let host: WorkerHost | undefined;
  const ownListeners = (): OwnListener[] => {
    const inspector = host?.inspectorPort;
    return [
      ...(front?.addresses ?? []).map((address) => ({ address, port: front!.port })),
      ...(inspector === undefined ? [] : [{ address: '127.0.0.1', port: inspector }]),
    ];
  };
  const gateway: Gateway = await startGateway({
    path: join(runDirectory, gatewaySocket),
    egress: createEgress({
      policy: options.policy,
      ownListeners,
    }),
    onEvent: options.onGatewayEvent,
    ...(options.findTrust === undefined ? {} : { findTrust: options.findTrust }),
  });
  cleanup.push(() => gateway.close());

  const backend = new BackendState();
  front = await startHttpFront({
    host: options.host ?? dev.ip,
    port: options.port ?? dev.port,
    backend,
    onRequest: options.onRequest,
  });
  const { url } = front;

  const watcher = options.watch === false ? undefined : watchProject([], () => void host?.reload());
  if (watcher !== undefined) cleanup.push(() => watcher.close());
  let unused: LoadedProject | undefined = first;
  const worker = new WorkerHost({
    // The project was read already to learn the port; later reloads read it anew.
    load: () => {
      const ready = unused;
      unused = undefined;
      return ready === undefined ? load() : Promise.resolve(ready);
    },
    backend,
    gatewaySocket: gateway.path,
    runDirectory,
    stateDirectoryOf: (project) => options.stateDirectory ?? join(project.root, '.sallyport', 'state'),
    onEvent: options.onHostEvent,
    onInputs: (files) => watcher?.update(files),
    ...(options.inspectorPort === undefined ? {} : { inspectorPort: options.inspectorPort }),
  });
  host = worker;
  cleanup.push(
    () => worker.close(),
    () => front.close(),
  );
  await worker.reload();

  return {
    url,
    get project() {
      return worker.project;
    },
    get inspectorPort() {
      return worker.inspectorPort;
    },
    reload: () => worker.reload(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
