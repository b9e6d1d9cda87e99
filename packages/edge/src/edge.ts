// One edge: the HTTP listener, the Workers behind it, the tunnels, and the one door out. What `sallyport edge` runs.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createEgress, type Egress, type OwnListener } from '@sallyport/egress';
import { loadProject, type LoadedProject } from '@sallyport/workers';
import { Cleanup } from './cleanup.ts';
import type { EdgeConfig, WorkerEntry } from './config/edge-config.ts';
import { type ListenAddress, listening } from './config/listen-address.ts';
import { EdgeError } from './errors.ts';
import { BackendState } from './front/backend.ts';
import { HostTable } from './front/host-table.ts';
import { type HttpFront, type RequestEvent, startHttpFront } from './front/http-front.ts';
import type { OnGatewayEvent } from './gateway/events.ts';
import { ConfigurationError } from './host/configuration-error.ts';
import type { OnHostEvent } from './host/host-event.ts';
import { createHyperdriveHooks } from './hyperdrive/api-hooks.ts';
import type { HyperdriveService } from './hyperdrive/hyperdrive-service.ts';
import { databasePolicy } from './hyperdrive/origin.ts';
import { followConfigurations, startHyperdrive } from './hyperdrive/start-hyperdrive.ts';
import { ownListeners } from './host/own-listeners.ts';
import { WorkerService } from './host/worker-service.ts';
import { toHyperdriveFamilies } from './metrics/hyperdrive-metrics.ts';
import type { Family } from './metrics/exposition.ts';
import { toTlsFamilies } from './metrics/tls-metrics.ts';
import { toVpcFamilies } from './metrics/vpc-metrics.ts';
import { type MetricsServer, startMetricsServer } from './metrics/metrics-server.ts';
import { createExplain, type Explain } from './tunnels/explain.ts';
import { type OnTunnelEvent, TunnelService } from './tunnels/tunnel-service.ts';
import type { FindTls } from './tls/host-tls.ts';
import { openTlsSettings } from './tls/open-tls-settings.ts';
import type { OnTlsEvent } from './tls/tls-event.ts';
import type { TlsSettings } from './tls/tls-settings.ts';
import { createOutletRequests } from './vpc/outlet-requests.ts';
import { VpcService } from './vpc/vpc-service.ts';

/** Milliseconds that running requests and connections get to finish when the edge stops. */
export const defaultGrace = 30_000;

/** What one Worker's events are reported to. */
export interface WorkerEvents {
  onHostEvent: OnHostEvent;
  onGatewayEvent: OnGatewayEvent;
}

export interface EdgeOptions {
  config: EdgeConfig;
  /** Makes the receivers of a Worker's events. */
  eventsOf: (worker: string) => WorkerEvents;
  onRequest: (event: RequestEvent) => void;
  onTunnelEvent: OnTunnelEvent;
  /** Receives connections from pools to their databases, which no single Worker makes. */
  onDatabaseEvent?: OnGatewayEvent | undefined;
  onTlsEvent?: OnTlsEvent | undefined;
  /** Reload Workers when their files change. Default true. */
  watch?: boolean;
  signal?: AbortSignal | undefined;
}

interface RunningWorker {
  name: string;
  egress: Egress;
  findTls: FindTls;
  service: WorkerService;
}

