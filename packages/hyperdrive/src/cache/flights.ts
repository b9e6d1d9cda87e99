// Single flight: while one client's request is on its way to the origin, others who ask the same wait for its answer,
// if nothing it reads was written between its start and their asking. If it cannot be stored, each goes itself.
import { toErrorResponse, toReadyForQuery } from '@sallyport/postgres-wire';
import { cancelledReport } from '../errors.ts';
import type { Exchange, ExchangeClient } from '../session/exchange.ts';
import type { Epoch, Epochs } from './epochs.ts';

interface Waiting {
  client: ExchangeClient;
  isParsed: boolean;
}

export interface Flight {
  /** The answer is there. */
  landed(forms: { bytes: Buffer; unprepared: Buffer }): void;
  /** It is nobody else's: whoever waits goes to the origin. */
  failed(status: 'miss' | 'oversizedresult'): void;
}

interface Entry {
  tables: readonly Epoch[];
  sum: number;
  readonly waiting: Set<Waiting>;
}

export class Flights {
  readonly #epochs: Epochs;
  readonly #count: (status: 'hit' | 'miss' | 'oversizedresult') => void;
  readonly #flights = new Map<string, Entry>();

  /** `count` is called once for every client whose request was here. */
  constructor(epochs: Epochs, count: (status: 'hit' | 'miss' | 'oversizedresult') => void) {
    this.#epochs = epochs;
    this.#count = count;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** A request goes to the origin: for a client, or to renew what is stored. */
  start(key: string, tables: readonly Epoch[], client?: ExchangeClient): Flight {
    const entry: Entry = { tables, sum: this.#epochs.sum(tables), waiting: new Set() };
    // The newest one counts: it started behind every write so far.
    this.#flights.set(key, entry);
    const over = (): Waiting[] => {
      if (this.#flights.get(key) === entry) this.#flights.delete(key);
      const all = [...entry.waiting];
      entry.waiting.clear();
      return all;
    };
    return {
      landed: ({ bytes, unprepared }) => {
        if (client !== undefined) this.#count('miss');
        for (const waiting of over()) {
          this.#count('hit');
          waiting.client.write(waiting.isParsed ? bytes : unprepared);
          waiting.client.finished();
        }
      },
      failed: (status) => {
        if (client !== undefined) this.#count(status);
        for (const waiting of over()) {
          this.#count(status);
          waiting.client.declined();
        }
      },
    };
  }

  /** Nobody else joins what is on its way now. */
  forget(): void {
    this.#flights.clear();
  }

  /** Whether there is an answer on its way that this client may have. It may leave before that. */
  join(key: string, exchange: Exchange, waiting: Waiting): boolean {
    const entry = this.#flights.get(key);
    if (entry === undefined || this.#epochs.sum(entry.tables) !== entry.sum) return false;
    entry.waiting.add(waiting);
    exchange.carrier = {
      cancel: () => {
        if (!entry.waiting.delete(waiting)) return;
        this.#count('miss');
        waiting.client.write(Buffer.concat([toErrorResponse(cancelledReport), toReadyForQuery('I')]));
        waiting.client.finished(false);
      },
      drained: () => {},
      abandoned: () => void entry.waiting.delete(waiting),
    };
    return true;
  }
}
