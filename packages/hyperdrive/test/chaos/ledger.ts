// What clients were told of their transfers, and whether the database says the same when all is over.
import type { Client } from 'pg';

export const accounts = 20;
/** Rows of a table that nobody writes to: what is read of it may come from the cache for as long as that likes. */
export const words = 50;

/**
 * - `acknowledged`: the client read COMMIT; it must be there.
 * - `refused`: the client was told of an error before it asked for the commit; it must not be there.
 * - `unknown`: the connection was lost in the commit; it may be there or not, but always the same.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

export class Ledger {
  readonly outcomes = new Map<string, Outcome>();
  /** Acknowledged ids, for others to read. */
  readonly readable: string[] = [];

  record(id: string, outcome: Outcome): void {
    this.outcomes.set(id, outcome);
    if (outcome === 'acknowledged') this.readable.push(id);
  }

  count(outcome: Outcome): number {
    let count = 0;
    for (const each of this.outcomes.values()) count += Number(each === outcome);
    return count;
  }
}

export async function createLedger(database: Client): Promise<void> {
  await database.query(`
    create table account (id int primary key, balance bigint not null);
    insert into account select n, 0 from generate_series(1, ${accounts}) n;
    create table transfer (id text primary key, source int not null, target int not null, amount int not null);
    create table word as select n as id, 'word ' || n as word from generate_series(1, ${words}) n;
    create function owner_of(text) returns text language sql immutable as 'select $1'`);
}

export interface Verdict {
  /** Acknowledged, and not there. */
  lost: string[];
  /** Refused, and there; sums that do not fit; the pooler tells something else than the database. */
  wrong: string[];
}

/** Compares with the database itself, and what the pooler tells with what the database tells. */
export async function verifyLedger(ledger: Ledger, database: Client, pooled: Client): Promise<Verdict> {
  const { rows } = await database.query<{ id: string }>('select id from transfer');
  const present = new Set(rows.map(({ id }) => id));
  const verdict: Verdict = { lost: [], wrong: [] };
  for (const [id, outcome] of ledger.outcomes) {
    if (outcome === 'acknowledged' && !present.has(id)) verdict.lost.push(id);
    if (outcome === 'refused' && present.has(id)) verdict.wrong.push(`${id} was refused, and is there`);
  }
  for (const id of present) if (!ledger.outcomes.has(id)) verdict.wrong.push(`${id} was never asked for`);
  const differing = await database.query<{ id: number }>(`
    select a.id from account a
    where balance <> coalesce((select sum(amount) from transfer where target = a.id), 0)
                   - coalesce((select sum(amount) from transfer where source = a.id), 0)`);
  for (const { id } of differing.rows)
    verdict.wrong.push(`the balance of account ${id} is not the sum of its transfers`);
  for (const [id, outcome] of ledger.outcomes) {
    if (outcome === 'acknowledged') continue;
    const through = await pooled.query(readTransfer(id));
    if ((through.rowCount === 1) !== present.has(id))
      verdict.wrong.push(`${id}: the pooler says ${through.rowCount} rows`);
  }
  return verdict;
}

export function readTransfer(id: string): { name: string; text: string; values: string[] } {
  return { name: 'read-transfer', text: 'select amount from transfer where id = $1', values: [id] };
}
