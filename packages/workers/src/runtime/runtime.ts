// One Worker running on its own workerd, from start to the last process gone.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildWorkerModule, toOwnSource } from '../bundle/worker-module.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { WorkersError } from '../errors.ts';
import type { Project } from '../project.ts';
import { type GuardedProcess, type ProcessExit, startGuarded } from './guarded-process.ts';
import { LogParser } from './log-parser.ts';
import { waitUntilListening } from './readiness.ts';
import type { RuntimeLog } from './runtime-log.ts';
import { checkSocketPath, createSocketFolder, type SocketFolder } from './socket-folder.ts';
import { createStackMapper } from './source-mapped.ts';
import { type HyperdriveChannel, listeners, toWorkerdConfig, type VpcChannel } from './workerd-config.ts';
import { resolveWorkerd } from './workerd-binary.ts';

export interface RuntimeOptions {
  project: Project;
  bundle: Bundle;
  /** Unix socket of the edge's gateway: the Worker's only way out. */
  gatewaySocket: string;
  /** The project's databases, in any order. Default: none. */
  hyperdrive?: readonly HyperdriveChannel[];
  /** The project's private services and networks, in any order. Default: none. */
  vpc?: readonly VpcChannel[];
  /** Private folder (mode 0700) for this run's files; each start makes a folder of its own in it. */
  directory: string;
  /** Durable Object storage; persists. One runtime at a time may use it. */
  stateDirectory: string;
  onLog: (log: RuntimeLog) => void;
  /** Address on which a free port is taken for the inspector, which lets in everybody who reaches it. */
  inspectorHost?: string;
}

export interface RuntimeExit extends ProcessExit {
  /** True after `close()`. */
  expected: boolean;
  /** The last lines workerd itself printed, mapped to the user's sources. */
  output: string;
}

/** A running Worker. */
export interface Runtime extends AsyncDisposable {
  pid: number;
  /** Unix socket where the Worker answers HTTP. */
  socketPath: string;
  /** Unix socket for events that have no HTTP form; see `worker/triggers.ts` for its paths. */
  triggersSocketPath: string;
  inspectorPort: number | undefined;
  /** Settles when workerd has ended, for whatever reason. */
  exited: Promise<RuntimeExit>;
  /** Lets running requests end for `graceMs` (milliseconds, default 1000), then kills. No process remains after it. */
  close(options?: { graceMs?: number }): Promise<void>;
}

const defaultGraceMs = 1000;
/** Lines of workerd's own output kept for the report of a failed start or a crash. */
const keptLines = 20;

let ownWorkers: Promise<[triggers: string, cache: string, throwing: string]> | undefined;

/** The environment workerd gets: none of ours, since a Worker is to see its bindings only. */
function toEnvironment(): Record<string, string> {
  const { PATH = '/usr/bin:/bin', LD_LIBRARY_PATH } = process.env;
  return { PATH, TZ: 'UTC', ...(LD_LIBRARY_PATH !== undefined && { LD_LIBRARY_PATH }) };
}

async function writePrivately(path: string, contents: string | Uint8Array): Promise<void> {
  await writeFile(path, contents, { mode: 0o600, flag: 'wx' });
}

