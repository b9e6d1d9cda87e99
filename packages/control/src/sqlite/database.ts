// The few calls this package makes of SQLite, over libsql: the one file that knows the library.
import Libsql from 'libsql';

export type SqlValue = string | number | null;

export interface SqlDatabase {
  exec: (sql: string) => void;
  all: (sql: string, values?: readonly SqlValue[]) => Record<string, SqlValue>[];
  /** Runs in a transaction that has the write lock from its start, so that no other process comes between. */
  write: <Result>(body: () => Result) => Result;
  close: () => void;
}

/** How long a writer waits for another process, in milliseconds. */
const busyTimeout = 10_000;
/** Between tries of what SQLite itself does not wait for, in milliseconds. */
const retryInterval = 5;

/** Opens or creates a database in WAL mode. */
export function openDatabase(file: string): SqlDatabase {
  const database = new Libsql(file, { timeout: busyTimeout });
  // Going over to WAL takes the whole file, and SQLite refuses at once when another process has just opened it.
  insist(() => void database.exec('PRAGMA journal_mode = WAL'));
  const statements = new Map<string, Libsql.Statement>();
  const prepare = (sql: string): Libsql.Statement => {
    const known = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  return {
    exec: (sql) => void database.exec(sql),
    all: (sql, values = []) => prepare(sql).all(...values) as Record<string, SqlValue>[],
    write: (body) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = body();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => void database.close(),
  };
}

/** Tries again while other processes are in the way, within the time a writer waits. Blocks, as SQLite's waiting does. */
function insist(body: () => void): void {
  const deadline = performance.now() + busyTimeout;
  for (;;) {
    try {
      body();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryInterval);
    }
  }
}

/** Also with what SQLite adds, as in `SQLITE_BUSY_RECOVERY`. */
function isBusy(error: unknown): boolean {
  return (error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true;
}
