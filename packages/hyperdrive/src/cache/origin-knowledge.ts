// What is known of an origin, and getting to know it: its catalogue, and what names mean under a client's settings. Read
// over a connection of the pool, in the background; whoever asks before it is there is told that it is not.
import type { Classifier } from '../classify/classifier.ts';
import type { Clock } from '../clock.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { Catalogue } from './catalogue.ts';
import type { SearchPath } from './catalogue.ts';
import { catalogueQuery, environmentQuery, markQuery, toCatalogueRows } from './catalogue-query.ts';
import type { Epochs } from './epochs.ts';
import { catalogueCheck, catalogueMaxAge, catalogueRetry, doubtWindow, maxEnvironments } from './limits.ts';
import { CatalogueReader } from './catalogue-reader.ts';
import type { StatefulNames } from '../functions/stateful-names.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';

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
  /** What the origin's catalogue is told by, and when it was last looked at. */
  #mark: string | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #isChecking = false;
  #doubtUntil = Number.NEGATIVE_INFINITY;
  /** Grows when the schema may have changed; what was read before that is not kept. */
  #version = 0;
  #loading: Promise<void> | undefined;
  readonly #reader: CatalogueReader;
  /** Of the last catalogue, whether it is good still or not. */
  #stateful: StatefulNames | undefined;
  readonly #environments = new Map<string, Environment | Promise<void>>();
  #environmentIds = 0;
  /** Why the catalogue cannot be read. */
  failure: string | undefined;

  constructor(options: OriginKnowledgeOptions) {
    this.#options = options;
    this.#reader = new CatalogueReader(options.pool, options.clock);
  }

  /** The catalogue, when it is known. Reads it when it is not, or is old. */
  get catalogue(): Catalogue | undefined {
    if (this.#loading === undefined) {
      const now = this.#options.clock.now();
      const isDue = this.#catalogue === undefined || now - this.#loadedAt >= catalogueMaxAge;
      if (isDue && now - this.#triedAt >= (this.failure === undefined ? 0 : catalogueRetry)) void this.load();
      else if (now - this.#checkedAt >= (now < this.#doubtUntil ? catalogueCheck / 10 : catalogueCheck))
        this.#check(now);
    }
    return this.#catalogue;
  }

  /** DDL may go around the pooler, or its connection be lost before anybody hears of the commit. */
  #check(now: number): void {
    this.#checkedAt = now;
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { pool, clock } = this.#options;
    new CatalogueReader(pool, clock)
      .read('', markQuery)
      .then(
        ([mark]) => {
          if (mark?.[1] === this.#mark) return;
          // What is on a search path may have come or gone, too.
          this.#environments.clear();
          void this.load();
        },
        // The next one may go better.
        () => {},
      )
      .finally(() => (this.#isChecking = false));
  }

  /** What may leave something in a session, when that is known. Reads it again when it is old. */
  get stateful(): StatefulNames | undefined {
    if (this.#catalogue === undefined) return undefined;
    return this.catalogue && this.#stateful;
  }

  /** The same as of the last catalogue, good still or not. */
  get known(): StatefulNames | undefined {
    return this.#stateful;
  }

  /** Resolves when the catalogue was read, or could not be. */
  load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /**
   * The same over a connection that is idle and has no holder, as all others may be held by who waits for this. Resolves
   * when the connection is not used any more; at once when the last attempt failed a moment ago.
   */
  async learn(connection: OriginConnection): Promise<void> {
    if (this.failure !== undefined && this.#options.clock.now() - this.#triedAt < catalogueRetry) return;
    this.#reader.offer(connection);
    await this.load();
    this.#reader.withdraw(connection);
  }

  /** The schema changed, or may have; `isOpen`: or may do so yet, without anybody's hearing of it. */
  invalidate(isOpen = false): void {
    if (isOpen) this.#doubtUntil = this.#options.clock.now() + doubtWindow;
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
        const rows = await this.#reader.read('', catalogueQuery);
        if (version !== this.#version) continue;
        const catalogue = new Catalogue(toCatalogueRows(rows), { classifier, epochs, trustStable });
        this.#catalogue = catalogue;
        this.#mark = rows.find(([tag]) => tag === 'mark')?.[1];
        // The same object as long as it says the same.
        if (this.#stateful?.key !== catalogue.stateful.key) this.#stateful = catalogue.stateful;
        this.#loadedAt = this.#triedAt;
        this.#checkedAt = this.#triedAt;
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
      const rows = await new CatalogueReader(this.#options.pool, this.#options.clock).read(settings, environmentQuery);
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
}

function problemOf(parameters: ReadonlyMap<string, string>): string | undefined {
  if (parameters.get('standard_conforming_strings') !== 'on') return 'standard_conforming_strings is off.';
  const encoding = parameters.get('client_encoding') ?? '';
  return safeEncoding.test(encoding) ? undefined : `Texts in the encoding ${encoding} cannot be read safely.`;
}
