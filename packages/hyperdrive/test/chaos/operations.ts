// What the clients of a chaos run do, one operation after the other. Every answer is checked: it says by itself whether
// it is the right one.
import type { Client } from 'pg';
import { accounts, readTransfer, words } from './ledger.ts';
import type { Ledger } from './ledger.ts';

export interface Doing {
  client: Client;
  ledger: Ledger;
  /** A whole number from 0 up to, but not including, this. */
  random(below: number): number;
  /** Unlike any other of this run. */
  nextId(): string;
  /** Sends a CancelRequest for this client. */
  cancel(): Promise<void>;
}

/** An answer that cannot be right. */
export class WrongAnswer extends Error {}

function expect(isRight: boolean, what: string, got: unknown): void {
  if (!isRight) throw new WrongAnswer(`${what}: ${JSON.stringify(got)}`);
}

/** Errors that say the connection, or the database, is gone. */
export function isLoss(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) return /^Connection terminated|not queryable/.test(message);
  return ['08006', '57P01', '57P02', '57P03', '58000', 'ECONNRESET', 'EPIPE'].includes(code);
}

/** Moves an amount, and reads its own write before and after. */
async function transfer({ client, ledger, random, nextId }: Doing): Promise<void> {
  const id = nextId();
  const before = await client.query(readTransfer(id));
  expect(before.rowCount === 0, `transfer ${id} before it was made`, before.rows);
  const [source, target] = [1 + random(accounts), 1 + random(accounts)].sort((one, other) => one - other);
  const amount = 1 + random(100);
  let isCommitting = false;
  try {
    await client.query('begin');
    await client.query('update account set balance = balance - $2 where id = $1', [source, amount]);
    await client.query({
      name: 'add',
      text: 'update account set balance = balance + $2 where id = $1',
      values: [target, amount],
    });
    await client.query('insert into transfer values ($1, $2, $3, $4)', [id, source, target, amount]);
    if (random(10) === 0) {
      await client.query('rollback');
      ledger.record(id, 'refused');
      return;
    }
    isCommitting = true;
    const { command } = await client.query('commit');
    expect(command === 'COMMIT', `commit of ${id}`, command);
  } catch (error) {
    ledger.record(id, isCommitting ? 'unknown' : 'refused');
    throw error;
  }
  ledger.record(id, 'acknowledged');
  const after = await client.query(readTransfer(id));
  expect(after.rowCount === 1 && (after.rows[0] as { amount: number }).amount === amount, `own ${id}`, after.rows);
}

/** One statement that is its own transaction. */
async function insertAlone({ client, ledger, nextId }: Doing): Promise<void> {
  const id = nextId();
  await client.query(readTransfer(id));
  try {
    await client.query(`insert into transfer values ('${id}', 1, 1, 1)`);
  } catch (error) {
    ledger.record(id, 'unknown');
    throw error;
  }
  ledger.record(id, 'acknowledged');
}

async function readOthers({ client, ledger, random }: Doing): Promise<void> {
  if (ledger.readable.length === 0) return;
  // Mostly one of the newest: those are read again and again, just after they were written.
  const among = Math.min(ledger.readable.length, random(2) === 0 ? 10 : 10_000);
  const id = ledger.readable.at(-1 - random(among))!;
  const { rowCount, rows } = await client.query(readTransfer(id));
  expect(rowCount === 1, `acknowledged ${id}`, rows);
}

/** What was acknowledged to anybody before is counted, however the answer comes about. */
async function countAll({ client, ledger, random }: Doing): Promise<void> {
  const least = ledger.readable.length;
  const text = 'select count(*)::int as n from transfer';
  // Both protocols.
  const counted = await client.query<{ n: number }>(random(2) === 0 ? text : { text, values: [] });
  expect((counted.rows[0]?.n ?? 0) >= least, `at least ${least} transfers`, counted.rows);
  const sums = await client.query<{ sum: string }>('select sum(balance)::text as sum from account');
  expect(sums.rows[0]?.sum === '0', 'the sum of all balances', sums.rows);
}

async function readWord({ client, random }: Doing): Promise<void> {
  const id = 1 + random(words);
  const text = 'select word from word where id = $1';
  const queries = [
    { text: text.replace('$1', String(id)) },
    { text, values: [id] },
    { name: 'read-word', text, values: [id] },
  ];
  const { rows } = await client.query<{ word: string }>(queries[random(3)]!);
  expect(rows.length === 1 && rows[0]!.word === `word ${id}`, `word ${id}`, rows);
}

