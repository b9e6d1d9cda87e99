// How long a statement may run, and how long a transaction may wait for its client. One timer looks at all clients that
// have a connection, so a query costs no timer; a limit is kept to within a tenth of it, or a second.
import { toFlush } from '@sallyport/postgres-wire';
import type { Clock } from '../clock.ts';
import { HyperdriveError, queryTimedOut } from '../errors.ts';
import { messageTimeout } from '../limits.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';

export interface TimeoutLimits {
  /** Milliseconds from a statement's beginning to its answer; 0 for no limit. */
  queryTimeout: number;
  /** Milliseconds that a transaction may be idle; 0 for no limit. */
  idleInTransactionTimeout: number;
  /** What the origin may take to end what it was told to cancel. */
  cancelTimeout: number;
}

/**
 * `query`: it runs for too long. `stuck`: and being cancelled has not ended it. `transaction`: its client sleeps. `message`: it
 * sleeps in the middle of a message.
 */
export type Overdue = 'query' | 'stuck' | 'transaction' | 'message';

/** What the client is told who is ended. */
export function toTimeoutError(overdue: Exclude<Overdue, 'query'>, { queryTimeout }: TimeoutLimits): HyperdriveError {
  if (overdue === 'stuck') return queryTimedOut(queryTimeout);
  if (overdue === 'message') {
    return new HyperdriveError('message_stalled', 'terminating connection because the rest of a message did not come');
  }
  return new HyperdriveError('idle_in_transaction', 'terminating connection due to idle-in-transaction timeout');
}

const flush = toFlush();

export interface Moment {
  now: number;
  received: number | undefined;
}

/** What one client's connection has been doing, and since when, as far as anybody looked. */
export class Stopwatch {
  #phase: 'running' | 'in-transaction' | 'receiving' | 'idle' | undefined;
  #answers = -1;
  #received = -1;
  #since = 0;
  #isFlushed = false;
  #isCancelled = false;

  /** Another connection, or none. */
  restart(): void {
    this.#phase = undefined;
    this.#isCancelled = false;
  }

  /** Looks at the connection; says what is overdue, once. `received` grows while a message comes; undefined between two. */
  look(connection: OriginConnection, limits: TimeoutLimits, { now, received }: Moment): Overdue | undefined {
    const { tracker, answers } = connection;
    const outside = received === undefined ? 'idle' : 'receiving';
    const phase = tracker.outstanding > 0 ? 'running' : tracker.inTransaction ? 'in-transaction' : outside;
    const isFurther = phase === 'receiving' && received !== this.#received;
    if (phase !== this.#phase || answers !== this.#answers || isFurther) {
      this.#phase = phase;
      this.#answers = answers;
      this.#received = received ?? -1;
      this.#since = now;
      this.#isFlushed = false;
      this.#isCancelled = false;
      return undefined;
    }
    const past = now - this.#since;
    const { queryTimeout, idleInTransactionTimeout, cancelTimeout } = limits;
    if (phase === 'in-transaction') {
      return idleInTransactionTimeout > 0 && past >= idleInTransactionTimeout ? 'transaction' : undefined;
    }
    if (phase === 'receiving') return past >= messageTimeout ? 'message' : undefined;
    if (phase === 'idle' || queryTimeout === 0 || past < queryTimeout) return undefined;
    if (this.#isCancelled) return past >= queryTimeout + cancelTimeout ? 'stuck' : undefined;
    // What is not answered for want of a Flush is no statement that runs.
    if (tracker.isUnsynced && received === undefined && !this.#isFlushed) {
      this.#isFlushed = true;
      connection.write(flush);
      return undefined;
    }
    this.#isCancelled = true;
    return 'query';
  }
}

/** Whoever has a connection and has to be looked at. */
export interface Watched {
  look(limits: TimeoutLimits, now: number): void;
}

export class Watch {
  readonly #clock: Clock;
  readonly #limits: () => TimeoutLimits;
  readonly #watched = new Set<Watched>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, limits: () => TimeoutLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#cancelTimer === undefined) this.#wait();
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
  }

  close(): void {
    this.#watched.clear();
    this.#cancelTimer?.();
  }

  #wait(): void {
    const { queryTimeout, idleInTransactionTimeout } = this.#limits();
    const shortest = Math.min(...[queryTimeout, idleInTransactionTimeout].filter((limit) => limit > 0));
    this.#cancelTimer = this.#clock.after(Math.min(1_000, Math.max(10, shortest / 10)), () => {
      this.#cancelTimer = undefined;
      const limits = this.#limits();
      const now = this.#clock.now();
      for (const watched of this.#watched) watched.look(limits, now);
      if (this.#watched.size > 0) this.#wait();
    });
  }
}
