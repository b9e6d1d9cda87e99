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

export function openDatabase(file: string): SqlDatabase {
  const database = new Libsql(file, { timeout: busyTimeout });
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
