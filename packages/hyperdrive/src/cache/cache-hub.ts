// What the caches of one process share: the bytes they may use, verdicts of texts, and the epochs of each database, so
// that a write through one configuration is heard by every other one of the same database.
import { Classifier } from '../classify/classifier.ts';
import type { Clock } from '../clock.ts';
import { CacheStore } from './cache-store.ts';
import { Epochs } from './epochs.ts';
import type { OriginKnowledge } from './origin-knowledge.ts';

/** One database, however many configurations lead to it. */
export interface DatabaseDomain {
  readonly epochs: Epochs;
  /** Configurations that keep answers of it. Without any, writes are not looked at. */
  readers: number;
  /** What is known of it, through each of its configurations: DDL through one makes all of that old. */
  readonly knowledge: Set<OriginKnowledge>;
}

export class CacheHub {
  readonly store: CacheStore;
  readonly classifier: Classifier = new Classifier();
  readonly #clock: Clock;
  readonly #domains = new Map<string, DatabaseDomain>();

  constructor(clock: Clock, maxBytes?: number) {
    this.#clock = clock;
    this.store = new CacheStore(maxBytes);
  }

  /** By anything that is the same for the same database and for no other. Kept: writes are never forgotten. */
  domainOf(database: string): DatabaseDomain {
    let domain = this.#domains.get(database);
    if (domain === undefined) {
      domain = { epochs: new Epochs(this.#clock), readers: 0, knowledge: new Set() };
      this.#domains.set(database, domain);
    }
    return domain;
  }
}
