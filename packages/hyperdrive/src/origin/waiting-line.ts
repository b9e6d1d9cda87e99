// Clients that wait for a connection, in order of arrival, each for no longer than it may.
import type { Clock } from '../clock.ts';
import type { HyperdriveError } from '../errors.ts';
import type { Waiter } from './pool-options.ts';

export interface Waiting {
  readonly waiter: Waiter;
  readonly since: number;
  cancelTimer: () => void;
}

export class WaitingLine {
  readonly #clock: Clock;
  readonly #entries = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Milliseconds the first of them has waited; 0 when there is none. */
  get longest(): number {
    const first = this.#entries.values().next().value;
    return first === undefined ? 0 : this.#clock.now() - first.since;
  }

  /** Joins at the end. `gaveUp` is called when the time is over; the function it returns leaves the line. */
  join(waiter: Waiter, timeout: number, gaveUp: () => void): () => void {
    const entry: Waiting = { waiter, since: this.#clock.now(), cancelTimer: () => {} };
    entry.cancelTimer = this.#clock.after(timeout, () => {
      this.#entries.delete(entry);
      gaveUp();
    });
    this.#entries.add(entry);
    return () => {
      entry.cancelTimer();
      this.#entries.delete(entry);
    };
  }

  /** Takes out who has waited longest. */
  next(): Waiting | undefined {
    const next = this.#entries.values().next().value;
    if (next !== undefined) {
      this.#entries.delete(next);
      next.cancelTimer();
    }
    return next;
  }

  refuseAll(error: HyperdriveError): void {
    for (let next = this.next(); next !== undefined; next = this.next()) next.waiter.refused(error);
  }
}