export class Edge implements AsyncDisposable {
  readonly #cleanup = new Cleanup();
  readonly #workers: RunningWorker[] = [];
  readonly #outlets = createOutletRequests((id, onEvent) => {
    return this.#vpc?.follow(id, { findTrust: this.#tls!.findFor(undefined), onEvent });
  });
  #front: HttpFront | undefined;
  #tunnels: TunnelService | undefined;
  #hyperdrive: HyperdriveService | undefined;
  #vpc: VpcService | undefined;
  #metrics: MetricsServer | undefined;
  #tls: TlsSettings | undefined;

  /**
   * Resolves when the edge listens and every Worker answers or has reported why not.
   * @throws ConfigurationError, EdgeError, or the system's error when an address cannot be listened on
   */
  static async start(options: EdgeOptions): Promise<Edge> {
    const edge = new Edge();
    // What cannot be closed now is told by the call that follows the start.
    const onAbort = (): void => void edge.close().catch(() => {});
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await edge.#start(options);
      if (options.signal?.aborted === true) await edge.close();
      return edge;
    } catch (error) {
      await edge.close();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  get url(): string {
    return this.#front!.url;
  }

  get tunnels(): TunnelService {
    return this.#tunnels!;
  }

  /** Where metrics are read, when they are. */
  get metrics(): { host: string; port: number } | undefined {
    return this.#metrics;
  }

  /** Names of the Workers, as `explain` takes them. */
  get workers(): string[] {
    return this.#workers.map(({ name }) => name);
  }

  /** What egress says to a Worker's connection, and the way it would take. */
  readonly explain: Explain = createExplain(
    () => this.#workers,
    () => this.#tunnels?.registry,
    () => this.#hyperdrive?.way,
    (id) => this.#vpc?.explained(id, this.#tls?.findFor(undefined)),
  );

  /** Stops accepting, lets what runs finish within grace (milliseconds), then closes. */
  async drain(grace: number = defaultGrace): Promise<void> {
    const endsAt = performance.now() + grace;
    // A request that runs may need another connection through a tunnel, so the links go after the requests.
    await Promise.all([this.#front?.drain(grace), this.#outlets.drain(grace)]);
    for (const { service } of this.#workers) service.retire();
    this.#tunnels?.publicHostnames.close();
    const left = (): number => Math.max(0, endsAt - performance.now());
    // Idle connections of a pool would hold the link they go through.
    await this.#hyperdrive?.drain(left());
    await this.#tunnels?.drain(left());
    await this.close();
  }

  close(): Promise<void> {
    return this.#cleanup.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(options: EdgeOptions): Promise<void> {
    const { config } = options;
    const projects = await Promise.all(config.workers.map((entry) => loadEntry(entry)));
    checkNames(projects);
    const hosts = new HostTable();
    const backends = projects.map(({ entry }) => {
      const backend = new BackendState({ triggers: false });
      hosts.add(entry.hostnames, backend);
      return backend;
    });
    const tunnels = await TunnelService.start({
      stateDirectory: config.state,
      exclusive: true,
      listen: config.tunnel,
      advertise: config.tunnel.advertise,
      control: config.control,
      explain: this.explain,
      hyperdrive: createHyperdriveHooks(() => this.#hyperdrive),
      acceptDatabase: (id, credentials, client) => {
        if (this.#hyperdrive === undefined) client.destroy();
        else this.#hyperdrive.accept(id, credentials, client);
      },
      outlets: this.#outlets,
      onEvent: options.onTunnelEvent,
    });
    this.#tunnels = tunnels;
    this.#cleanup.add(() => tunnels.close());
    const tls = openTlsSettings({ entries: config.trust, control: tunnels.control, onEvent: options.onTlsEvent });
    this.#tls = tls;
    this.#cleanup.add(async () => tls.close());
    // When it is known who answers for which host: a request that comes early waits, and is not told that there is none.
    const front = await listening('http.address', config.http, () =>
      startHttpFront({
        ...config.http,
        findUpstream: (host) => hosts.exact(host) ?? tunnels.publicHostnames.find(host) ?? hosts.other(host),
        onRequest: options.onRequest,
      }),
    );
    this.#front = front;
    this.#cleanup.add(() => front.close());
    const ways = {
      ownListeners: () => this.#ownListeners(),
      routes: tunnels.routes(),
      dialTunnel: tunnels.dial,
    };
    const failed = (error: Error): void => options.onTunnelEvent({ type: 'control-failed', error });
    const vpc = new VpcService({ ways, control: () => tunnels.control, failed });
    this.#vpc = vpc;
    const hyperdrive = startHyperdrive(
      {
        egress: createEgress({ ...ways, policy: databasePolicy }),
        toService: (service) => vpc.toEgress(service),
        onEvent: options.onDatabaseEvent,
        findTls: tls.findFor(undefined),
        usesLocal: false,
        ...config.hyperdrive,
        control: () => tunnels.control,
        failed,
      },
      this.#cleanup,
    );
    this.#hyperdrive = hyperdrive;
    followConfigurations(hyperdrive, tunnels.control, this.#cleanup);
    if (config.metrics !== undefined) {
      await this.#startMetrics(config.metrics, () => [
        ...toHyperdriveFamilies(hyperdrive.fleet.status(), hyperdrive.fleet.cacheUse),
        ...toVpcFamilies(tunnels.control.services.list(), vpc.metrics),
        ...toTlsFamilies(tls.certificates(), Date.now()),
      ]);
    }
    await Promise.all(projects.map((project, index) => this.#startWorker(project, backends[index]!, options)));
  }

  async #startMetrics(address: ListenAddress, read: () => Family[]): Promise<void> {
    const server = await listening('metrics.address', address, () => startMetricsServer(address, read));
    this.#metrics = server;
    this.#cleanup.add(() => server.close());
  }

  #ownListeners(): OwnListener[] {
    const workers = this.#workers.map(({ service }) => service);
    return ownListeners({ front: this.#front, tunnels: this.#tunnels, metrics: this.#metrics, workers });
  }

  async #startWorker({ entry, loaded, load }: LoadedEntry, backend: BackendState, options: EdgeOptions): Promise<void> {
    const { config, watch = true } = options;
    const name = loaded.project?.name ?? basename(entry.project);
    const service = new WorkerService();
    const egress = createEgress({
      policy: entry.policy,
      ownListeners: () => this.#ownListeners(),
      routes: this.tunnels.routes(entry.network),
      dialTunnel: this.tunnels.dial,
    });
    const networks = this.tunnels.control.table.networks();
    if (entry.network !== undefined && !networks.some((network) => network.name === entry.network)) {
      options.onTunnelEvent({ type: 'network-missing', worker: name, network: entry.network });
    }
    const findTls = this.#tls!.findFor(loaded.project?.environment ?? entry.env);
    this.#workers.push({ name, egress, findTls, service });
    this.#cleanup.add(() => service.close());
    await service.start({
      load,
      loaded,
      backend,
      egress,
      policy: entry.policy,
      hyperdrive: this.#hyperdrive!,
      vpc: this.#vpc!,
      findTrust: findTls,
      stateDirectoryOf: (project) => {
        const others = this.#workers.filter((other) => other.service !== service);
        if (others.some((other) => other.service.project?.name === project.name)) {
          throw new EdgeError('worker_name_taken', project.name);
        }
        return join(config.state, 'workers', project.name);
      },
      watch,
      ...options.eventsOf(name),
    });
  }
}

interface LoadedEntry {
  entry: WorkerEntry;
  loaded: LoadedProject;
  load: () => Promise<LoadedProject>;
}

/** Workers of one name would write the same Durable Object storage. @throws EdgeError `worker_name_taken` */
function checkNames(projects: readonly LoadedEntry[]): void {
  const names = new Set<string>();
  for (const { loaded } of projects) {
    const name = loaded.project?.name;
    if (name === undefined) continue;
    if (names.has(name)) throw new EdgeError('worker_name_taken', name);
    names.add(name);
  }
}

/** Reads a project; one that is not there is the operator's mistake, one with errors may be repaired while we run. */
async function loadEntry(entry: WorkerEntry): Promise<LoadedEntry> {
  const isFolder = await stat(entry.project).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const place = isFolder ? { cwd: entry.project } : { cwd: '/', config: entry.project };
  const load = (): Promise<LoadedProject> => loadProject({ ...place, env: entry.env });
  const loaded = await load();
  const absent = loaded.diagnostics.some(({ code }) => code === 'config_not_found' || code === 'config_missing');
  if (absent) throw new ConfigurationError(loaded.diagnostics);
  return { entry, loaded, load };
}
