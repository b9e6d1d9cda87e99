// `sallyport dev`: one Worker project on the edge, on this machine, with the gateway, limits and policy of production.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEgress, type Policy } from '@sallyport/egress';
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
  onHostEvent: OnHostEvent;
  onGatewayEvent: OnGatewayEvent;
  onRequest: (event: RequestEvent) => void;
}

export interface DevServer extends AsyncDisposable {
  readonly url: string;
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
  const close = async (): Promise<void> => {
    for (const step of cleanup.splice(0).toReversed()) await step();
  };
  try {
    return await start(options, cleanup, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: DevServerOptions,
  cleanup: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<DevServer> {
  const runDirectory = await mkdtemp(join(tmpdir(), 'sallyport-'));
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
  const gateway: Gateway = await startGateway({
    path: join(runDirectory, 'gateway.sock'),
    egress: createEgress({
      policy: options.policy,
      ownListeners: () => (front === undefined ? [] : [{ address: front.address, port: front.port }]),
    }),
    onEvent: options.onGatewayEvent,
    ...(options.findTrust === undefined ? {} : { findTrust: options.findTrust }),
  });
  cleanup.push(() => gateway.close());

  const backend = new BackendState();
  const listening = startHttpFront({
    host: options.host ?? dev.ip,
    port: options.port ?? dev.port,
    backend,
    onRequest: options.onRequest,
  });

  const watcher = options.watch === false ? undefined : watchProject([], () => void host.reload());
  if (watcher !== undefined) cleanup.push(() => watcher.close());
  let unused: LoadedProject | undefined = first;
  const host = new WorkerHost({
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
  cleanup.push(() => host.close());
  const started = host.reload();
  front = await listening;
  cleanup.push(() => front!.close());
  await started;

  const name = front.address.includes(':') ? `[${front.address}]` : front.address;
  return {
    url: `http://${name === '127.0.0.1' || name === '[::1]' ? 'localhost' : name}:${front.port}`,
    get project() {
      return host.project;
    },
    get inspectorPort() {
      return host.inspectorPort;
    },
    reload: () => host.reload(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
