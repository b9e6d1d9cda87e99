// A copy of the store in memory, kept current by one watch: what every synchronous question is answered from.
//
// Writers do not touch it: they write to the store and wait until the watch has brought the write here, so changes are
// applied in one order, whoever made them.
import type { Clock } from '../clock.ts';
import { ControlError } from '../errors.ts';
import type { ControlDocument, ControlEvent, ControlStore, DocumentKey, Json } from '../store.ts';

/** Milliseconds until a watch that failed is tried again. */
const retryDelay = 1000;

export interface ReplicaOptions {
  clock: Clock;
  /** Called when the watch failed; it is tried again. */
  failed: (error: ControlError) => void;
}

/** What a document became: `after` is undefined for a deletion, `before` for a new one. */
export interface ReplicaChange {
  key: DocumentKey;
  before: Json | undefined;
  after: Json | undefined;
}

export class Replica {
  readonly #store: ControlStore;
  readonly #options: ReplicaOptions;
  readonly #documents = new Map<DocumentKey, ControlDocument>();
  readonly #listeners = new Set<(change: ReplicaChange) => void>();
  readonly #waiting = new Set<{ revision: number; resolve: () => void; reject: (error: ControlError) => void }>();
  readonly #abort = new AbortController();
  #revision = 0;
  #watching: Promise<void> = Promise.resolve();

  constructor(store: ControlStore, options: ReplicaOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Resolves when everything that is in the store now is here. */
  async start(): Promise<void> {
    await this.#load();
    this.#watching = this.#watch();
    await this.reached(await this.#store.revision());
  }

  /** Calls back with every change. Listeners added before `start` hear of every document. */
  onChange(listener: (change: ReplicaChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(key: DocumentKey): Json | undefined {
    return this.#documents.get(key)?.value;
  }

  /** The documents below a prefix. */
  *values(prefix: string): Generator<Json> {
    for (const [key, { value }] of this.#documents) if (key.startsWith(prefix)) yield value;
  }

  /** Resolves when every change up to this revision is here. Rejects with `store_closed`. */
  reached(revision: number): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve();
    if (this.#abort.signal.aborted) return Promise.reject(closed());
    return new Promise((resolve, reject) => this.#waiting.add({ revision, resolve, reject }));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    for (const { reject } of this.#waiting) reject(closed());
    this.#waiting.clear();
    await this.#watching;
  }

  async #load(): Promise<void> {
    const revision = await this.#store.revision();
    const documents = await this.#store.list('');
    const present = new Set(documents.map(({ key }) => key));
    for (const key of this.#documents.keys()) if (!present.has(key)) this.#apply({ type: 'delete', key, revision });
    for (const document of documents) this.#apply({ type: 'put', ...document });
    this.#arrive(revision);
  }

  async #watch(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        for await (const event of this.#store.watch({ after: this.#revision, signal })) {
          this.#apply(event);
          this.#arrive(event.revision);
        }
        return;
      } catch (error) {
        if (error instanceof ControlError && error.code === 'store_closed') return;
        await this.#recover(error);
      }
    }
  }

  /** Starts over from what the store holds: after a failure, and when the history no longer goes back far enough. */
  async #recover(error: unknown): Promise<void> {
    let failure = error;
    if (error instanceof ControlError && error.code === 'revision_compacted') {
      try {
        await this.#load();
        return;
      } catch (cause) {
        failure = cause;
      }
    }
    this.#options.failed(toControlError(failure));
    await this.#delay();
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#abort;
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#options.clock.after(retryDelay, done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  #apply(event: ControlEvent): void {
    const { key, revision } = event;
    const known = this.#documents.get(key);
    if (known !== undefined && known.revision >= revision) return;
    const after = event.type === 'put' ? event.value : undefined;
    if (after === undefined) {
      if (known === undefined) return;
      this.#documents.delete(key);
    } else this.#documents.set(key, { key, value: after, revision });
    for (const listener of this.#listeners) listener({ key, before: known?.value, after });
  }

  #arrive(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiter of this.#waiting) {
      if (waiter.revision > this.#revision) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }
}

function closed(): ControlError {
  return new ControlError('store_closed', 'no further calls are possible');
}

function toControlError(error: unknown): ControlError {
  if (error instanceof ControlError) return error;
  return new ControlError('store_failed', (error as Error).message, { cause: error });
}
