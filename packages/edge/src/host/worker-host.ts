// Keeps one Worker running: reads its project, bundles, starts the runtime, replaces it on change, restarts it when it
// crashes.
//
// Steps never overlap: a change during a reload causes one more reload after it. The old runtime is stopped before the
// new one starts, because both would own the same Durable Object storage; meanwhile requests wait in the front.
import {
  BuildError,
  type Bundle,
  type Bundler,
  createBundler,
  type LoadedProject,
  type Project,
  type Runtime,
  type RuntimeExit,
  startRuntime,
} from '@sallyport/workers';
import type { BackendState } from '../front/backend.ts';
import type { WorkerDatabases } from '../hyperdrive/hyperdrive-service.ts';
import type { WorkerOutlets } from '../vpc/vpc-service.ts';
import { ConfigurationError } from './configuration-error.ts';
import { fingerprint } from './fingerprint.ts';
import { fireScheduled, startCronSchedule } from './cron-schedule.ts';
import type { OnHostEvent } from './host-event.ts';
import { WatchedFiles } from './watched-files.ts';

/** Milliseconds that running requests get to finish when the Worker is replaced. */
const replaceGrace = 2_000;
/** A runtime that crashed this often within `crashWindow` milliseconds is given up until something changes. */
const maxCrashes = 5;
const crashWindow = 60_000;

