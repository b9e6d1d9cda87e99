// One Worker project at work: its gateway and egress, its runtime, and the watching of its files.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Egress, OwnListener, Policy } from '@sallyport/egress';
import { type LoadedProject, type Project, watchProject } from '@sallyport/workers';
import { Cleanup } from '../cleanup.ts';
import type { FindTls } from '../tls/host-tls.ts';
import type { BackendState } from '../front/backend.ts';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { type Gateway, startGateway } from '../gateway/gateway.ts';
import type { HyperdriveService } from '../hyperdrive/hyperdrive-service.ts';
import type { VpcService } from '../vpc/vpc-service.ts';
import type { OnHostEvent } from './host-event.ts';
import { type Inspector, startInspector } from './inspector.ts';
import { createRunDirectory, gatewaySocket } from './run-directory.ts';
import { WorkerHost } from './worker-host.ts';

export interface WorkerServiceOptions {
  load: () => Promise<LoadedProject>;
  /** What `load()` gave already; later reloads read the project anew. */
  loaded: LoadedProject;
  backend: BackendState;
  egress: Egress;
  /** That of `egress`. */
  policy: Policy;
  hyperdrive: HyperdriveService;
  vpc: VpcService;
  findTrust: FindTls;
  /** Durable Object storage of a project. */
  stateDirectoryOf: (project: Project) => string;
  watch: boolean;
  inspectorPort?: number | undefined;
  onHostEvent: OnHostEvent;
  onGatewayEvent: OnGatewayEvent;
}

export class WorkerService implements AsyncDisposable {
  readonly #cleanup = new Cleanup();
  #gateway: Gateway | undefined;
  #host: WorkerHost | undefined;
  #inspector: Inspector | undefined;
  #starting: Promise<void> | undefined;

  /** The project that runs, once there is one. */
  get project(): Project | undefined {
    return this.#host?.project;
  }

  get inspectorPort(): number | undefined {
    return this.#inspector?.port;
  }

  /** Where its inspector listens, and what is behind it. */
  get inspectorListeners(): OwnListener[] {
    return this.#inspector?.listeners ?? [];
  }

  /** Resolves when the Worker answers, or its errors have been reported. Rejects when this machine will not let it. */
  start(options: WorkerServiceOptions): Promise<void> {
    this.#starting = this.#start(options);
    return this.#starting;
  }

  async #start(options: WorkerServiceOptions): Promise<void> {
    const { load, backend, egress, policy, findTrust, inspectorPort, onGatewayEvent } = options;
    const runDirectory = await createRunDirectory();
    this.#cleanup.add(() => rm(runDirectory, { recursive: true, force: true }));
    const gateway = await startGateway({
      path: join(runDirectory, gatewaySocket),
      egress,
      policy,
      onEvent: onGatewayEvent,
      findTrust,
    });
    this.#gateway = gateway;
    this.#cleanup.add(() => gateway.close());
    if (inspectorPort !== undefined) {
      const inspector = await startInspector(inspectorPort, () => this.#host?.inspectorPort);
      this.#inspector = inspector;
      this.#cleanup.add(() => inspector.close());
    }
    const watcher = options.watch ? watchProject([], () => void this.#host?.reload()) : undefined;
    this.#cleanup.add(async () => watcher?.close());
    let unused: LoadedProject | undefined = options.loaded;
    const host = new WorkerHost({
      load: () => {
        const ready = unused;
        unused = undefined;
        return ready === undefined ? load() : Promise.resolve(ready);
      },
      backend,
      gatewaySocket: gateway.path,
      runDirectory,
      stateDirectoryOf: options.stateDirectoryOf,
      openDatabases: (project, directory) => options.hyperdrive.open(project, directory),
      openOutlets: (project, directory) =>
        options.vpc.open(project, directory, { egress, policy, findTrust, onEvent: onGatewayEvent }),
      onEvent: options.onHostEvent,
      onInputs: (files) => watcher?.update(files),
      inspectorHost: this.#inspector?.runtimeHost,
    });
    this.#host = host;
    this.#cleanup.add(() => host.close());
    await host.reload();
  }

  async reload(): Promise<void> {
    await this.#host?.reload();
  }

  /** Keeps no idle connection to where the Worker's requests go from now on: they would hold the links of tunnels. */
  retire(): void {
    this.#gateway?.retire();
    this.#host?.retire();
  }

  async close(): Promise<void> {
    await this.#cleanup.run();
    // Closed while it starts: what was begun meanwhile.
    await this.#starting?.catch(() => {});
    await this.#cleanup.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
