// `sallyport dev`: one Worker project on the edge, on this machine, with the gateway, limits, policy and tunnels of
// production.
import { dirname, join, resolve } from 'node:path';
import {
  createEgress,
  type DialTunnel,
  directRoutes,
  type EgressOptions,
  type OwnListener,
  type Policy,
  type Routes,
} from '@sallyport/egress';
import { type Json, loadProject, type LoadedProject, type LoadProjectOptions, type Project } from '@sallyport/workers';
import { Cleanup } from './cleanup.ts';
import { BackendState } from './front/backend.ts';
import { type HttpFront, type RequestEvent, startHttpFront } from './front/http-front.ts';
import type { OnGatewayEvent } from './gateway/events.ts';
import { ConfigurationError } from './host/configuration-error.ts';
import type { OnHostEvent } from './host/host-event.ts';
import { ownListeners } from './host/own-listeners.ts';
import { createHyperdriveHooks } from './hyperdrive/api-hooks.ts';
import { databasePolicy } from './hyperdrive/origin.ts';
import type { RemoteDatabases } from './hyperdrive/remote-databases.ts';
import { followConfigurations, startHyperdrive } from './hyperdrive/start-hyperdrive.ts';
import { openProjectFolder, startOwnTunnels } from './host/project-folder.ts';
import { WorkerService } from './host/worker-service.ts';
import { createExplain } from './tunnels/explain.ts';
import type { OnTlsEvent } from './tls/tls-event.ts';
import type { ExtraAuthority } from './tls/tls-settings.ts';
import { openDevTls } from './tls/open-tls-settings.ts';
import { createOutletRequests } from './vpc/outlet-requests.ts';
import type { RemoteVpc } from './vpc/remote-vpc.ts';
import { VpcService } from './vpc/vpc-service.ts';
import type { OnTunnelEvent, TunnelService } from './tunnels/tunnel-service.ts';

export interface DevServerOptions {
  project: LoadProjectOptions;
  /** Variables over those of the configuration. */
  vars?: Record<string, Json> | undefined;
  /** Where the Worker may connect to. */
  policy: Policy;
  /** Address and port to listen on; by default the project's `dev.ip` and `dev.port`. */
  host?: string | undefined;
  port?: number | undefined;
  /** Port of the JavaScript inspector; 0 takes a free one. */
  inspectorPort?: number | undefined;
  /** Durable Object storage; by default `.sallyport/state` beside the configuration. */
  stateDirectory?: string | undefined;
  /** Tunnels that a running edge has; without it this server has tunnels of its own, kept in `.sallyport`. */
  tunnels?: { routes: Routes; dial: DialTunnel; databases?: RemoteDatabases; vpc?: RemoteVpc } | undefined;
  /** Where connectors dial this server's own tunnels; by default a free port of 127.0.0.1. */
  tunnelPort?: number | undefined;
  /** Authorities to trust beside the system's; the rest is in `sallyport.toml` beside the configuration. */
  authorities?: readonly ExtraAuthority[] | undefined;
  /** Reload when files change. Default true. */
  watch?: boolean;
  /** Closes the server, also while it starts; what is returned then is closed. */
  signal?: AbortSignal | undefined;
  onHostEvent: OnHostEvent;
  onGatewayEvent: OnGatewayEvent;
  onRequest: (event: RequestEvent) => void;
  onTunnelEvent?: OnTunnelEvent | undefined;
  onTlsEvent?: OnTlsEvent | undefined;
}

