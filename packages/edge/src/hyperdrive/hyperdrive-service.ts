// The databases of an edge: a fleet of pools, and a private channel for every binding of every Worker.
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientCredentials, type Fleet, type PoolerCache, startFleet } from '@sallyport/hyperdrive';
import type { Diagnostic, HyperdriveBinding, HyperdriveChannel, Project } from '@sallyport/workers';
import { EdgeError, type EdgeErrorCode } from '../errors.ts';
import { type Channel, type ChannelOptions, openChannel } from './channel.ts';
import type { Database } from './database.ts';
import { toLocalDatabase } from './local-database.ts';
import { type OriginWay, toFleetConfig } from './origin.ts';
import { createTroubleLog } from './trouble-log.ts';
import { forward, type RemoteDatabases } from './remote-databases.ts';

export interface HyperdriveOptions extends OriginWay {
  /** Whether local connection strings stand in for configurations, as in development. */
  usesLocal: boolean;
  /** Bytes that all caches may take together. Default: the fleet's. */
  cacheBytes?: number | undefined;
  /** Functions of databases are not looked into. */
  trustFunctions?: boolean;
  /** The configuration of an id as it is now. Default: there are none. */
  find?: (id: string) => Database | undefined;
  /** The id of the configuration with a name. */
  idOf?: (name: string) => string | undefined;
  /** When configurations can be found. Default: at once. */
  ready?: Promise<unknown> | undefined;
  /** Another edge, whose configurations are used in place of those of a store here. */
  remote?: RemoteDatabases | undefined;
}

/** A Worker's databases, open for as long as its runtime runs. */
export interface WorkerDatabases {
  channels: readonly HyperdriveChannel[];
  /** What its developer should know. */
  diagnostics: readonly Diagnostic[];
  close(): Promise<void>;
}

/** Begins the fleet's ids of local connection strings; those of configurations are hexadecimal. */
const localPrefix = 'local-';
/** Milliseconds between two looks at whether anybody still asks for something. */
const drainCheck = 25;

