// Every pool of an edge, by the configuration it serves. A configuration may change while clients use it, and many
// Workers may share one, each with credentials of its own.
import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';
import { HyperdriveError } from './errors.ts';
import type { PoolerMetrics } from './metrics.ts';
import type { Origin } from './origin/origin.ts';
import type { PoolOptions } from './origin/origin-pool.ts';
import { startPooler } from './pooler.ts';
import type { Pooler, PoolerStatus } from './pooler.ts';
import type { ClientCredentials } from './session/client-login.ts';

/** Whether and for how long answers are kept; times in seconds, as the configuration has them. */
export interface Caching {
  disabled: boolean;
  maxAge: number;
  staleWhileRevalidate: number;
}

export interface FleetConfig {
  id: string;
  name: string;
  origin: Origin;
  pool?: PoolOptions;
  caching: Caching;
}

export interface FleetStatus extends PoolerStatus {
  id: string;
  name: string;
  metrics: PoolerMetrics;
}

export interface Fleet extends AsyncDisposable {
  /** Adds a configuration, or replaces the one of that id. */
  configure(config: FleetConfig): void;
  /** Ends the clients of a configuration, and its connections. */
  remove(id: string): void;
  /** Serves a client of a configuration. One that does not exist is an error that the client is told. */
  accept(id: string, credentials: ClientCredentials, stream: Duplex): void;
  status(): FleetStatus[];
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

export function startFleet({ clock }: { clock?: Clock } = {}): Fleet {
  const members = new Map<string, Member>();

  function start(config: FleetConfig, isKnown = true): Member {
    const { origin, pool } = config;
    const pooler = startPooler({
      origin,
      ...(pool === undefined ? {} : { pool }),
      ...(clock === undefined ? {} : { clock }),
    });
    const member: Member = { config, isKnown, pooler, running: undefined };
    void pooler.then((running) => (member.running = running));
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
    void member.pooler.then((pooler) => pooler.renew(config.origin, config.pool));
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
    configure,
    remove,
    accept(id, credentials, stream) {
      const member = members.get(id) ?? start(toUnknown(id), false);
      members.set(id, member);
      if (member.running === undefined) void member.pooler.then((pooler) => pooler.accept(stream, credentials));
      else member.running.accept(stream, credentials);
    },
    status: () =>
      [...members.values()].flatMap(({ config: { id, name }, isKnown, running }) =>
        running === undefined || !isKnown ? [] : [{ id, name, ...running.status, metrics: running.metrics }],
      ),
    close,
    [Symbol.asyncDispose]: close,
  };
}
