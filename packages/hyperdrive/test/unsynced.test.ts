// Requests that end in a Flush: their transaction is open until the Sync comes, and nobody else gets into it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
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

test('a statement that was only prepared gives nothing back that a function left a mark in', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  await (
    await direct()
  ).query(`create function login(who text) returns text language sql as
    $$ select set_config('app.user', who, false) $$`);
  const [raw, other] = [await connectRaw({ ...ownCredentials, port }), await client()];
  const prepare = [wire.toParse({ query: 'select 42 as n' }), wire.toDescribe('statement'), wire.toFlush()];
  raw.send(wire.toQuery("select login('raw')"), ...prepare);
  await raw.until(wire.Backend.ReadyForQuery);
  await raw.until(wire.Backend.RowDescription);
  const asked = other.query("select current_setting('app.user', true) as who");
  raw.send(wire.toSync());
  await raw.until(wire.Backend.ReadyForQuery);
  await raw.leave();
  assert.notEqual((await asked).rows[0].who, 'raw');
});

test('who leaves with requests that nothing flushes, or in the middle of a COPY, keeps no connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1, queryTimeout: 0 } });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const copy = [wire.toQuery('copy t from stdin'), wire.toCopyData(Buffer.from('1\n'))];
  for (const messages of [
    insert.slice(0, 1),
    insert.slice(0, -1),
    copy,
    [wire.toQuery('insert into t values (2)'), ...insert.slice(0, -1)],
    [wire.toParse({ query: 'copy t from stdin' }), wire.toBind({}), wire.toExecute(), wire.toSync(), copy[1]!],
  ]) {
    const raw = await connectRaw({ ...ownCredentials, port });
    raw.send(...messages);
    await raw.leave();
    const next = await client();
    await next.query('select 1');
    await next.end();
  }
  assert.deepEqual((await admin.query('select n from t')).rows, [{ n: 2 }]);
});

test('a Sync that a COPY swallowed ends no transaction', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct, pooler } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const [raw, other] = [await connectRaw({ ...ownCredentials, port }), await client()];
  raw.send(wire.toParse({ query: 'copy t from stdin' }), wire.toBind({}), wire.toExecute(), wire.toSync());
  await raw.until(wire.Backend.CopyInResponse);
  raw.send(wire.toCopyData(Buffer.from('1\n')), wire.toCopyDone(), wire.toFlush());
  await raw.until(wire.Backend.CommandComplete);
  const order: string[] = [];
  const failed = assert.rejects(other.query('select 1/0')).then(() => order.push('other'));
  while (pooler.status.waiting === 0 && order.length === 0) await new Promise((resolve) => setImmediate(resolve));
  raw.send(wire.toSync());
  await raw.until(wire.Backend.ReadyForQuery);
  await failed;
  assert.equal((await admin.query('select n from t')).rowCount, 1);
});

test('who says goodbye and does not read the last answer keeps no connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1, queryTimeout: 0 } });
  const [admin, next] = [await direct(), await client()];
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const { user, database } = ownCredentials;
  socket.write(wire.toStartupMessage({ user, database }));
  await once(socket, 'data');
  socket.pause();
  socket.write(
    Buffer.concat([wire.toQuery("select repeat('x', 1000) from generate_series(1, 100000)"), wire.toTerminate()]),
  );
  while ((await admin.query("select 1 from pg_stat_activity where wait_event = 'ClientWrite'")).rowCount === 0);
  socket.destroy();
  assert.equal((await next.query('select 1')).rowCount, 1);
});

test('who says goodbye while it waits gets everything carried out that it asked for', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, direct, pooler } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const [admin, holder] = [await direct(), await client()];
  await admin.query('create table t (n int)');
  for (const messages of [[wire.toQuery('insert into t values (1)')], insert.slice(0, -1)]) {
    await holder.query('begin');
    const raw = await connectRaw({ ...ownCredentials, port });
    raw.send(...messages, wire.toSync());
    await raw.leave();
    await holder.query('commit');
    while (pooler.status.clients > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await admin.query('select n from t')).rowCount, 2);
});

test("nobody gets another client's unnamed statement in place of one that an error skips", async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port, direct } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const [one, other] = [await connectRaw({ ...ownCredentials, port }), await connectRaw({ ...ownCredentials, port })];
  // From here on the catalogue is known, and no query of ours takes the statement away.
  one.send(wire.toQuery('select 1 + 1'));
  await one.until(wire.Backend.ReadyForQuery);
  const run = [wire.toBind({}), wire.toExecute(), wire.toSync()];
  const failing = wire.toExecute('nothing');
  for (const before of [[], [wire.toParse({ query: 'select 1' }), wire.toSync()]]) {
    other.send(...before);
    if (before.length > 0) await other.until(wire.Backend.ReadyForQuery);
    one.send(wire.toParse({ query: 'insert into t values (1)' }), wire.toSync());
    await one.until(wire.Backend.ReadyForQuery);
    const messages =
      before.length > 0
        ? [failing, ...run, ...run]
        : [failing, wire.toParse({ query: 'select 1' }), wire.toSync(), ...run];
    other.send(...messages);
    await other.until(wire.Backend.ReadyForQuery);
    const answers = (await other.until(wire.Backend.ReadyForQuery)).map((reply) => wire.parseBackend(reply).type);
    assert.deepEqual(answers, ['BindComplete', 'DataRow', 'CommandComplete', 'ReadyForQuery']);
  }
  assert.equal((await admin.query('select from t')).rowCount, 0);
});
