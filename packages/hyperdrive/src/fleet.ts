// Every pool of an edge, by the configuration it serves. A configuration may change while clients use it, and many
// Workers may share one, each with credentials of its own.
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { CacheHub } from './cache/cache-hub.ts';
import type { CachedOrigin, PoolerCache } from './cache/pooler-cache.ts';
import type { Caching } from './cache/query-cache.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { HyperdriveError } from './errors.ts';
import type { PoolerMetrics } from './metrics.ts';
import type { Origin } from './origin/origin.ts';
import type { PoolOptions } from './origin/origin-pool.ts';
import { startPooler } from './pooler.ts';
import type { Pooler, PoolerStatus } from './pooler.ts';
import type { ClientCredentials } from './session/client-login.ts';

export interface FleetConfig {
  id: string;
  name: string;
  origin: Origin;
  pool?: PoolOptions;
  caching: Caching;
  /** Host and port, or whatever is the same for all configurations of one server: a write through one is heard by all. */
  server?: string;
}

export interface FleetStatus extends PoolerStatus {
  id: string;
  name: string;
  metrics: PoolerMetrics;
}

/** What the caches of all configurations hold together. */
export interface CacheUse {
  entries: number;
  bytes: number;
  maxBytes: number;
}

export interface Fleet extends AsyncDisposable {
  readonly cacheUse: CacheUse;
  /** Adds a configuration, or replaces the one of that id. */
  configure(config: FleetConfig): void;
  /** Ends the clients of a configuration, and its connections. */
  remove(id: string): void;
  /** Serves a client of a configuration. One that does not exist is an error that the client is told. */
  accept(id: string, credentials: ClientCredentials, stream: Duplex): void;
  status(): FleetStatus[];
  /** The cache of a configuration; undefined when there is no such configuration. */
  cache(id: string): Promise<PoolerCache | undefined>;
  close(): Promise<void>;
}

interface Member {
  config: FleetConfig;
  /** False for one that clients ask for and nobody has configured: it tells them so. */
  isKnown: boolean;
  pooler: Promise<Pooler>;
  running: Pooler | undefined;
}

/** Its clients get in, as everybody with credentials does, and are told at once what is wrong. */
function toUnknown(id: string): FleetConfig {
  const dial = (): Promise<never> =>
    Promise.reject(
      new HyperdriveError('unknown_configuration', `There is no Hyperdrive configuration ${id || '(no id)'}`),
    );
  const origin = { user: '', password: '', database: '', dial };
  return { id, name: id, origin, caching: { disabled: true, maxAge: 0, staleWhileRevalidate: 0 } };
}

export interface FleetOptions {
  clock?: Clock;
  /** Bytes that the answers of all configurations may take together. Default: 64 MiB. */
  cacheBytes?: number;
  /** No database's functions are looked into: they are taken to leave nothing behind in a session. */
  trustFunctions?: boolean;
  /** Hears why a pool had no connection for a client: each time, however often that is. */
  onTrouble?: (config: FleetConfig, error: HyperdriveError) => void;
}

/** Configurations of the same database are heard by each other; one that does not say which server it has is alone. */
function toCachedOrigin({ server, origin: { user, database } }: FleetConfig): CachedOrigin {
  return { database: JSON.stringify([server ?? randomUUID(), database]), user };
}

export function startFleet({
  clock = systemClock,
  cacheBytes,
  trustFunctions = false,
  onTrouble,
}: FleetOptions = {}): Fleet {
  const hub = new CacheHub(clock, cacheBytes);
  const members = new Map<string, Member>();
  const toPool = ({ pool }: FleetConfig): PoolOptions => ({ ...pool, trustFunctions });

  function start(config: FleetConfig, isKnown = true): Member {
    const { origin, caching } = config;
    const pooler = startPooler({
      origin,
      clock,
      ...(isKnown ? { caching, cache: { hub, ...toCachedOrigin(config) } } : {}),
      pool: toPool(config),
    });
    const member: Member = { config, isKnown, pooler, running: undefined };
    void pooler.then((running) => {
      member.running = running;
      if (isKnown) running.metrics.onTrouble = (error) => onTrouble?.(member.config, error);
    });
    return member;
  }

  const stop = async ({ pooler }: Member): Promise<void> => (await pooler).close();

  function configure(config: FleetConfig): void {
    const member = members.get(config.id);
    if (member === undefined || !member.isKnown) {
      members.set(config.id, start(config));
      if (member !== undefined) void stop(member);
      return;
    }
    member.config = config;
    void member.pooler.then((pooler) => {
      pooler.renew(config.origin, toPool(config));
      pooler.cache?.configure(config.caching, toCachedOrigin(config));
    });
  }

  function remove(id: string): void {
    const member = members.get(id);
    members.delete(id);
    if (member !== undefined) void stop(member);
  }

  async function close(): Promise<void> {
    const all = [...members.values()];
    members.clear();
    await Promise.all(all.map(stop));
  }

  return {
    get cacheUse() {
      const { size: entries, bytes, maxBytes } = hub.store;
      return { entries, bytes, maxBytes };
    },
    configure,
    remove,
    accept(id, credentials, stream) {
      const member = members.get(id) ?? start(toUnknown(id), false);
      members.set(id, member);
      const serve = (pooler: Pooler): void => {
        pooler.accept(stream, credentials);
        // One that was handed on by somebody who held it meanwhile.
        if (stream.isPaused()) stream.resume();
      };
      if (member.running === undefined) void member.pooler.then(serve);
      else serve(member.running);
    },
    status: () =>
      [...members.values()].flatMap(({ config: { id, name }, isKnown, running }) =>
        running === undefined || !isKnown ? [] : [{ id, name, ...running.status, metrics: running.metrics }],
      ),
    cache: async (id) => (await members.get(id)?.pooler)?.cache,
    close,
    [Symbol.asyncDispose]: close,
  };
}
