// The cache of one pooler: knows its origin, answers its clients, watches what they write, and says why.
import { Frontend, toQuery } from '@sallyport/postgres-wire';
import type { Clock } from '../clock.ts';
import { countOne } from '../metrics.ts';
import type { PoolerMetrics } from '../metrics.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { readExchange } from '../session/exchange.ts';
import type { Answerer, Exchange, ExchangeClient } from '../session/exchange.ts';
import type { Classifier } from '../classify/classifier.ts';
import type { CacheEntry } from './cache-store.ts';
import type { Epochs } from './epochs.ts';
import type { CacheHub, DatabaseDomain } from './cache-hub.ts';
import type { Explanation } from './explanation.ts';
import { OriginKnowledge } from './origin-knowledge.ts';
import { QueryCache, refuse } from './query-cache.ts';
import type { Caching } from './query-cache.ts';
import { SessionWrites } from './session-writes.ts';

/** Whose answers they are: none of another database or user is ever given. */
export interface CachedOrigin {
  /** What tells the origin's database from others in the hub. */
  database: string;
  user: string;
}

export interface PoolerCacheOptions extends CachedOrigin {
  hub: CacheHub;
  pool: OriginPool;
  clock: Clock;
  metrics: PoolerMetrics;
  caching: Caching;
}

interface Parts {
  origin: CachedOrigin;
  domain: DatabaseDomain;
  knowledge: OriginKnowledge;
  queries: QueryCache;
}

const noStatements = { bodyOf: () => undefined };

export class PoolerCache implements Answerer {
  readonly #options: PoolerCacheOptions;
  #caching: Caching;
  #parts: Parts;
  #isClosed = false;

  constructor(options: PoolerCacheOptions) {
    this.#options = options;
    this.#caching = options.caching;
    this.#parts = this.#toParts(options);
    this.#countReader(1);
  }

  /** Entries and knowledge stay when database and user are the same. */
  configure(caching: Caching, origin: CachedOrigin = this.#parts.origin): void {
    const wasWatched = this.isWatched;
    this.#countReader(-1);
    this.#caching = caching;
    const { database, user } = this.#parts.origin;
    if (database === origin.database && user === origin.user) this.#parts.queries.configure(caching);
    else {
      this.#retire();
      this.#parts = this.#toParts(origin);
    }
    // While nobody listened, the schema may have changed.
    if (!wasWatched) this.#parts.knowledge.invalidate();
    this.#countReader(1);
  }

  answer(exchange: Exchange, client: ExchangeClient): 'answered' | 'later' | undefined {
    return this.#parts.queries.answer(exchange, client);
  }

  /** What watches the requests of one client on their way to the origin. */
  watch(client: { readonly settings: string }): SessionWrites {
    return new SessionWrites(this, client);
  }

  /** Whether somebody keeps answers of this database: writes through others of its configurations count too. */
  get isWatched(): boolean {
    return this.#parts.domain.readers > 0;
  }

  get knowledge(): OriginKnowledge {
    return this.#parts.knowledge;
  }

  get epochs(): Epochs {
    return this.#parts.domain.epochs;
  }

  get classifier(): Classifier {
    return this.#options.hub.classifier;
  }

  readonly mayBeWatched: boolean = true;

  schemaChanged(isOpen: boolean): void {
    for (const knowledge of this.#parts.domain.knowledge) knowledge.invalidate(isOpen);
  }

  countTransaction(): void {
    countOne(this.#options.metrics.queriesByCacheStatus, 'transaction');
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Resolves when the origin is known, or cannot be. */
  async load(settings = ''): Promise<void> {
    const { knowledge } = this.#parts;
    await Promise.all([knowledge.load(), knowledge.loadEnvironment(settings)]);
  }

  /** Forgets answers: all of this configuration, or those that depend on tables (`schema.name` or `name`), or by tag. */
  async purge({ tables, tags }: { tables?: readonly string[]; tags?: readonly string[] } = {}): Promise<number> {
    const { queries, knowledge } = this.#parts;
    const byTag = (entry: CacheEntry): boolean => tags?.some((tag) => entry.tags.includes(tag)) === true;
    if (tables === undefined) return queries.purge(tags === undefined ? () => true : byTag);
    await this.load();
    const environment = knowledge.environmentOf('');
    const { catalogue } = knowledge;
    // What the names mean is not known, so it may be anything.
    if (catalogue === undefined || environment === undefined) return queries.purge(() => true);
    const epochs = new Set(tables.flatMap((name) => catalogue.tablesOf(name, environment)));
    return queries.purge((entry) => byTag(entry) || entry.tables.some((epoch) => epochs.has(epoch)));
  }

  /** Those of some names that the database has no table of; none when that is not known. */
  unknownTables(tables: readonly string[]): string[] {
    const { knowledge } = this.#parts;
    const environment = knowledge.environmentOf('');
    const { catalogue } = knowledge;
    if (catalogue === undefined || environment === undefined) return [];
    return tables.filter((name) => catalogue.tablesOf(name, environment).length === 0);
  }

  /** Whether a query would be cached, and why. Parameters are left out: they are part of the key only. */
  async explain(sql: string, settings = ''): Promise<Explanation> {
    await this.load(settings);
    const { knowledge, queries } = this.#parts;
    const exchange = readExchange(toQuery(sql), noStatements);
    const { disabled } = this.#caching;
    if (disabled) return refuse('disabled', 'Caching is turned off in this configuration.');
    if (typeof exchange !== 'object' || exchange.bytes[0] !== Frontend.Query) {
      return refuse('oversizedquery', 'The query is too long.');
    }
    const environment = knowledge.environmentOf(settings);
    if (environment === undefined) {
      return refuse('uncacheable', `The database cannot be asked: ${knowledge.failure ?? 'no answer yet'}.`);
    }
    if (environment.problem !== undefined) return refuse('uncacheable', environment.problem);
    return queries.explain(exchange, environment);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#countReader(-1);
    this.#retire();
  }

  #retire(): void {
    const { queries, domain, knowledge } = this.#parts;
    queries.purge(() => true);
    domain.knowledge.delete(knowledge);
  }

  #toParts({ database, user }: CachedOrigin): Parts {
    const { hub, pool, clock, metrics } = this.#options;
    const domain = hub.domainOf(database);
    const { classifier, store } = hub;
    const { epochs } = domain;
    const knowledge = new OriginKnowledge({ pool, classifier, epochs, clock });
    domain.knowledge.add(knowledge);
    const caching = this.#caching;
    const queries = new QueryCache({ pool, store, classifier, knowledge, epochs, clock, metrics, caching });
    return { origin: { database, user }, domain, knowledge, queries };
  }

  #countReader(by: number): void {
    if (!this.#caching.disabled) this.#parts.domain.readers += by;
  }
}
