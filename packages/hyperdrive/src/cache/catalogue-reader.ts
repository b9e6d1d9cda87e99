// Asks the origin over a connection of the pool, or over one that somebody who has it lends: that helps when all
// connections are held by clients who wait for the answer.
import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { queryRows } from './origin-query.ts';

/** Open, and leading to where new ones do. */
const isCurrent = ({ isClosed, dialer }: OriginConnection): boolean => !isClosed && !dialer.isOutdated;

export class CatalogueReader {
  readonly #pool: OriginPool;
  readonly #clock: Clock;
  readonly #offered = new Set<OriginConnection>();
  /** Takes one that is offered while this stands in line. */
  #onOffer: ((connection: OriginConnection) => void) | undefined;

  constructor(pool: OriginPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** A connection that is idle, has no holder, and is nobody else's until it is withdrawn. */
  offer(connection: OriginConnection): void {
    this.#offered.add(connection);
    if (isCurrent(connection)) this.#onOffer?.(connection);
  }

  withdraw(connection: OriginConnection): void {
    this.#offered.delete(connection);
  }

  async read(settings: string, query: string): Promise<string[][]> {
    const connection = await this.#connect(settings);
    const { queryTimeout } = this.#pool.limits;
    try {
      const rows = queryRows(connection, query);
      return await (queryTimeout > 0 ? within(queryTimeout, rows, this.#clock) : rows);
    } finally {
      if (this.#offered.has(connection)) await this.#tidy(connection);
      // One that failed in the middle is in a transaction still; one that runs still is closed either way.
      else if (connection.tracker.status === 'I') this.#pool.release(connection);
      else this.#pool.reset(connection, '');
    }
  }

  #connect(settings: string): Promise<OriginConnection> {
    for (const connection of this.#offered) if (isCurrent(connection)) return Promise.resolve(connection);
    return new Promise((resolve, reject) => {
      let isDone = false;
      const done = (): void => {
        isDone = true;
        this.#onOffer = undefined;
      };
      const giveUp = this.#pool.wait({
        settings,
        granted: (connection) => {
          done();
          resolve(connection);
        },
        refused: (error) => {
          done();
          reject(error);
        },
      });
      if (isDone) return;
      this.#onOffer = (connection) => {
        done();
        giveUp();
        resolve(connection);
      };
    });
  }

  /** Its owner gets it back as it was. */
  async #tidy(connection: OriginConnection): Promise<void> {
    const { outstanding, status } = connection.tracker;
    if (connection.isClosed || outstanding > 0 || status === 'I') return;
    await within(this.#pool.limits.checkTimeout, connection.run('ROLLBACK'), this.#clock).catch(() => {});
  }
}
