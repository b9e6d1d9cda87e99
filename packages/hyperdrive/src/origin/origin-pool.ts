// Origin connections and the clients that wait for them.
//
// A connection goes to the client that has waited longest; the one given back last goes out first, so that the others
// can grow old and be closed. The number of connections never exceeds `maxConnections`, those being dialled included.
import { HyperdriveError, originSilent, poolExhausted } from '../errors.ts';
import { PoolerMetrics } from '../metrics.ts';
import { maxKnownSettings, poolDefaults } from '../limits.ts';
import type { OriginConnection } from './origin-connection.ts';
import { OriginDialer } from './origin-dialer.ts';
import { systemClock, within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { Origin } from './origin.ts';
import { WaitingLine } from './waiting-line.ts';
import type { PoolLimits, PoolOptions, PoolStatus, Waiter } from './pool-options.ts';

export type { PoolOptions, PoolStatus, Waiter };

/** RESET ALL leaves the role as it is [postgres: GUC_NO_RESET_ALL]. */
const toDefaults = 'RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL';

export class OriginPool {
  #dialer: OriginDialer;
  #limits: PoolLimits;
  readonly #clock: Clock;
  readonly #metrics: PoolerMetrics;
  readonly #all = new Set<OriginConnection>();
  /** Used last is last. */
  readonly #idle: OriginConnection[] = [];
  readonly #waiting: WaitingLine;
  #connecting = 0;
  /** Called when somebody waits and there may be no further connection. */
  onPressure: () => void = () => {};
  #isClosed = false;
  #cancelSweep: (() => void) | undefined;
  /** By settings, what the origin said of itself: for clients that log in. */
  readonly #parameters = new Map<string, ReadonlyMap<string, string>>();

  constructor(origin: Origin, { clock = systemClock, metrics = new PoolerMetrics(), ...options }: PoolOptions = {}) {
    this.#limits = { ...poolDefaults, ...options };
    this.#clock = clock;
    this.#waiting = new WaitingLine(clock);
    this.#metrics = metrics;
    this.#dialer = new OriginDialer(origin, { clock, ...this.#limits });
  }

  get status(): PoolStatus {
    return {
      maxConnections: this.#limits.maxConnections,
      connections: this.#all.size,
      connecting: this.#connecting,
      idle: this.#idle.length,
      waiting: this.#waiting.size,
      longestWait: this.#waiting.longest,
    };
  }

  /** Connects to another origin from now on, within other limits; what is in use serves until it comes back. */
  renew(origin: Origin, options: PoolOptions = {}): void {
    this.#limits = { ...poolDefaults, ...options };
    this.#dialer.isOutdated = true;
    this.#dialer = new OriginDialer(origin, { clock: this.#clock, ...this.#limits });
    this.#parameters.clear();
    for (const connection of this.#idle.splice(0)) this.discard(connection);
  }

  get limits(): PoolLimits {
    return this.#limits;
  }

  get maxPrepared(): number {
    return this.#limits.maxPrepared;
  }

  /** A connection that is idle, has these settings and needs no check; undefined when there is none to spare. */
  takeIdle(settings: string): OriginConnection | undefined {
    if (this.#waiting.size > 0) return undefined;
    const index = this.#idle.findLastIndex((one) => one.settings === settings && !one.isClosed && !this.#isStale(one));
    return index === -1 ? undefined : this.#idle.splice(index, 1)[0];
  }

  #isStale({ idleSince }: OriginConnection): boolean {
    return idleSince > 0 && this.#clock.now() - idleSince >= this.#limits.checkAfter;
  }

  /** What the origin reports to a client with these settings, as far as anybody has asked; never changed. */
  knownParameters(settings: string): ReadonlyMap<string, string> | undefined {
    return this.#parameters.get(settings);
  }

  /** What the origin reports to a client with these settings; asks it when that is not known yet. */
  async parameters(settings: string): Promise<ReadonlyMap<string, string>> {
    const known = this.knownParameters(settings);
    if (known !== undefined) return known;
    const connection = await this.acquire(settings);
    const parameters = new Map(connection.parameters);
    this.release(connection);
    const oldest = this.#parameters.size >= maxKnownSettings ? this.#parameters.keys().next().value : undefined;
    if (oldest !== undefined) this.#parameters.delete(oldest);
    this.#parameters.set(settings, parameters);
    return parameters;
  }

  /** A connection, later. Rejects as `wait()` refuses. */
  acquire(settings: string): Promise<OriginConnection> {
    return new Promise((resolve, reject) => this.wait({ settings, granted: resolve, refused: reject }));
  }

  /**
   * Grants a connection, at once when one is idle, and otherwise when the turn comes; or refuses. Returns a function
   * that gives up waiting.
   */
  wait(waiter: Waiter): () => void {
    if (this.#isClosed) {
      waiter.refused(new HyperdriveError('shutting_down', 'The pool is shutting down'));
      return () => {};
    }
    if (this.#waiting.size === 0) {
      const connection = this.#takeAnyIdle();
      if (connection !== undefined) {
        this.#metrics.acquireSeconds.observe(0);
        this.#grant(connection, waiter);
        return () => {};
      }
    }
    const { maxWaiting, acquireTimeout } = this.#limits;
    if (this.#waiting.size >= maxWaiting) {
      waiter.refused(this.#metrics.refused(poolExhausted()));
      return () => {};
    }
    const leave = this.#waiting.join(waiter, acquireTimeout, () =>
      // Without any connection it was not other clients that kept this one waiting.
      waiter.refused(this.#metrics.refused(this.#all.size > 0 ? poolExhausted() : originSilent())),
    );
    this.#grow();
    if (this.#all.size + this.#connecting >= this.#limits.maxConnections) this.onPressure();
    return leave;
  }

  /** Takes a connection back. One that is not clean is closed. */
  release(connection: OriginConnection): void {
    connection.unlink();
    const isOld = this.#clock.now() - connection.createdAt >= this.#limits.maxLifetime;
    const isClean = connection.tracker.idle && !connection.tracker.uncertain && !connection.isDoubtful;
    if (connection.isClosed || this.#isClosed || isOld || connection.dialer.isOutdated || !isClean) {
      this.discard(connection);
      return;
    }
    // A cancel request that is under way must find the query it is meant for, or none.
    if (connection.cancelling > 0) return;
    const next = this.#waiting.next();
    if (next !== undefined) {
      this.#metrics.acquireSeconds.observe(this.#clock.now() - next.since);
      this.#grant(connection, next.waiter);
      return;
    }
    connection.idleSince = this.#clock.now();
    this.#idle.push(connection);
    this.#sweepLater();
  }

  /** Takes back a connection whose session was changed: resets it, and only then gives it to somebody else. */
  reset(connection: OriginConnection, query = 'DISCARD ALL'): void {
    connection.unlink();
    if (connection.isClosed || connection.tracker.outstanding > 0 || connection.tracker.skipping) {
      this.discard(connection);
      return;
    }
    const statements = connection.tracker.inTransaction ? ['ROLLBACK', ...(query === '' ? [] : [query])] : [query];
    if (query !== '') {
      connection.held.clear();
      connection.settings = '';
    }
    const run = async (): Promise<void> => {
      for (const statement of statements) await connection.run(statement);
    };
    within(this.#limits.checkTimeout, run(), this.#clock).then(
      () => this.release(connection),
      () => this.discard(connection),
    );
  }

  /** Closes a connection; a query that runs on it is cancelled, as the origin would not notice for a while. */
  discard(connection: OriginConnection): void {
    connection.unlink();
    if (!connection.isClosed && connection.tracker.outstanding > 0) void this.cancel(connection);
    connection.close();
    this.#removed(connection);
  }

  /** Cancels what runs on a connection. Until that is over, nobody else gets it. Never rejects. */
  async cancel(connection: OriginConnection): Promise<void> {
    connection.cancelling += 1;
    try {
      await connection.dialer.cancel(connection);
    } catch {
      // It did not get through, so the query goes on; but it may yet, and then it hits whatever runs there.
      connection.isDoubtful = true;
    }
    connection.cancelling -= 1;
    if (connection.cancelling === 0 && connection.holder === undefined && !connection.isClosed)
      this.release(connection);
  }

  /** Refuses who waits and closes what is idle; connections that are held are closed when they come back. */
  close(): void {
    this.#isClosed = true;
    this.#cancelSweep?.();
    this.#waiting.refuseAll(new HyperdriveError('shutting_down', 'The pool is shutting down'));
    for (const connection of this.#idle.splice(0)) this.discard(connection);
  }

  #takeAnyIdle(): OriginConnection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (!connection.isClosed) return connection;
    }
    return undefined;
  }

  /** Gives a connection away, after what it takes to make it fit. */
  #grant(connection: OriginConnection, waiter: Waiter): void {
    if (connection.settings === waiter.settings && !this.#isStale(connection)) {
      waiter.granted(connection);
      return;
    }
    const before = connection.settings;
    // An empty query for a check: it goes all the way and touches nothing.
    const query = before === waiter.settings ? '' : `${toDefaults}; ${waiter.settings}`;
    connection.settings = waiter.settings;
    within(this.#limits.checkTimeout, connection.run(query), this.#clock).then(
      () => waiter.granted(connection),
      (error: unknown) => {
        if (error instanceof HyperdriveError && error.code === 'origin_refused' && connection.tracker.idle) {
          // All or nothing: the statements of a simple query are one transaction.
          connection.settings = before;
          this.release(connection);
          waiter.refused(error);
          return;
        }
        // Whoever waited goes on waiting, for a connection that is new.
        this.discard(connection);
        this.wait(waiter);
      },
    );
  }

  /** Dials as many connections as there are clients to use them. */
  #grow(): void {
    while (this.#connecting < this.#waiting.size && this.#all.size + this.#connecting < this.#limits.maxConnections) {
      this.#connecting += 1;
      void this.#connect();
    }
  }

  async #connect(): Promise<void> {
    const since = this.#clock.now();
    const dialer = this.#dialer;
    try {
      const connection = await dialer.connect();
      this.#metrics.connected(this.#clock.now() - since);
      this.#connecting -= 1;
      this.#all.add(connection);
      connection.onLost = () => this.#removed(connection);
      this.release(connection);
    } catch (error) {
      this.#connecting -= 1;
      if (dialer !== this.#dialer) return this.#grow();
      this.#metrics.connectFailed(error as HyperdriveError);
      // Who waits for nothing but this attempt is told; with connections alive, waiting goes on.
      if (this.#all.size > 0) {
        if (this.#waiting.size > 0) this.onPressure();
        return;
      }
      this.#waiting.refuseAll(error as HyperdriveError);
    }
  }

  #removed(connection: OriginConnection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    if (!this.#isClosed) this.#grow();
  }

  /** Closes what is idle for too long, with one timer for all. */
  #sweepLater(): void {
    if (this.#cancelSweep !== undefined) return;
    this.#cancelSweep = this.#clock.after(Math.min(this.#limits.idleTimeout, this.#limits.maxLifetime), () => {
      this.#cancelSweep = undefined;
      const now = this.#clock.now();
      for (const connection of this.#idle.slice()) {
        const isIdle = now - connection.idleSince >= this.#limits.idleTimeout;
        if (isIdle || now - connection.createdAt >= this.#limits.maxLifetime) this.discard(connection);
      }
      if (this.#idle.length > 0) this.#sweepLater();
    });
  }
}
