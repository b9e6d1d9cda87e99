// Answers a client's request from what the origin answered before, as long as nothing it read was written since.
//
// A read that no entry answers goes the ordinary way and is recorded. Others who ask the same meanwhile wait for it, when
// nothing was written in between. CACHE.md says why no client ever sees what is older than a commit it could know of.
import type { Classifier } from '../classify/classifier.ts';
import type { Clock } from '../clock.ts';
import { countOne } from '../metrics.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { Answerer, Exchange, ExchangeClient } from '../session/exchange.ts';
import { hasClock } from './bind-values.ts';
import { isExecution, toCacheKey } from './cache-key.ts';
import type { CacheKey } from './cache-key.ts';
import type { CacheEntry, CacheStore } from './cache-store.ts';
import type { Epoch, Epochs } from './epochs.ts';
import type { Explanation } from './explanation.ts';
import { Flights } from './flights.ts';
import type { Flight } from './flights.ts';
import type { Environment, OriginKnowledge } from './origin-knowledge.ts';
import { Oversized } from './oversized.ts';
import { readComments } from './query-comment.ts';
import { Recording } from './recording.ts';
import { Refresh } from './refresh.ts';

/** The documented words, as metrics have them, and `loading`: the database's catalogue is still being read. */
export type CacheStatus =
  | 'hit'
  | 'miss'
  | 'uncacheable'
  | 'disabled'
  | 'loading'
  | 'multiplestatements'
  | 'notaquery'
  | 'oversizedquery'
  | 'oversizedresult'
  | 'parseerror'
  | 'transaction'
  | 'volatile';

export interface Caching {
  disabled: boolean;
  /** In seconds. */
  maxAge: number;
  /** In seconds, on top of that. */
  staleWhileRevalidate: number;
}

export interface QueryCacheOptions {
  pool: OriginPool;
  store: CacheStore;
  classifier: Classifier;
  knowledge: OriginKnowledge;
  epochs: Epochs;
  clock: Clock;
  metrics: PoolerMetrics;
  caching: Caching;
}

/** Why a request is not answered from the cache. */
export interface Judgement {
  readonly status: CacheStatus;
  readonly why: string;
}

/** What a request would depend on; a judgement when it cannot be cached. */
export type Judged = { readonly tables: readonly Epoch[]; readonly relations: readonly string[] } | Judgement;

let owners = 0;

export class QueryCache implements Answerer {
  readonly #options: QueryCacheOptions;
  readonly #owner: string;
  readonly #flights: Flights;
  readonly #oversized: Oversized;
  #caching: Caching;
  /** Grows with every purge: what began before one is not stored behind it. */
  #purges = 0;

  constructor(options: QueryCacheOptions) {
    this.#options = options;
    this.#caching = options.caching;
    owners += 1;
    this.#owner = `${owners}/`;
    this.#oversized = new Oversized(options.clock);
    this.#flights = new Flights(options.epochs, (status) => countOne(options.metrics.queriesByCacheStatus, status));
  }

  /** What entries are stored from now on keep, and all entries are held against. */
  configure(caching: Caching): void {
    this.#caching = caching;
  }