export interface WorkerHostOptions {
  load: () => Promise<LoadedProject>;
  backend: BackendState;
  gatewaySocket: string;
  /** Private folder for the run's files. */
  runDirectory: string;
  /** Durable Object storage of a project. */
  stateDirectoryOf: (project: Project) => string;
  /** Opens the databases of a project, with sockets in the run's folder. */
  openDatabases: (project: Project, directory: string) => Promise<WorkerDatabases>;
  /** Opens the private services and networks of a project, with sockets in the run's folder. */
  openOutlets: (project: Project, directory: string) => Promise<WorkerOutlets>;
  onEvent: OnHostEvent;
  /** The files that make up the Worker, whenever they may have become others. */
  onInputs: (files: readonly string[]) => void;
  /** Address for the inspector of each runtime. */
  inspectorHost?: string | undefined;
}

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #files: WatchedFiles;
  #project: Project | undefined;
  #bundler: Bundler | undefined;
  #runtime: Runtime | undefined;
  #databases: WorkerDatabases | undefined;
  #outlets: WorkerOutlets | undefined;
  #running = '';
  #stopCrons: () => void = () => {};
  #work: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #crashes: number[] = [];
  #restart: NodeJS.Timeout | undefined;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    this.#files = new WatchedFiles(options.onInputs);
  }

  /** The project that runs, once there is one. */
  get project(): Project | undefined {
    return this.#project;
  }

  /** That of the runtime that runs. */
  get inspectorPort(): number | undefined {
    return this.#runtime?.inspectorPort;
  }

  /** Brings the Worker up to date with its files. Never rejects: what goes wrong is an event. */
  reload(): Promise<void> {
    // Someone changed something, so earlier crashes say nothing about what comes now.
    this.#crashes = [];
    return this.#reload();
  }

  #reload(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    clearTimeout(this.#restart);
    if (this.#work !== undefined) {
      this.#again = true;
      return this.#work;
    }
    this.#work = this.#reloadUntilCurrent().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Keeps no idle connection of its bindings from now on. */
  retire(): void {
    this.#outlets?.retire();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    this.#stopCrons();
    // Ends a build step that runs.
    await this.#bundler?.close();
    await this.#work;
    // A build that began meanwhile has opened it again, and a bundler keeps the process alive.
    await this.#bundler?.close();
    await this.#runtime?.close();
    await this.#closeBindings();
  }

  async #reloadUntilCurrent(): Promise<void> {
    do {
      this.#again = false;
      const startedAt = performance.now();
      try {
        await this.#reloadOnce(startedAt);
      } catch (error) {
        this.#failed(error as Error);
      }
    } while (this.#again && !this.#closed);
  }

  async #reloadOnce(startedAt: number): Promise<void> {
    const { load, onEvent } = this.#options;
    const since = Date.now();
    const { project, diagnostics, missing } = await load();
    if (diagnostics.length > 0) onEvent({ type: 'diagnostics', diagnostics });
    if (project === undefined) {
      // It may be repaired anywhere it was made from before, and where a file is missing.
      const files = [...(this.#project?.watchFiles ?? []), ...missing, ...diagnostics.map(({ file }) => file)];
      if (await this.#files.update(files, { since, generates: false })) this.#again = true;
      throw new ConfigurationError(diagnostics);
    }
    if (fingerprint(project) !== fingerprint(this.#project)) {
      await this.#bundler?.close();
      // Nobody would close one that is made now.
      if (this.#closed) return;
      this.#bundler = createBundler(project);
      this.#project = project;
    }
    const bundle = await this.#build(project, since);
    if (bundle.warnings.length > 0) onEvent({ type: 'diagnostics', diagnostics: bundle.warnings });
    const made = fingerprint({ project, modules: bundle.modules });
    if (made === this.#running && this.#runtime !== undefined) return onEvent({ type: 'unchanged' });
    const reload = this.#running !== '';
    if (this.#closed) return;
    await this.#replace(project, bundle);
    this.#running = made;
    onEvent({ type: 'ready', took: performance.now() - startedAt, bytes: bundle.bytes, reload });
  }

  async #build(project: Project, since: number): Promise<Bundle> {
    const watch = async (inputs: readonly string[]): Promise<void> => {
      const generates = project.build.command !== undefined;
      const files = [...project.watchFiles, ...inputs];
      if (await this.#files.update(files, { since, generates })) this.#again = true;
    };
    try {
      const bundle = await this.#bundler!.build();
      await watch(bundle.inputs);
      return bundle;
    } catch (error) {
      if (error instanceof BuildError) await watch(error.inputs);
      throw error;
    }
  }

  async #replace(project: Project, bundle: Bundle): Promise<void> {
    const { backend, gatewaySocket, runDirectory, stateDirectoryOf, onEvent, inspectorHost } = this.#options;
    this.#stopCrons();
    const previous = this.#runtime;
    this.#runtime = undefined;
    await backend.pause(previous === undefined ? 0 : replaceGrace);
    await previous?.close();
    await this.#closeBindings();
    this.#databases = await this.#options.openDatabases(project, runDirectory);
    this.#outlets = await this.#options.openOutlets(project, runDirectory);
    const diagnostics = [...this.#databases.diagnostics, ...this.#outlets.diagnostics];
    if (diagnostics.length > 0) onEvent({ type: 'diagnostics', diagnostics });
    const runtime = await startRuntime({
      project,
      bundle,
      gatewaySocket,
      directory: runDirectory,
      stateDirectory: stateDirectoryOf(project),
      hyperdrive: this.#databases.channels,
      vpc: this.#outlets.channels,
      onLog: (log) => {
        if (log.kind === 'exception') backend.threw(log.message);
        onEvent({ type: 'log', log });
      },
      ...(inspectorHost === undefined ? {} : { inspectorHost }),
    });
    this.#runtime = runtime;
    runtime.exited.then((exit) => this.#exited(runtime, exit)).catch(() => {});
    backend.use(runtime);
    this.#stopCrons = startCronSchedule({
      crons: project.crons,
      fire: (cron, time) => fireScheduled(runtime.triggersSocketPath, cron, time),
      onFired: (cron, outcome) => onEvent({ type: 'cron', cron, outcome }),
    });
  }

  async #closeBindings(): Promise<void> {
    const open = [this.#databases, this.#outlets];
    this.#databases = undefined;
    this.#outlets = undefined;
    await Promise.all(open.map((each) => each?.close()));
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    const stillRunning = this.#runtime !== undefined;
    this.#options.onEvent({ type: 'failed', error, stillRunning });
    if (!stillRunning)
      this.#options.backend.fail({ title: 'The Worker could not be started', detail: describe(error) });
  }

  #exited(runtime: Runtime, exit: RuntimeExit): void {
    if (exit.expected || this.#closed || runtime !== this.#runtime) return;
    this.#runtime = undefined;
    this.#running = '';
    this.#stopCrons();
    const now = Date.now();
    this.#crashes = [...this.#crashes.filter((time) => now - time < crashWindow), now];
    const count = this.#crashes.length;
    const restartIn = count > maxCrashes ? undefined : 100 * 2 ** (count - 1);
    this.#options.onEvent({ type: 'crashed', output: exit.output, restartIn });
    if (restartIn === undefined) {
      const detail = `It ended ${count} times in a minute and stays down until a file changes.\n\n${exit.output}`;
      return this.#options.backend.fail({ title: 'The runtime crashed', detail });
    }
    // Requests wait for the next one.
    void this.#options.backend.pause(0);
    this.#restart = setTimeout(() => void this.#reload(), restartIn);
  }
}

function describe(error: Error): string {
  if (!(error instanceof BuildError) && !(error instanceof ConfigurationError)) return error.message;
  return error.diagnostics
    .map(({ file, line, column, message }) => `${file}:${line ?? 1}:${column ?? 1}: ${message}`)
    .join('\n');
}
