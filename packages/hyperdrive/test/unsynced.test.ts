// Requests that end in a Flush: their transaction is open until the Sync comes, and nobody else gets into it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import Cursor from 'pg-cursor';
import * as wire from '@sallyport/postgres-wire';
import { ownCredentials, startSetup } from './pooler-setup.ts';
import { connectRaw } from './raw-client.ts';
import { ManualClock } from './manual-clock.ts';

const insert = [wire.toParse({ query: 'insert into t values (1)' }), wire.toBind({}), wire.toExecute(), wire.toFlush()];

test('a cursor keeps its connection while others wait', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await client(), await client()];
  const cursor = one.query(new Cursor<{ n: number }>('select n from generate_series(1, 25) n'));
  assert.equal((await cursor.read(10)).length, 10);
  const order: string[] = [];
  const asked = other.query('select 1').then(() => order.push('other'));
  while (pooler.status.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await cursor.read(10))[0]!.n, 11);
  order.push('cursor');
  await cursor.close();
  await asked;
  assert.deepEqual(order, ['cursor', 'other']);
});

test('who leaves before the Sync leaves nothing behind', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const raw = await connectRaw({ ...ownCredentials, port });
  raw.send(...insert);
  while ((await admin.query("select 1 from pg_locks where relation = 't'::regclass")).rowCount === 0);
  await raw.leave();
  assert.equal((await (await client()).query('select n from t')).rowCount, 0);
});

test('who never sends the Sync is ended as one that is idle in a transaction', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const idleInTransactionTimeout = 5_000;
  const { client, port, direct } = await startSetup(t, {
    auth: 'trust',
    clock,
    pool: { maxConnections: 1, idleInTransactionTimeout },
  });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const raw = await connectRaw({ ...ownCredentials, port });
  raw.send(...insert);
  while ((await admin.query("select 1 from pg_locks where relation = 't'::regclass")).rowCount === 0);
  const asked = (await client()).query('select n from t');
  const ended = raw.until(wire.Backend.ErrorResponse);
  for (let passed = 0; passed <= 2 * idleInTransactionTimeout; passed += 500) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const last = wire.parseBackend((await ended).at(-1)!);
  assert.equal(last.type === 'ErrorResponse' && last.report.sqlstate, '25P03');
  assert.equal((await asked).rowCount, 0);
});

test('a statement that was only prepared and described keeps no connection, and its Bind may come over another', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, pooler } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const raw = await connectRaw({ ...ownCredentials, port });
  raw.send(wire.toParse({ query: 'select 42 as n' }), wire.toDescribe('statement'), wire.toFlush());
  await raw.until(wire.Backend.RowDescription);
  const other = await client();
  assert.equal((await other.query({ text: 'select $1::int as n', values: [7] })).rows[0].n, 7);
  raw.send(wire.toBind({}), wire.toExecute(), wire.toSync());
  const answers = (await raw.until(wire.Backend.ReadyForQuery)).map((reply) => wire.parseBackend(reply).type);
  assert.deepEqual(answers, ['BindComplete', 'DataRow', 'CommandComplete', 'ReadyForQuery']);
  assert.equal(pooler.status.connections, 1);
});