export class HyperdriveService implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly #options: HyperdriveOptions;
  /** What the fleet was told of each, to see what changed. */
  readonly #known = new Map<string, string>();
  /** Configurations that a Worker asked for, found or not. */
  readonly #wanted = new Set<string>();
  #isEnding = false;

  constructor(options: HyperdriveOptions) {
    this.#options = options;
    const { cacheBytes, trustFunctions = false } = options;
    const onTrouble = createTroubleLog(options);
    this.fleet = startFleet({ onTrouble, trustFunctions, ...(cacheBytes === undefined ? {} : { cacheBytes }) });
  }

  /** How databases are reached. */
  get way(): OriginWay {
    return this.#options;
  }

  /**
   * Opens a channel for each of a project's bindings, with sockets in `directory`.
   * @throws EdgeError `hyperdrive_file`
   */
  async open(project: Project, directory: string): Promise<WorkerDatabases> {
    const used = new Set<string>();
    const channels: Channel[] = [];
    const diagnostics: Diagnostic[] = [];
    const close = async (): Promise<void> => {
      await Promise.all(channels.map((channel) => channel.close()));
    };
    try {
      for (const [index, bound] of project.hyperdrive.entries()) {
        const id = await this.#prepare(bound, project, diagnostics);
        used.add(id);
        const path = join(directory, `db-${index}.sock`);
        channels.push(await openChannel({ binding: bound.binding, path, accept: this.#acceptFor(id) }));
      }
      this.#forgetLocal(used);
      return { channels, diagnostics, close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Serves a client that a `sallyport dev` elsewhere sent, with credentials that were made there. */
  accept(id: string, credentials: ClientCredentials, stream: Duplex): void {
    if (this.#isEnding) return void stream.destroy();
    this.#wanted.add(id);
    this.#load(id);
    this.fleet.accept(id, credentials, stream);
  }

  #acceptFor(id: string): ChannelOptions['accept'] {
    const { remote } = this.#options;
    if (remote === undefined || id.startsWith(localPrefix)) {
      return (credentials, stream) => this.fleet.accept(id, credentials, stream);
    }
    return (credentials, stream) => void forward(remote, { id, credentials, stream });
  }

  /** Ends the pools of connection strings that the project no longer has: nobody else can be bound to them. */
  #forgetLocal(used: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) {
      if (!id.startsWith(localPrefix) || used.has(id)) continue;
      this.#known.delete(id);
      this.fleet.remove(id);
    }
  }

  /** Looks again at a configuration that changed, when a Worker uses it. */
  refresh(id: string): void {
    if (this.#wanted.has(id)) this.#load(id);
  }

  /** The cache of a configuration, which begins to run when nobody has used it yet; undefined when there is none. */
  cacheOf(id: string): Promise<PoolerCache | undefined> {
    // Of a connection string the store knows nothing.
    if (id.startsWith(localPrefix)) return this.fleet.cache(id);
    this.#wanted.add(id);
    return this.#load(id) ? this.fleet.cache(id) : Promise.resolve(undefined);
  }

  /** Sees to it that the fleet has what a binding means; returns the fleet's id of it. */
  async #prepare(bound: HyperdriveBinding, project: Project, diagnostics: Diagnostic[]): Promise<string> {
    const { binding, id, local } = bound;
    if (local !== undefined && this.#options.usesLocal) {
      const key = `${localPrefix}${project.name}-${binding}`;
      this.#configure(await toLocalDatabase({ id: key, name: binding }, local));
      return key;
    }
    const key = id.toLowerCase();
    const { remote } = this.#options;
    if (remote !== undefined) {
      if (!(await remote.has(key))) {
        diagnostics.push(toMissing('hyperdrive_remote', bound, { project, meant: await remote.idOf(id) }));
      }
      return key;
    }
    await this.#options.ready;
    this.#wanted.add(key);
    if (!this.#load(key)) {
      const meant = id === '' ? undefined : this.#options.idOf?.(id);
      diagnostics.push(toMissing('hyperdrive_unknown', bound, { project, meant }));
    }
    return key;
  }

  /** Whether there is such a configuration. The Worker of one that is not there starts; its queries fail and say why. */
  #load(id: string): boolean {
    const database = id === '' ? undefined : this.#options.find?.(id);
    if (database !== undefined) this.#configure(database);
    else if (this.#known.delete(id)) this.fleet.remove(id);
    return database !== undefined;
  }

  /** A configuration that says what it said keeps its pool. */
  #configure(database: Database): void {
    const text = JSON.stringify(database);
    if (this.#known.get(database.id) === text) return;
    this.#known.set(database.id, text);
    this.fleet.configure(toFleetConfig(database, this.#options));
  }

  /** Takes no client from elsewhere any more, lets those that ask for something finish for `grace` milliseconds, and closes. */
  async drain(grace: number): Promise<void> {
    this.#isEnding = true;
    const endsAt = performance.now() + grace;
    while (this.#isBusy() && performance.now() < endsAt) await sleep(drainCheck);
    await this.close();
  }

  #isBusy(): boolean {
    return this.fleet.status().some(({ clients, clientStates }) => clients > (clientStates.idle ?? 0));
  }

  close(): Promise<void> {
    return this.fleet.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** `meant` is the id of the configuration that has what is written as its name. */
function toMissing(
  why: EdgeErrorCode,
  { binding, id }: HyperdriveBinding,
  { project: { configPath }, meant }: { project: Project; meant: string | undefined },
): Diagnostic {
  const which = id === '' ? `for ${binding}: its id is empty` : `${id}, which ${binding} is bound to`;
  const named = meant && `That is a configuration's name: write its id, ${meant}, as id.`;
  const { code, message, remedy } = new EdgeError(why, which, { remedy: named });
  const said = remedy.replace('<BINDING>', binding);
  return { severity: 'error', code, message, remedy: said, file: configPath, line: undefined, column: undefined };
}
