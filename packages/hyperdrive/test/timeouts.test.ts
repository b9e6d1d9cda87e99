// What takes too long ends with an error that says so, and costs its client no more than it has to.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { messageTimeout } from '../src/limits.ts';
import { ManualClock } from './manual-clock.ts';
import { connectRaw } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

test('A statement past the query timeout is cancelled, and its client goes on', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 1, queryTimeout: 200 } });
  const one = await client();
  await assert.rejects(one.query('select pg_sleep(60)'), {
    code: '57014',
    severity: 'ERROR',
    message: "canceling statement due to the pool's query timeout of 200 ms",
    hint: /raise the query timeout/,
  });
  assert.equal((await one.query('select 1')).rowCount, 1);
  await one.query('begin');
  await assert.rejects(one.query('select pg_sleep(60)'), { code: '57014' });
  await assert.rejects(one.query('select 1'), { code: '25P02' });
  await one.query('rollback');
  assert.equal((await one.query('select 1')).rowCount, 1);
  assert.equal(pooler.status.connections, 1);
  assert.deepEqual(pooler.metrics.errors, { query_timeout: 2 });
});

test('What the client itself cancels has its own error', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct } = await startSetup(t, { pool: { maxConnections: 2, queryTimeout: 60_000 } });
  const [one, admin] = [await client(), await direct()];
  const query = 'select pg_sleep(60)';
  const cancelled = assert.rejects(one.query(query), { code: '57014', message: /user request/ });
  const cancel = "select pg_cancel_backend(pid) from pg_stat_activity where state = 'active' and query = $1";
  while ((await admin.query(cancel, [query])).rowCount === 0);
  await cancelled;
});

test('Many short statements in a pipeline are no long one', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1, queryTimeout: 300 } });
  const client = await connectRaw({ ...ownCredentials, port });
  t.after(() => client.close());
  client.send(...Array.from({ length: 8 }, () => wire.toQuery('select pg_sleep(0.1)')));
  for (let answered = 0; answered < 8; answered += 1) {
    const answer = await client.until(wire.Backend.ReadyForQuery);
    assert.equal(answer.filter(([type]) => type === wire.Backend.ErrorResponse).length, 0);
  }
});

test('Many short parts of a cursor are no long statement', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1, queryTimeout: 300 } });
  const client = await connectRaw({ ...ownCredentials, port });
  t.after(() => client.close());
  client.send(wire.toParse({ query: 'select pg_sleep(0.1) from generate_series(1, 8)' }), wire.toBind({}));
  for (let part = 0; part < 8; part += 1) client.send(wire.toExecute('', 1), wire.toFlush());
  client.send(wire.toSync());
  const answer = await client.until(wire.Backend.ReadyForQuery);
  assert.equal(answer.filter(([type]) => type === wire.Backend.PortalSuspended).length, 8);
});

test('Requests that nobody flushes are answered in the end, and are no long statement', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const queryTimeout = 5_000;
  const { port, direct, pooler } = await startSetup(t, {
    auth: 'trust',
    clock,
    pool: { maxConnections: 1, queryTimeout },
  });
  const admin = await direct();
  await admin.query('create table t (n int)');
  const client = await connectRaw({ ...ownCredentials, port });
  t.after(() => client.close());
  const run = [wire.toParse({ query: 'insert into t values (1)' }), wire.toBind({}), wire.toExecute()];
  client.send(...run, wire.toFlush());
  await client.until(wire.Backend.CommandComplete);
  for (let part = 0; part < 3; part += 1) {
    const { clientBytesIn } = pooler.metrics;
    client.send(...run);
    const answer = client.until(wire.Backend.CommandComplete);
    while (pooler.metrics.clientBytesIn === clientBytesIn) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
    clock.advance(queryTimeout);
    assert.equal((await answer).length, 3);
  }
  client.send(wire.toSync());
  await client.until(wire.Backend.ReadyForQuery);
  assert.equal((await admin.query('select from t')).rowCount, 4);
  assert.deepEqual(pooler.metrics.errors, {});
});

test('A transaction that sleeps is ended when that is asked for, and rolled back', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, {
    pool: { maxConnections: 1, idleInTransactionTimeout: 100, queryTimeout: 0 },
  });
  const [one, other] = [await client(), await client()];
  await one.query('create table t (n int)');
  const ended = once(one, 'error') as Promise<[{ code: string }]>;
  await one.query('begin');
  await one.query('insert into t values (1)');
  assert.equal((await other.query('select * from t')).rowCount, 0);
  assert.equal((await ended)[0].code, '25P03');
  assert.equal(pooler.status.connections, 1);
});

test('Who stops in the middle of a long message is ended, and holds no connection for longer', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { port, pooler } = await startSetup(t, {
    auth: 'trust',
    clock,
    pool: { maxConnections: 1, acquireTimeout: 600_000 },
  });
  const [stalled, other] = [
    await connectRaw({ ...ownCredentials, port }),
    await connectRaw({ ...ownCredentials, port }),
  ];
  t.after(() => other.close());
  const message = wire.toParse({ query: `select length('${'x'.repeat(200_000)}')` });
  stalled.send(message.subarray(0, 100_000));
  while (pooler.status.clientStates.linked !== 1) await new Promise((resolve) => setImmediate(resolve));
  other.send(wire.toQuery('select 1'));
  const errors = stalled.until(wire.Backend.ErrorResponse);
  while (pooler.metrics.errors['message_stalled'] === undefined) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(clock.now() >= messageTimeout);
  assert.equal(wire.sqlstateOf((await errors).at(-1)!), '08006');
  assert.ok((await other.until(wire.Backend.ReadyForQuery)).some(([type]) => type === wire.Backend.DataRow));
});

test('Who gets no connection in time keeps its session when its request is whole', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1, acquireTimeout: 500 } });
  const [holder, waiting] = [await client(), await client()];
  const raw = await connectRaw({ ...ownCredentials, port });
  t.after(() => raw.close());
  await holder.query('begin');
  const refusal = { code: '58000', severity: 'ERROR', message: 'Failed to acquire a connection from the pool.' };
  await assert.rejects(waiting.query('select 1'), refusal);
  await assert.rejects(waiting.query({ name: 'p', text: 'select $1::int', values: [1] }), refusal);
  // Two requests at once: after an error in the first, nobody knows what the second relies on.
  raw.send(wire.toQuery('begin'), wire.toQuery('select 1'));
  const [error] = await raw.until(wire.Backend.ErrorResponse);
  assert.equal(wire.parseReport(error!).severity, 'FATAL');
  await holder.query('commit');
  assert.equal((await waiting.query({ name: 'p', text: 'select $1::int', values: [1] })).rowCount, 1);
});
