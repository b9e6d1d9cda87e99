// The embedded driver: one SQLite file, any number of processes on one machine.
//
// Documents and the history of changes are written in one transaction, so a crash leaves both or neither. Writers in
// this process wake watches at once; those in others are found by polling, because SQLite tells nobody.
import { chmodSync, closeSync, openSync } from 'node:fs';
import { systemClock, type Clock } from '../clock.ts';
import { checkKey, toText } from '../document.ts';
import { ControlError } from '../errors.ts';
import {
  type ControlDocument,
  type ControlEvent,
  type ControlStore,
  type Json,
  presencePrefix,
  type WatchOptions,
} from '../store.ts';
import { openDatabase, type SqlDatabase, type SqlValue } from './database.ts';

export interface SqliteStoreOptions {
  file: string;
  clock?: Clock;
  /** How often a watch looks for what other processes wrote, in milliseconds. */
  pollInterval?: number;
  /** Changes kept for watches that resume, at least; of each presence key only the newest counts. */
  history?: number;
}

/** Most changes between two trims of the history. */
const trimInterval = 64;

/** Events a watch reads at a time. */
const batchSize = 256;

const schema = `
  CREATE TABLE IF NOT EXISTS document (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS event (
    revision INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, value TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS event_key ON event (key);
  CREATE TABLE IF NOT EXISTS compaction (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO compaction SELECT 1, coalesce(min(revision), 1) - 1 FROM event;
`;

/** Opens or creates the file, readable by its owner only. */
export function startSqliteStore(options: SqliteStoreOptions): ControlStore {
  try {
    closeSync(openSync(options.file, 'a', 0o600));
    chmodSync(options.file, 0o600);
    const database = openDatabase(options.file);
    database.exec('PRAGMA synchronous = FULL');
    database.write(() => database.exec(schema));
    return new SqliteStore(database, options);
  } catch (error) {
    throw new ControlError('store_failed', `${options.file} could not be opened`, { cause: error });
  }
}

class SqliteStore implements ControlStore {
  readonly #database: SqlDatabase;
  readonly #clock: Clock;
  readonly #pollInterval: number;
  readonly #history: number;
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(database: SqlDatabase, options: SqliteStoreOptions) {
    const { clock = systemClock, pollInterval = 100, history = 10_000 } = options;
    this.#database = database;
    this.#clock = clock;
    this.#pollInterval = pollInterval;
    this.#history = history;
  }

