// What is known of an origin, and getting to know it: its catalogue, and what names mean under a client's settings. Read
// over a connection of the pool, in the background; whoever asks before it is there is told that it is not.
import type { Classifier } from '../classify/classifier.ts';
import { within } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { Catalogue } from './catalogue.ts';
import type { SearchPath } from './catalogue.ts';
import { catalogueQuery, environmentQuery, toCatalogueRows } from './catalogue-query.ts';
import type { Epochs } from './epochs.ts';
import { catalogueMaxAge, catalogueRetry, maxEnvironments } from './limits.ts';
import { queryRows } from './origin-query.ts';

/** What a set of settings makes of a session. */
export interface Environment extends SearchPath {
  /** The settings themselves, as SQL that sets them. */
  readonly settings: string;
  /** Tells entries of these settings from others. */
  readonly id: number;
  /** Why texts cannot be understood under these settings. */
  readonly problem: string | undefined;
}

/** Encodings in which a byte below 128 is always the ASCII character: the lexer of the origin and ours agree. */
const safeEncoding = /^(?:UTF8|SQL_ASCII|LATIN\d+|ISO_8859_\d+|WIN\d+|KOI8[RU]|EUC_\w+|MULE_INTERNAL)$/;

export interface OriginKnowledgeOptions {
  pool: OriginPool;
  classifier: Classifier;
  epochs: Epochs;
  clock: Clock;
  /** User functions that are STABLE count as IMMUTABLE. */
  trustStable?: boolean;
}

export class OriginKnowledge {
  readonly #options: OriginKnowledgeOptions;
  #catalogue: Catalogue | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Grows when the schema may have changed; what was read before that is not kept. */
  #version = 0;
  #loading: Promise<void> | undefined;
  readonly #environments = new Map<string, Environment | Promise<void>>();
  #environmentIds = 0;
  /** Why the catalogue cannot be read. */
  failure: string | undefined;

  constructor(options: OriginKnowledgeOptions) {
    this.#options = options;
  }

  /** The catalogue, when it is known. Reads it when it is not, or is old. */
  get catalogue(): Catalogue | undefined {
    if (this.#loading === undefined) {
      const now = this.#options.clock.now();
      const isDue = this.#catalogue === undefined || now - this.#loadedAt >= catalogueMaxAge;
      if (isDue && now - this.#triedAt >= (this.failure === undefined ? 0 : catalogueRetry)) void this.load();
    }
    return this.#catalogue;
  }

  /** Resolves when the catalogue was read, or could not be. */
  load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** The schema changed, or may have. */
  invalidate(): void {
    this.#version += 1;
    this.#catalogue = undefined;
    this.#environments.clear();
  }

  /** A name was not found: DDL may have gone around the pooler. */
  doubt(): void {
    if (this.#loading === undefined && this.#options.clock.now() - this.#triedAt >= catalogueRetry) void this.load();
  }

  /** What settings make of a session, when that is known. Finds out when it is not. */
  environmentOf(settings: string): Environment | undefined {
    const known = this.#environments.get(settings);
    if (known === undefined) {
      if (this.#options.clock.now() - this.#triedAt >= (this.failure === undefined ? 0 : catalogueRetry)) {
        void this.loadEnvironment(settings);
        // It is asked for next, and takes longer.
        if (this.#catalogue === undefined) void this.load();
      }
      return undefined;
    }
    return known instanceof Promise ? undefined : known;
  }

  /** Resolves when settings are understood, or could not be. */
  async loadEnvironment(settings: string): Promise<void> {
    const known = this.#environments.get(settings);
    if (known !== undefined) {
      await known;
      return;
    }
    const oldest = this.#environments.size >= maxEnvironments ? this.#environments.keys().next().value : undefined;
    if (oldest !== undefined) this.#environments.delete(oldest);
    const reading = this.#readEnvironment(settings);
    this.#environments.set(settings, reading);
    await reading;
  }

  async #read(): Promise<void> {
    const { classifier, epochs, clock, trustStable = false } = this.#options;
    for (let version = -1; version !== this.#version;) {
      version = this.#version;
      this.#triedAt = clock.now();
      try {
        await classifier.load();
        const rows = await this.#query('', catalogueQuery);
        if (version !== this.#version) continue;
        this.#catalogue = new Catalogue(toCatalogueRows(rows), { classifier, epochs, trustStable });
        this.#loadedAt = clock.now();
        this.failure = undefined;
      } catch (error) {
        this.failure = (error as Error).message;
        return;
      }
    }
  }

  async #readEnvironment(settings: string): Promise<void> {
    const version = this.#version;
    try {
      const rows = await this.#query(settings, environmentQuery);
      const parameters = await this.#options.pool.parameters(settings);
      if (version !== this.#version) return;
      const path = JSON.parse(rows.find(([tag]) => tag === 'schemas')?.[1] ?? '[]') as string[];
      this.#environmentIds += 1;
      const problem = problemOf(parameters);
      const id = this.#environmentIds;
      this.#environments.set(settings, { settings, id, path, key: path.join('\0'), problem });
    } catch (error) {
      this.#triedAt = this.#options.clock.now();
      this.failure = (error as Error).message;
      if (version === this.#version) this.#environments.delete(settings);
    }
  }

  async #query(settings: string, query: string): Promise<string[][]> {
    const { pool, clock } = this.#options;
    const connection = await pool.acquire(settings);
    const { queryTimeout } = pool.limits;
    try {
      const rows = queryRows(connection, query);
      return await (queryTimeout > 0 ? within(queryTimeout, rows, clock) : rows);
    } finally {
      // One that failed in the middle is in a transaction still; one that runs still is closed either way.
      if (connection.tracker.status === 'I') pool.release(connection);
      else pool.reset(connection, '');
    }
  }
}

function problemOf(parameters: ReadonlyMap<string, string>): string | undefined {
  if (parameters.get('standard_conforming_strings') !== 'on') return 'standard_conforming_strings is off.';
  const encoding = parameters.get('client_encoding') ?? '';
  return safeEncoding.test(encoding) ? undefined : `Texts in the encoding ${encoding} cannot be read safely.`;
}