  answer(exchange: Exchange, client: ExchangeClient): 'answered' | 'later' | undefined {
    if (!isExecution(exchange)) return undefined;
    if (this.#caching.disabled) return this.#pass('disabled');
    const environment = this.#options.knowledge.environmentOf(client.settings);
    if (environment === undefined) return this.#pass(this.#whileUnknown);
    if (environment.problem !== undefined) return this.#pass('uncacheable');
    const key = toCacheKey(exchange, { owner: this.#owner, environment: environment.id });
    if (key === undefined) return this.#pass('oversizedquery');
    const { directives } = key;
    if (directives?.noStore === true) return this.#pass('uncacheable');
    const entry = this.#options.store.get(key.key);
    if (entry !== undefined && this.#isGood(entry, key, { exchange, client })) {
      entry.hits += 1;
      countOne(this.#options.metrics.queriesByCacheStatus, 'hit');
      client.write(key.isParsed ? entry.bytes : entry.unprepared);
      return 'answered';
    }
    return this.#miss(exchange, client, { key, environment });
  }

  /** Nothing can be cached while the origin is not known: for a moment, or because it cannot be asked. */
  get #whileUnknown(): CacheStatus {
    return this.#options.knowledge.failure === undefined ? 'loading' : 'uncacheable';
  }

  /** What a text under these settings depends on, or why it cannot be cached. */
  judge(text: Buffer, environment: Environment): Judged {
    const { knowledge, classifier } = this.#options;
    const verdict = classifier.verdictOf(text);
    const { uncacheable, why } = verdict;
    if (uncacheable !== undefined) return { status: uncacheable, why: why ?? '' };
    const { catalogue } = knowledge;
    if (catalogue === undefined) {
      const reason = knowledge.failure ?? 'it is being read';
      return { status: this.#whileUnknown, why: `The catalogue of the database is not known: ${reason}.` };
    }
    const resolution = catalogue.resolve(verdict, environment);
    if (resolution.kind === 'cacheable') {
      if (!catalogue.stateful.areIn(text)) return resolution;
      return { status: 'uncacheable', why: 'It calls what may leave something in its session.' };
    }
    if (resolution.isUnknown) knowledge.doubt();
    return resolution;
  }

  /** Forgets the entries of this configuration that match. Returns how many. */
  purge(matches: (entry: CacheEntry) => boolean): number {
    // What is on its way must not come in behind.
    this.#purges += 1;
    this.#flights.forget();
    return this.#options.store.remove((entry) => entry.owner === this && matches(entry));
  }

  /** Whether a simple query would be answered, and why. */
  explain(exchange: Exchange, environment: Environment): Explanation {
    const { store, clock } = this.#options;
    const key = toCacheKey(exchange, { owner: this.#owner, environment: environment.id });
    if (key === undefined) return refuse('oversizedquery', 'The query is too long.');
    if (key.directives?.noStore === true) {
      const { unknown } = key.directives;
      const said = unknown === undefined ? 'no-store' : `${JSON.stringify(unknown)}, which is not known`;
      return refuse('uncacheable', `Its comment says ${said}.`);
    }
    const judged = this.judge(exchange.text, environment);
    if ('status' in judged) return refuse(judged.status, judged.why);
    const { path: searchPath, settings } = environment;
    const { maxAge, staleWhileRevalidate } = this.#lifeOf(key);
    const entry = store.peek(key.key);
    const age = entry === undefined ? 0 : clock.now() - entry.storedAt;
    const isLive = entry !== undefined && this.#isCurrent(entry) && age < maxAge + staleWhileRevalidate;
    const { relations, tables } = judged;
    return {
      cacheStatus: isLive ? 'hit' : 'miss',
      cacheable: true,
      why:
        tables.length === 0
          ? 'It is one plain query whose result depends on nothing but its text.'
          : `It is one plain query whose result changes only with ${relations.join(', ')}.`,
      tables: [...relations],
      kept: {
        maxAge: maxAge / 1_000,
        staleWhileRevalidate: staleWhileRevalidate / 1_000,
        tags: [...(key.directives?.tags ?? [])],
      },
      key: { text: readComments(exchange.text.toString()).text, settings, searchPath: [...searchPath] },
      entry: isLive
        ? {
            age: age / 1_000,
            expiresIn: (maxAge + staleWhileRevalidate - age) / 1_000,
            hits: entry.hits,
            bytes: entry.bytes.length,
            isStale: age >= maxAge,
          }
        : undefined,
    };
  }

  /** How old an entry may get, in milliseconds, and how much older while it is renewed. */
  #lifeOf({ directives }: CacheKey): { maxAge: number; staleWhileRevalidate: number } {
    const { maxAge, staleWhileRevalidate } = this.#caching;
    return {
      maxAge: (directives?.maxAge ?? maxAge) * 1_000,
      staleWhileRevalidate: (directives?.staleWhileRevalidate ?? staleWhileRevalidate) * 1_000,
    };
  }

  #isCurrent({ tables, sum }: CacheEntry): boolean {
    return this.#options.epochs.sum(tables) === sum;
  }

  /** Whether an entry may answer. One that is stale is renewed behind the client's back. */
  #isGood(
    entry: CacheEntry,
    key: CacheKey,
    { exchange, client }: { exchange: Exchange; client: ExchangeClient },
  ): boolean {
    const { store, clock } = this.#options;
    if (!this.#isCurrent(entry)) {
      store.delete(key.key);
      return false;
    }
    if (client.writes?.hasJustWritten(entry.tables) === true) return false;
    const age = clock.now() - entry.storedAt;
    const { maxAge, staleWhileRevalidate } = this.#lifeOf(key);
    if (age < maxAge) return true;
    if (age >= maxAge + staleWhileRevalidate) return false;
    if (!this.#flights.has(key.key)) this.#refresh(exchange, client.settings, { key, tables: entry.tables });
    return true;
  }

  #miss(
    exchange: Exchange,
    client: ExchangeClient,
    { key, environment }: { key: CacheKey; environment: Environment },
  ): 'later' | undefined {
    const judged = this.judge(exchange.text, environment);
    if ('status' in judged) return this.#pass(judged.status);
    if (exchange.bind !== undefined && hasClock(exchange.bind)) return this.#pass('volatile');
    const { tables } = judged;
    if (this.#oversized.has(key.key)) return this.#pass('oversizedresult');
    if (client.writes?.hasJustWritten(tables) === true) return this.#pass('uncacheable');
    if (this.#flights.join(key.key, exchange, { client, isParsed: key.isParsed })) return 'later';
    const flight = this.#flights.start(key.key, tables, client);
    exchange.recorder = this.#record(key, { tables, flight });
    return undefined;
  }

  /** Not for the cache: counted, and on the ordinary way. */
  #pass(status: CacheStatus): undefined {
    countOne(this.#options.metrics.queriesByCacheStatus, status);
    return undefined;
  }

  #refresh(exchange: Exchange, settings: string, { key, tables }: { key: CacheKey; tables: readonly Epoch[] }): void {
    const { pool, clock } = this.#options;
    // A pool that is busy has better things to do.
    if (pool.status.waiting > 0) return;
    const flight = this.#flights.start(key.key, tables);
    const recording = this.#record({ ...key, isParsed: true }, { tables, flight });
    new Refresh(pool, settings, { exchange, recording, clock }).start();
  }

  /** Keeps the answer to a request that is about to be sent, if nothing it depends on moves meanwhile. */
  #record(key: CacheKey, { tables, flight }: { tables: readonly Epoch[]; flight: Flight }): Recording {
    const { store, epochs, clock } = this.#options;
    const sum = epochs.sum(tables);
    const storedAt = clock.now();
    const purges = this.#purges;
    return new Recording({ store, clock }, (recorded) => {
      const isCurrent = epochs.sum(tables) === sum && !epochs.isInDoubt(tables) && purges === this.#purges;
      if (typeof recorded === 'string' || !isCurrent) {
        if (recorded === 'oversizedresult') this.#oversized.add(key.key);
        flight.failed(recorded === 'oversizedresult' ? recorded : 'miss');
        return;
      }
      const forms = toForms(recorded, key);
      const tags = key.directives?.tags ?? [];
      store.set(key.key, { ...forms, tables, sum, storedAt, tags, owner: this, hits: 0 });
      flight.landed(forms);
    });
  }
}

const parseComplete = Buffer.from([0x31, 0, 0, 0, 4]);

/** An answer with and without the ParseComplete at its beginning. A simple query has none. */
function toForms(answer: Buffer, { isParsed, isSimple }: CacheKey): { bytes: Buffer; unprepared: Buffer } {
  if (isSimple) return { bytes: answer, unprepared: answer };
  if (isParsed) return { bytes: answer, unprepared: answer.subarray(parseComplete.length) };
  const bytes = Buffer.concat([parseComplete, answer]);
  return { bytes, unprepared: bytes.subarray(parseComplete.length) };
}

export function refuse(cacheStatus: CacheStatus, why: string): Explanation {
  return { cacheStatus, cacheable: false, why, tables: [], kept: undefined, key: undefined, entry: undefined };
}
