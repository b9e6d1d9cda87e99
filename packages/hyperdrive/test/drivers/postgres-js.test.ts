// postgres.js through the pooler: a pool of its own against fewer origin connections, with and without prepared statements.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finished } from 'node:stream/promises';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import postgres from 'postgres';
import { startSetup } from '../pooler-setup.ts';
import type { Setup } from '../pooler-setup.ts';

interface Driven extends Setup {
  sql: postgres.Sql;
}

async function startDriven(t: TestScope, options: postgres.Options<Record<string, never>> = {}): Promise<Driven> {
  let sql: postgres.Sql | undefined;
  // Before what it connects to: one that listens connects again for as long as it is not ended.
  t.after(() => sql?.end({ timeout: 1 }));
  const setup = await startSetup(t, { pool: { maxConnections: 2 } });
  sql = postgres(setup.url, { max: 5, onnotice: () => {}, ...options });
  return { ...setup, sql };
}

for (const [title, options] of [
  ['prepared', { prepare: true, fetch_types: true }],
  ['prepared, without looking types up', { prepare: true, fetch_types: false }],
  // Parse and Describe come with one Sync, Bind and Execute with the next.
  ['not prepared', { prepare: false, fetch_types: false }],
] as const) {
  test(`postgres.js, ${title}: many queries at once have their own answers`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { sql, pooler } = await startDriven(t, options);
    for (let round = 0; round < 5; round += 1) {
      const asked = Array.from({ length: 40 }, (_, n) =>
        n % 2 === 0 ? sql`select ${n}::int as n` : sql`select ${`t${n}`}::text as n`,
      );
      const answers = await Promise.all(asked);
      assert.deepEqual(
        answers.map(([row]) => row!['n'] as unknown),
        answers.map((_, n) => (n % 2 === 0 ? n : `t${n}`)),
      );
    }
    assert.ok(pooler.status.connections <= 2);
    assert.deepEqual(pooler.status.pins, {});
  });

  test(`postgres.js, ${title}: transactions, savepoints and failures`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { sql } = await startDriven(t, options);
    await sql`create table t (n int primary key)`;
    const outcome = await sql.begin(async (inner) => {
      await inner`insert into t values (1)`;
      await assert.rejects(
        inner.savepoint((saved) => saved`insert into t values (1)`),
        { code: '23505' },
      );
      return inner`select n from t`;
    });
    assert.deepEqual([...outcome], [{ n: 1 }]);
    await assert.rejects(
      sql.begin(async (inner) => {
        await inner`insert into t values (2)`;
        throw new Error('enough');
      }),
      /enough/,
    );
    assert.deepEqual([...(await sql`select n from t`)], [{ n: 1 }]);
    await assert.rejects(sql`select * from nowhere`, { code: '42P01' });
    assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }]);
  });
}

test('postgres.js: types, and names of columns and tables', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { sql } = await startDriven(t);
  const moment = new Date('2026-11-21T10:00:00.123Z');
  const [row] = await sql`select ${moment}::timestamptz as moment, ${sql.json({ a: [1, null] })}::jsonb as json,
    ${[1, 2, 3]}::int[] as list, ${Buffer.from([0, 255])}::bytea as bytes, null::int as nothing, ${true}::bool as yes`;
  assert.deepEqual(row, {
    moment,
    json: { a: [1, null] },
    list: [1, 2, 3],
    bytes: Buffer.from([0, 255]),
    nothing: null,
    yes: true,
  });
});

test('postgres.js: a cursor takes a result in parts, and may stop', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { sql, pooler } = await startDriven(t);
  const sizes: number[] = [];
  for await (const rows of sql`select generate_series(1, 25) as n`.cursor(10)) sizes.push(rows.length);
  assert.deepEqual(sizes, [10, 10, 5]);
  for await (const rows of sql`select generate_series(1, 100000) as n`.cursor(10)) {
    assert.equal(rows[0]!['n'], 1);
    break;
  }
  await Promise.all(Array.from({ length: 20 }, () => sql`select 1`));
  assert.ok(pooler.status.connections <= 2);
});

test('postgres.js: COPY in and out as streams', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { sql } = await startDriven(t);
  await sql`create table t (n int, text text)`;
  const writable = await sql`copy t from stdin`.writable();
  for (let n = 0; n < 10_000; n += 1) writable.write(`${n}\trow ${n}\n`);
  writable.end();
  await finished(writable);
  const readable = await sql`copy (select n from t order by n) to stdout`.readable();
  const chunks: Buffer[] = [];
  for await (const chunk of readable) chunks.push(chunk as Buffer);
  const numbers = Buffer.concat(chunks).toString().trim().split('\n').map(Number);
  assert.deepEqual(
    numbers,
    Array.from({ length: 10_000 }, (_, n) => n),
  );
});

test('postgres.js: LISTEN hears what others notify, and goes on', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { sql, pooler } = await startDriven(t);
  const heard: string[] = [];
  let wake: (() => void) | undefined;
  const { unlisten } = await sql.listen('news', (payload) => {
    heard.push(payload);
    wake?.();
  });
  for (const payload of ['one', 'two']) {
    const told = new Promise<void>((resolve) => (wake = resolve));
    await sql.notify('news', payload);
    await told;
  }
  assert.deepEqual(heard, ['one', 'two']);
  assert.deepEqual(pooler.status.pins, { listen: 1 });
  await unlisten();
});

test('postgres.js: a query that is cancelled ends, and the next ones work', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { sql, direct } = await startDriven(t);
  const watcher = await direct();
  const query = sql`select pg_sleep(60)`;
  const cancelled = assert.rejects(query.execute(), { code: '57014' });
  while (
    (await watcher.query("select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'"))
      .rowCount === 0
  );
  query.cancel();
  await cancelled;
  assert.deepEqual([...(await sql`select 1 as one`)], [{ one: 1 }]);
});
