// Epochs: a number per table, and one for all, that move whenever what a query reads may have changed.
//
// An entry remembers the sum of the epochs of all it read, as they were before its query was sent. Epochs only grow, so
// the sum is the same exactly as long as none has moved. Shared by all pools of one database.
import type { Clock } from '../clock.ts';
import { doubtWindow } from './limits.ts';

/** One table's epoch. */
export interface Epoch {
  readonly oid: number;
  value: number;
  /** Until then its last write may still be committed, and nothing is stored. */
  doubtUntil: number;
}

/** Tables, or every table there is. */
export type Tables = readonly Epoch[] | 'all';

export class Epochs {
  readonly #clock: Clock;
  readonly #tables = new Map<number, Epoch>();
  readonly #all: Epoch = { oid: 0, value: 0, doubtUntil: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The epoch of a table. There are as many as the database has tables. */
  of(oid: number): Epoch {
    let epoch = this.#tables.get(oid);
    if (epoch === undefined) {
      epoch = { oid, value: 0, doubtUntil: 0 };
      this.#tables.set(oid, epoch);
    }
    return epoch;
  }

  /** Something was, or may have been, committed. */
  move(tables: Tables): void {
    if (tables === 'all') this.#all.value += 1;
    else for (const epoch of tables) epoch.value += 1;
  }

  /** Something may have been committed, or may be committed yet: nobody will hear of it. */
  doubt(tables: Tables): void {
    this.move(tables);
    const until = this.#clock.now() + doubtWindow;
    if (tables === 'all') this.#all.doubtUntil = until;
    else for (const epoch of tables) epoch.doubtUntil = until;
  }

  /** What an entry remembers of the tables it depends on. */
  sum(tables: readonly Epoch[]): number {
    let sum = this.#all.value;
    for (const epoch of tables) sum += epoch.value;
    return sum;
  }

  isInDoubt(tables: readonly Epoch[]): boolean {
    const now = this.#clock.now();
    return this.#all.doubtUntil > now || tables.some((epoch) => epoch.doubtUntil > now);
  }
}
