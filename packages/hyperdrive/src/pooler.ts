// A pooler in one piece: accepts clients as byte streams, or listens for them, and serves them from one origin's pool.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, ListenOptions, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CacheHub } from './cache/cache-hub.ts';
import { PoolerCache } from './cache/pooler-cache.ts';
import type { CachedOrigin } from './cache/pooler-cache.ts';
import type { Caching } from './cache/query-cache.ts';
import { CancelKeys } from './session/cancel-keys.ts';
import { createClientCredentials } from './session/client-login.ts';
import type { ClientCredentials } from './session/client-login.ts';
import { ClientSession } from './session/client-session.ts';
import type { ClientState } from './session/client-session.ts';
import type { Answerer } from './session/exchange.ts';
import { countOne, PoolerMetrics } from './metrics.ts';
import { Classifier } from './classify/classifier.ts';
import { Epochs } from './cache/epochs.ts';
import { OriginKnowledge } from './cache/origin-knowledge.ts';
import { SessionWrites } from './cache/session-writes.ts';
import type { WatchedOrigin } from './cache/session-writes.ts';
import { Lanes } from './lanes/lanes.ts';
import type { Counts } from './metrics.ts';
import type { SessionContext } from './session/session-context.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { HyperdriveError } from './errors.ts';
import type { Origin } from './origin/origin.ts';
import { OriginPool } from './origin/origin-pool.ts';
import type { PoolOptions, PoolStatus } from './origin/origin-pool.ts';
import type { PinCause } from './session/session-state.ts';
import { Watch } from './session/timeouts.ts';
import { StatementRegistry } from './statements/statements.ts';

export interface PoolerOptions {
  origin: Origin;
  /**
   * What a client has to say to get in, unless it is accepted with credentials of its own. The origin never sees it, and
   * it is of use nowhere else.
   */
  client?: Omit<ClientCredentials, 'verifier'>;
  pool?: PoolOptions;
  /** Where to listen, as `net.Server.listen()` takes it. Default: nowhere; clients come through `accept()`. */
  listen?: ListenOptions;
  clock?: Clock;
  /** Looks at exchanges before they take a connection: a cache. */
  answerer?: Answerer;
  metrics?: PoolerMetrics;
  /** Keeps answers. Default: it does not. */
  caching?: Caching;
  /** What caches of this process share, and what tells this origin's database and user from others in it. */
  cache?: { hub: CacheHub } & CachedOrigin;
}

export interface PoolerStatus extends PoolStatus {
  clients: number;
  /** Texts that clients have prepared. */
  statements: number;
  /** How often a connection stayed with its client, by cause. */
  pins: Readonly<Partial<Record<PinCause, number>>>;
  /** Clients by what they are doing. */
  clientStates: Readonly<Partial<Record<ClientState, number>>>;
}

export interface Pooler extends AsyncDisposable {
  readonly status: PoolerStatus;
  readonly metrics: PoolerMetrics;
  /** Where it listens, when it does. */
  readonly address: AddressInfo | string | null;
  /** Serves a client on a byte stream, who has to know these credentials. Default: those of the options. */
  accept(stream: Duplex, credentials?: ClientCredentials): void;
  /** What it keeps of answers; undefined when nobody asked for a cache. */
  readonly cache: PoolerCache | undefined;
  /** Connects to another origin from now on, within other limits; clients stay, and what is in flight finishes. */
  renew(origin: Origin, pool?: PoolOptions): void;
  /** Ends every client with an error that says so, and closes every connection. */
  close(): Promise<void>;
}

export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  const { clock = systemClock, metrics = new PoolerMetrics(), listen } = options;
  const pool = new OriginPool(options.origin, { ...options.pool, clock, metrics });
  const sessions = new Set<ClientSession>();
  const own = options.client && (await createClientCredentials(options.client));
  const { caching } = options;
  const cache =
    caching &&
    new PoolerCache({
      ...(options.cache ?? { hub: new CacheHub(clock), database: '', user: options.origin.user }),
      pool,
      clock,
      metrics,
      caching,
    });
  const classifier = cache?.classifier ?? new Classifier();
  const epochs = new Epochs(clock);
  const knowledge = new OriginKnowledge({ pool, clock, classifier, epochs });
  const lanes = new Lanes({
    pool,
    clock,
    metrics,
    classifier,
    get knowledge() {
      return cache?.knowledge ?? knowledge;
    },
  });
  const schemaWatch: WatchedOrigin = {
    isWatched: false,
    mayBeWatched: false,
    classifier,
    knowledge,
    epochs,
    clock,
    schemaChanged: (isOpen) => knowledge.invalidate(isOpen),
    countTransaction() {},
  };
  const context: SessionContext = {
    pool,
    clock,
    metrics,
    watch: new Watch(clock, () => pool.limits),
    answerer: options.answerer ?? cache,
    lanes,
    get knowledge() {
      return pool.limits.trustFunctions ? undefined : (cache?.knowledge ?? knowledge);
    },
    watchWrites: (client) => cache?.watch(client) ?? new SessionWrites(schemaWatch, client),
    cancelKeys: new CancelKeys(),
    registry: new StatementRegistry(),
    onClosed: (session) => sessions.delete(session),
  };

  function accept(stream: Duplex, credentials: ClientCredentials | undefined = own): void {
    if (credentials === undefined) throw new TypeError('accept() needs credentials: the pooler has none of its own');
    const session = new ClientSession(stream, context, credentials);
    sessions.add(session);
    session.start();
  }

  let server: Server | undefined;
  if (listen !== undefined) {
    server = createServer({ noDelay: true }, (socket: Socket) => accept(socket));
    server.listen(listen);
    await once(server, 'listening');
  }

  async function close(): Promise<void> {
    const closed = server?.listening === true ? once(server, 'close') : undefined;
    server?.close();
    for (const session of sessions) session.end(new HyperdriveError('shutting_down', 'The pooler is shutting down'));
    lanes.close();
    pool.close();
    context.watch.close();
    cache?.close();
    await closed;
  }

  return {
    get status() {
      const clientStates: Counts<ClientState> = {};
      for (const { state } of sessions) countOne(clientStates, state);
      const { size: statements } = context.registry;
      return { ...pool.status, clients: sessions.size, clientStates, statements, pins: { ...metrics.pins } };
    },
    metrics,
    cache,
    get address() {
      return server?.address() ?? null;
    },
    accept,
    renew: (origin, limits) => {
      pool.renew(origin, limits);
      knowledge.invalidate();
      lanes.retire();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
