// node-postgres through the pooler, what ../pooler.test.ts does not have: its pool, cursors, COPY streams, types.
import assert from 'node:assert/strict';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import { Pool } from 'pg';
import { from, to } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import { startSetup } from '../pooler-setup.ts';
import type { Setup } from '../pooler-setup.ts';

async function startDriven(t: TestScope): Promise<Setup & { pool: Pool }> {
  const setup = await startSetup(t, { pool: { maxConnections: 2 } });
  const pool = new Pool({ connectionString: setup.url, max: 5 });
  pool.on('error', () => {});
  t.after(() => pool.end());
  return { ...setup, pool };
}

test('pg: its pool, with named statements in and out of transactions', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pool, pooler } = await startDriven(t);
  await pool.query('create table t (n int)');
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query({ name: 'add', text: 'insert into t values ($1)', values: [n] });
        await client.query(n % 2 === 0 ? 'commit' : 'rollback');
      } finally {
        client.release();
      }
    }),
  );
  const { rows } = await pool.query<{ n: number }>({ name: 'all', text: 'select n from t order by n' });
  assert.deepEqual(
    rows.map(({ n }) => n),
    Array.from({ length: 10 }, (_, n) => n * 2),
  );
  assert.ok(pooler.status.connections <= 2);
});

test('pg-cursor: parts of a result, one cursor behind the other, and one given up early', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pool } = await startDriven(t);
  const client = await pool.connect();
  for (let round = 0; round < 3; round += 1) {
    const cursor = client.query(new Cursor<{ n: number }>('select n from generate_series(1, $1::int) n', [25]));
    const sizes: number[] = [];
    for (let rows = await cursor.read(10); rows.length > 0; rows = await cursor.read(10)) sizes.push(rows.length);
    assert.deepEqual(sizes, round === 1 ? [10, 10, 5] : [10, 10, 5]);
    const early = client.query(new Cursor<{ n: number }>('select n from generate_series(1, 100000) n'));
    assert.equal((await early.read(1))[0]!.n, 1);
    await early.close();
  }
  assert.equal((await client.query('select 1')).rowCount, 1);
  client.release();
});

test('pg-copy-streams: COPY in and out', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pool } = await startDriven(t);
  await pool.query('create table t (n int)');
  const client = await pool.connect();
  const rows = Array.from({ length: 20_000 }, (_, n) => `${n}\n`);
  await pipeline(Readable.from(rows), client.query(from('copy t from stdin')));
  const chunks: Buffer[] = [];
  for await (const chunk of client.query(to('copy (select n from t order by n) to stdout')))
    chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString(), rows.join(''));
  await assert.rejects(pipeline(Readable.from(['no number\n']), client.query(from('copy t from stdin'))), {
    code: '22P02',
  });
  assert.deepEqual((await client.query('select count(*)::int as n from t')).rows, [{ n: 20_000 }]);
  client.release();
});

test('pg: types, arrays, several results of one query, errors with all their fields', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pool } = await startDriven(t);
  const moment = new Date('2026-11-21T10:00:00.123Z');
  const values = [moment, { a: 1 }, [1, null, 3], Buffer.from([0, 255]), '12345678901234567890.5'];
  const { rows } = await pool.query(
    'select $1::timestamptz as moment, $2::jsonb as json, $3::int[] as list, $4::bytea as bytes, $5::numeric as long',
    values,
  );
  const [at, json, list, bytes, long] = values;
  assert.deepEqual(rows, [{ moment: at, json, list, bytes, long }]);
  const several = (await pool.query('select 1 as a; select 2 as b')) as unknown as { rows: unknown[] }[];
  assert.deepEqual(
    several.map((each) => each.rows),
    [[{ a: 1 }], [{ b: 2 }]],
  );
  await pool.query('create table t (n int constraint positive check (n > 0))');
  await assert.rejects(pool.query('insert into t values (-1)'), {
    code: '23514',
    table: 't',
    constraint: 'positive',
    schema: 'public',
    detail: 'Failing row contains (-1).',
  });
});

test('pg: large objects, in a transaction', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pool } = await startDriven(t);
  const client = await pool.connect();
  await client.query('begin');
  const { rows } = await client.query<{ oid: number }>('select lo_create(0) as oid');
  const { oid } = rows[0]!;
  await client.query('select lowrite(lo_open($1, 131072), $2)', [oid, Buffer.alloc(100_000, 7)]);
  await client.query('commit');
  const back = await pool.query<{ bytes: Buffer }>('select lo_get($1) as bytes', [oid]);
  assert.deepEqual(back.rows[0]!.bytes, Buffer.alloc(100_000, 7));
  client.release();
});