export interface DevServer extends AsyncDisposable {
  /** The address to open. */
  readonly url: string;
  /** Undefined while the configuration has errors from the start on. */
  readonly project: Project | undefined;
  readonly inspectorPort: number | undefined;
  /** This server's own tunnels. */
  readonly tunnels: TunnelService | undefined;
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
  const cleanup = new Cleanup();
  const close = (): Promise<void> => cleanup.run();
  // What cannot be closed now is told by the call that follows the start.
  const onAbort = (): void => void close().catch(() => {});
  if (options.signal?.aborted === true) onAbort();
  else options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const server = await start(options, cleanup);
    // What was begun after the signal had closed everything before it.
    if (options.signal?.aborted === true) await close();
    return server;
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: DevServerOptions, cleanup: Cleanup): Promise<DevServer> {
  const load = async (): Promise<LoadedProject> => {
    const loaded = await loadProject({ usesLocal: true, ...options.project });
    if (loaded.project !== undefined) Object.assign(loaded.project.vars, options.vars);
    return loaded;
  };
  const loaded = await load();
  if (loaded.diagnostics.some(({ code }) => noProject.has(code))) throw new ConfigurationError(loaded.diagnostics);
  const dev = loaded.project?.dev ?? fallback;

  const backend = new BackendState();
  const front: HttpFront = await startHttpFront({
    host: options.host ?? dev.ip,
    port: options.port ?? dev.port,
    findUpstream: (host) => tunnels?.publicHostnames.find(host) ?? backend,
    onRequest: options.onRequest,
  });
  cleanup.add(() => front.close());

  const root = loaded.project?.root ?? dirname(resolve(options.project.cwd, options.project.config ?? 'wrangler.json'));
  const tls = await openDevTls({
    root,
    authorities: options.authorities,
    control: () => tunnels?.control,
    onEvent: options.onTlsEvent,
  });
  cleanup.add(async () => tls.close());
  const findTls = tls.findFor(loaded.project?.environment);
  const folder = openProjectFolder(root);
  let tunnels: TunnelService | undefined;
  const explain = createExplain(
    () => [{ name: worker.project?.name ?? 'worker', egress, findTls }],
    () => tunnels?.registry,
    () => hyperdrive.way,
    (id) => vpc.explained(id, findTls),
  );
  const hooks = createHyperdriveHooks(() => hyperdrive);
  // Beside the start of the Worker, which takes longer.
  const { onTunnelEvent = () => {}, tunnelPort } = options;
  const own =
    options.tunnels === undefined
      ? startOwnTunnels(folder, {
          port: tunnelPort,
          explain,
          hyperdrive: hooks,
          acceptDatabase: (...client) => hyperdrive.accept(...client),
          outlets: createOutletRequests((id, onEvent) => vpc.follow(id, { findTrust: findTls, onEvent })),
          onEvent: onTunnelEvent,
        })
      : undefined;
  const tunnelsReady = own?.then((service) => {
    tunnels = service;
    if (service !== undefined) followConfigurations(hyperdrive, service.control, cleanup);
    tls.begin();
  });
  cleanup.add(async () => {
    await tunnelsReady;
    await tunnels?.close();
  });

  const worker = new WorkerService();
  const listeners = (): OwnListener[] => ownListeners({ front, tunnels, workers: [worker] });
  const ways: Omit<EgressOptions, 'policy'> = {
    ownListeners: listeners,
    routes: options.tunnels?.routes ?? {
      forName: (name) => (tunnels?.routes() ?? directRoutes).forName(name),
      forAddress: (address) => (tunnels?.routes() ?? directRoutes).forAddress(address),
    },
    dialTunnel: options.tunnels?.dial ?? ((...call) => tunnels!.dial(...call)),
  };
  const egress = createEgress({ ...ways, policy: options.policy });
  const vpc = new VpcService({
    ways,
    ready: tunnelsReady,
    remote: options.tunnels?.vpc,
    control: () => tunnels?.control,
    failed: (error) => onTunnelEvent({ type: 'control-failed', error }),
  });
  const hyperdrive = startHyperdrive(
    {
      egress: createEgress({ ...ways, policy: databasePolicy }),
      toService: (service) => vpc.toEgress(service),
      onEvent: options.onGatewayEvent,
      findTls,
      usesLocal: true,
      ready: tunnelsReady,
      remote: options.tunnels?.databases,
      control: () => tunnels?.control,
      failed: (error) => onTunnelEvent({ type: 'control-failed', error }),
    },
    cleanup,
  );
  cleanup.add(() => worker.close());
  await worker.start({
    load,
    loaded,
    backend,
    egress,
    policy: options.policy,
    hyperdrive,
    vpc,
    findTrust: findTls,
    stateDirectoryOf: () => options.stateDirectory ?? join(folder, 'state'),
    watch: options.watch !== false,
    inspectorPort: options.inspectorPort,
    onHostEvent: options.onHostEvent,
    onGatewayEvent: options.onGatewayEvent,
  });
  await tunnelsReady;

  const close = (): Promise<void> => cleanup.run();
  return {
    url: front.url,
    get project() {
      return worker.project;
    },
    get inspectorPort() {
      return worker.inspectorPort;
    },
    tunnels,
    reload: () => worker.reload(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