class WorkerdRuntime implements Runtime {
  readonly exited: Promise<RuntimeExit>;
  readonly socketPath: string;
  readonly triggersSocketPath: string;
  inspectorPort: number | undefined;
  readonly #process: GuardedProcess;
  readonly #output: string[] = [];
  /** What workerd said while it started; a failed start's error says it. */
  #early: RuntimeLog[] | undefined = [];
  readonly #remove: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(options: RuntimeOptions, child: GuardedProcess, sockets: SocketFolder, folder: string) {
    this.#process = child;
    this.socketPath = sockets.toPath('http.sock');
    this.triggersSocketPath = sockets.toPath('triggers.sock');
    this.#remove = async () => {
      await Promise.all([rm(folder, { recursive: true, force: true }), sockets.remove()]);
    };
    this.#listen(options);
    this.exited = child.exited.then(async (exit) => {
      await this.#remove();
      return { ...exit, expected: this.#closing !== undefined, output: this.#output.join('\n') };
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  started(onLog: RuntimeOptions['onLog']): void {
    for (const log of this.#early ?? []) onLog(log);
    this.#early = undefined;
  }

  close({ graceMs = defaultGraceMs }: { graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    await this.exited.catch(() => {});
    clearTimeout(timer);
  }

  #listen({ project, bundle, onLog }: RuntimeOptions): void {
    const mapper = createStackMapper(bundle.sourceMaps, project);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      const parser = new LogParser({
        mapper,
        now: Date.now,
        onLog: (log) => {
          if (log.kind === 'runtime') this.#output.push(log.message);
          if (this.#output.length > keptLines) this.#output.shift();
          const early = log.kind === 'runtime' ? this.#early : undefined;
          if (early !== undefined && early.length < keptLines) early.push(log);
          else onLog(log);
        },
      });
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => parser.push(chunk));
      stream.on('end', () => parser.end());
    }
  }
}

const buildOwnWorker = (file: string): Promise<string> => buildWorkerModule(toOwnSource(file, import.meta.url));

/** Writes the configuration and the modules it embeds; returns the configuration's path. */
async function writeConfig(options: RuntimeOptions, folder: string, sockets: SocketFolder): Promise<string> {
  const { project, bundle, gatewaySocket, stateDirectory, hyperdrive = [], vpc = [] } = options;
  ownWorkers ??= Promise.all([
    buildOwnWorker('./worker/triggers.ts'),
    buildOwnWorker('./worker/cache.ts'),
    buildOwnWorker('./worker/throwing.ts'),
  ]);
  const [triggers, cache, throwing] = await ownWorkers;
  const config = toWorkerdConfig({
    project,
    bundle,
    gatewaySocket,
    stateDirectory,
    httpSocket: sockets.toPath('http.sock'),
    triggersSocket: sockets.toPath('triggers.sock'),
    hyperdrive,
    vpc,
    moduleFile: (index) => `module-${index}`,
    triggers,
    cache,
    throwing,
  });
  const path = join(folder, 'config.capnp');
  await Promise.all([
    writePrivately(path, config),
    mkdir(stateDirectory, { recursive: true, mode: 0o700 }),
    ...bundle.modules.map(({ contents }, index) => writePrivately(join(folder, `module-${index}`), contents)),
  ]);
  return path;
}

/**
 * Starts workerd with the bundle and resolves when it listens.
 *
 * @throws WorkersError `workerd_start_failed` with what workerd printed, `workerd_missing`, `workerd_platform`,
 * `socket_path_too_long`
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const workerd = resolveWorkerd();
  checkSocketPath(options.gatewaySocket);
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(options.directory, 'run-'));
  try {
    return await startIn(folder, workerd, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, workerd: string, options: RuntimeOptions): Promise<Runtime> {
  const sockets = await createSocketFolder(folder, { longest: 'triggers.sock' });
  const config = await writeConfig(options, folder, sockets);
  const inspector = options.inspectorHost === undefined ? [] : [`--inspector-addr=${options.inspectorHost}:0`];
  // `--experimental` is for the trigger Worker's flag; the Worker's own flags are checked by the configuration.
  const command = [workerd, 'serve', '--experimental', '--control-fd=3', ...inspector, config];
  const child = startGuarded(command, { cwd: folder, env: toEnvironment() });
  const runtime = new WorkerdRuntime(options, child, sockets, folder);
  const listening = waitUntilListening(child.control, {
    sockets: Object.values(listeners),
    inspector: inspector.length > 0,
  });
  const outcome = await Promise.race([listening, runtime.exited]);
  if ('expected' in outcome) throw new WorkersError('workerd_start_failed', { output: outcome.output });
  runtime.inspectorPort = outcome.inspectorPort;
  runtime.started(options.onLog);
  // It holds secrets, and workerd has read it.
  await rm(config, { force: true });
  return runtime;
}