async function echo({ client, random, nextId }: Doing): Promise<void> {
  const mine = nextId();
  const shape = random(40);
  const queries = [
    { text: `select '${mine}' as mine, n * n as square from generate_series(1, ${shape}) n` },
    { text: `select $1::text as mine, n * n as square from generate_series(1, ${shape}) n`, values: [mine] },
    {
      name: `shape${shape}`,
      text: `select owner_of($1::text) as mine, n * n as square from generate_series(1, ${shape}) n`,
      values: [mine],
    },
  ];
  const { rows } = await client.query<{ mine: string; square: number }>(queries[random(3)]!);
  const isRight = rows.length === shape && rows.every((row, n) => row.mine === mine && row.square === (n + 1) ** 2);
  expect(isRight, `echo of ${mine}, ${shape} rows`, rows.slice(0, 3));
}

async function bigResult({ client, nextId }: Doing): Promise<void> {
  const mine = nextId();
  const text = `select '${mine}' || repeat('x', 10000) as big from generate_series(1, 100)`;
  const { rows } = await client.query<{ big: string }>(text);
  const isRight =
    rows.length === 100 && rows.every(({ big }) => big.startsWith(mine) && big.length === mine.length + 10_000);
  expect(isRight, `big result of ${mine}`, rows.length);
}

async function fail({ client, random }: Doing): Promise<void> {
  const cases = [
    ['select 1 / 0', '22012'],
    ['nonsense', '42601'],
    ['select * from nowhere', '42P01'],
    ["select 'x'::int", '22P02'],
  ] as const;
  const [text, code] = cases[random(cases.length)]!;
  const failure: unknown = await client.query(random(2) === 0 ? { text, values: [] } : text).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && isLoss(failure)) throw failure;
  expect((failure as { code?: string } | undefined)?.code === code, `error of ${text}`, failure);
}

/** State that stays with its client. */
async function keepState({ client, random }: Doing): Promise<void> {
  const key = 1 + random(1_000_000);
  await client.query(`select pg_advisory_lock(${key})`);
  await client.query(`set application_name = 'keeper ${key}'`);
  const { rows } = await client.query<{ name: string; n: number }>(
    `select current_setting('application_name') as name,
     (select count(*)::int from pg_locks where locktype = 'advisory' and objid = ${key} and pid = pg_backend_pid()) as n`,
  );
  expect(rows[0]?.name === `keeper ${key}` && rows[0].n === 1, `state of keeper ${key}`, rows);
  await client.query(`select pg_advisory_unlock(${key})`);
}

async function cancelOwn({ client, cancel }: Doing): Promise<void> {
  const asked = client.query('select pg_sleep(5)').then(
    () => undefined,
    (error: unknown) => error,
  );
  await cancel();
  const failure = await asked;
  if (failure !== undefined && isLoss(failure)) throw failure;
  // A cancel that comes before the query reached the database may do nothing.
  expect(failure === undefined || (failure as { code?: string }).code === '57014', 'a cancelled query', failure);
}

/** Leaves without a word, in the middle of a transaction or of a query. */
async function leaveRudely({ client, random, nextId, ledger }: Doing): Promise<void> {
  const id = nextId();
  await client.query('begin');
  await client.query('insert into transfer values ($1, 1, 1, 1)', [id]);
  ledger.record(id, 'refused');
  if (random(2) === 0) void client.query('select pg_sleep(5)').catch(() => {});
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  stream.destroy();
  throw Object.assign(new Error('Connection terminated'), { code: undefined });
}

export type Operation = (doing: Doing) => Promise<void>;

/** How many clients there are of each kind, and what they do. */
export const kinds: Readonly<Record<string, { clients: number; operations: readonly Operation[] }>> = {
  bank: { clients: 8, operations: [transfer, transfer, insertAlone, readOthers, countAll] },
  reader: { clients: 8, operations: [readOthers, readWord, readWord, countAll, countAll, echo, echo, bigResult, fail] },
  keeper: { clients: 1, operations: [keepState, echo] },
  canceller: { clients: 1, operations: [cancelOwn, echo] },
  rude: { clients: 2, operations: [leaveRudely, echo] },
};