  async get(key: string): Promise<ControlDocument | undefined> {
    checkKey(key);
    return this.#run((database) => {
      const [row] = database.all('SELECT key, value, revision FROM document WHERE key = ?', [key]);
      return row && toDocument(row);
    });
  }

  async list(prefix: string): Promise<ControlDocument[]> {
    return this.#run((database) =>
      database
        .all('SELECT key, value, revision FROM document WHERE substr(key, 1, ?) = ? ORDER BY key', [
          prefix.length,
          prefix,
        ])
        .map(toDocument),
    );
  }

  async revision(): Promise<number> {
    return this.#run(newestRevision);
  }

  async put(key: string, value: Json, { revision }: { revision: number }): Promise<ControlDocument> {
    checkKey(key);
    const text = toText(key, value);
    const written = this.#write(key, revision, text);
    return { key, value: JSON.parse(text) as Json, revision: written };
  }

  async delete(key: string, { revision }: { revision: number }): Promise<number> {
    checkKey(key);
    if (revision === 0) throw new ControlError('revision_conflict', `${key} cannot be deleted as absent`);
    return this.#write(key, revision, null);
  }

  async *watch({ prefix = '', after, signal }: WatchOptions): AsyncGenerator<ControlEvent> {
    let last = after;
    const ended = (): boolean => this.#closed || signal?.aborted === true;
    while (!ended()) {
      const rows = this.#run((database) => eventsAfter(database, last));
      for (const row of rows) {
        last = Number(row['revision']);
        if (String(row['key']).startsWith(prefix)) yield toEvent(row);
        if (ended()) return;
      }
      if (rows.length < batchSize) await this.#change(signal);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    this.#database.close();
  }

  #write(key: string, expected: number, text: string | null): number {
    const revision = this.#run((database) =>
      database.write(() => {
        const [row] = database.all('SELECT revision FROM document WHERE key = ?', [key]);
        const found = Number(row?.['revision'] ?? 0);
        if (found !== expected) {
          throw new ControlError('revision_conflict', `${key} has revision ${found}, not ${expected}`);
        }
        const [event] = database.all('INSERT INTO event (key, value) VALUES (?, ?) RETURNING revision', [key, text]);
        const written = Number(event?.['revision']);
        if (text === null) database.all('DELETE FROM document WHERE key = ? RETURNING key', [key]);
        else {
          const upsert = `INSERT INTO document (key, value, revision) VALUES (?, ?, ?) ON CONFLICT (key)
            DO UPDATE SET value = excluded.value, revision = excluded.revision RETURNING key`;
          database.all(upsert, [key, text, written]);
        }
        if (key.startsWith(presencePrefix)) {
          database.all('DELETE FROM event WHERE key = ? AND revision < ? RETURNING revision', [key, written]);
        }
        const interval = Math.min(trimInterval, Math.max(1, Math.floor(this.#history / 100)));
        if (written % interval === 0) trim(database, this.#history);
        return written;
      }),
    );
    this.#wake();
    return revision;
  }

  #run<Result>(body: (database: SqlDatabase) => Result): Result {
    if (this.#closed) throw new ControlError('store_closed', 'no further calls are possible');
    try {
      return body(this.#database);
    } catch (error) {
      if (error instanceof ControlError) throw error;
      throw new ControlError('store_failed', (error as Error).message, { cause: error });
    }
  }

  /** Until something may have changed: a write here, time to look again, the end of the watch. */
  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(this.#pollInterval, done);
      this.#waiting.add(done);
      signal?.addEventListener('abort', done);
      if (this.#closed || signal?.aborted === true) done();
    });
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }
}

function eventsAfter(database: SqlDatabase, last: number): Record<string, SqlValue>[] {
  const compacted = Number(database.all('SELECT revision FROM compaction')[0]?.['revision'] ?? 0);
  if (last !== 0 && last < compacted) {
    throw new ControlError('revision_compacted', `after ${last}, but changes up to ${compacted} are gone`);
  }
  const query = 'SELECT revision, key, value FROM event WHERE revision > ? ORDER BY revision LIMIT ?';
  return database.all(query, [last, batchSize]);
}

/** Forgets all but the newest changes, and remembers up to where. */
function trim(database: SqlDatabase, history: number): void {
  const query = 'SELECT revision FROM event ORDER BY revision DESC LIMIT 1 OFFSET ?';
  const newest = database.all(query, [history])[0]?.['revision'];
  if (newest === undefined) return;
  database.all('DELETE FROM event WHERE revision <= ? RETURNING revision', [newest]);
  database.all('UPDATE compaction SET revision = ? RETURNING id', [newest]);
}

/** From SQLite's own counter, which outlives trimmed history. */
function newestRevision(database: SqlDatabase): number {
  return Number(database.all("SELECT seq FROM sqlite_sequence WHERE name = 'event'")[0]?.['seq'] ?? 0);
}

function toDocument(row: Record<string, SqlValue>): ControlDocument {
  return {
    key: String(row['key']),
    value: JSON.parse(String(row['value'])) as Json,
    revision: Number(row['revision']),
  };
}

function toEvent(row: Record<string, SqlValue>): ControlEvent {
  const { key, revision } = { key: String(row['key']), revision: Number(row['revision']) };
  if (row['value'] === null) return { type: 'delete', key, revision };
  return { type: 'put', key, revision, value: JSON.parse(String(row['value'])) as Json };
}
