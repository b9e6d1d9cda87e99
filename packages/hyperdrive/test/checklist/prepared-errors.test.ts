// PgBouncer's test_prepared: errors, and how requests are cut into pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startFaultProxy, use } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { dialTcp } from '../dial.ts';
import { ask, execute, prepare, startRawSetup } from './kit.ts';

const answered = (value: number): string[] => ['2', `D ${value}`, 'C SELECT 1', 'Z I'];

test('pipeline_error: an error ends its pipeline, and the next one works', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  await ask(client, [prepare('good', 'select $1::int'), prepare('bad', 'select 1 / $1::int'), wire.toSync()]);
  // Bind plans, and finds the division by zero.
  const pipeline = [
    ...execute('good', { parameters: ['1'], sync: false }),
    ...execute('bad', { parameters: ['0'], sync: false }),
    ...execute('good', { parameters: ['2'] }),
  ];
  assert.deepEqual(await ask(client, pipeline), ['2', 'D 1', 'C SELECT 1', 'E 22012', 'Z I']);
  assert.deepEqual(await ask(client, execute('good', { parameters: ['3'] })), answered(3));
});

test('pipeline_error_delayed_sync: what comes between the error and its Sync is skipped, however late', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [client, other] = [await raw(), await raw()];
  client.send(prepare('a', 'nonsense'), wire.toFlush());
  await client.until(wire.Backend.ErrorResponse);
  // Nobody else may have the connection: to it, everything up to the Sync is the first client's.
  const waits = ask(other, [prepare('', 'select 2'), ...execute('')]);
  client.send(prepare('b', 'select 3'));
  client.send(...execute('b', { sync: false }), wire.toFlush());
  assert.deepEqual(await ask(client, [wire.toSync()]), ['Z I']);
  assert.deepEqual(await waits, ['1', ...answered(2)]);
  assert.deepEqual(await ask(client, execute('b')), ['E 26000', 'Z I']);
  assert.deepEqual(await ask(client, [prepare('b', 'select 3'), ...execute('b')]), ['1', ...answered(3)]);
  assert.equal(pooler.status.connections, 1);
});

test('failed_prepare: what could not be prepared can be, once its table is there', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, direct } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  const query = 'select count(*) from later';
  assert.deepEqual(await ask(client, [prepare('a', query), wire.toSync()]), ['E 42P01', 'Z I']);
  assert.deepEqual(await ask(client, execute('a')), ['E 26000', 'Z I']);
  await (await direct()).query('create table later (n int)');
  assert.deepEqual(await ask(client, [prepare('a', query), wire.toSync()]), ['1', 'Z I']);
  assert.deepEqual(await ask(client, execute('a')), answered(0));
});

test('failed_prepare_pipeline: the same, where use and preparation are one pipeline', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, direct } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  const pipeline = [prepare('ok', 'select 1'), prepare('a', 'select count(*) from later'), ...execute('a')];
  assert.deepEqual(await ask(client, pipeline), ['1', 'E 42P01', 'Z I']);
  assert.deepEqual(await ask(client, execute('ok')), answered(1));
  await (await direct()).query('create table later (n int)');
  const again = [prepare('a', 'select count(*) from later'), ...execute('a')];
  assert.deepEqual(await ask(client, again), ['1', ...answered(0)]);
});

test('disallow_name_reuse: a name that is taken is refused, and keeps what it means', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  await ask(client, [prepare('a', 'select 1'), wire.toSync()]);
  for (const query of ['select 1', 'select 2']) {
    assert.deepEqual(await ask(client, [prepare('a', query), wire.toSync()]), ['E 42P05', 'Z I']);
  }
  assert.deepEqual(await ask(client, execute('a')), answered(1));
});

for (const [title, sizes] of [
  ['pipeline_with_half_pkt_buf_prepare: two Parses of half a buffer each', [32_760, 32_760]],
  ['pipeline_flushes_on_full_pkt_buf: a Parse as big as the buffer behind a tiny one', [10, 65_536 - 7]],
] as const) {
  test(title, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
    const client = await raw();
    const messages = sizes.map((size, index) => {
      const around = `select length('')`.length;
      return prepare(`s${index}`, `select length('${'x'.repeat(Math.max(0, size - around))}')`);
    });
    const uses = sizes.flatMap((_, index) => execute(`s${index}`, { sync: false }));
    const answers = await ask(client, [...messages, ...uses, wire.toSync()]);
    assert.equal(answers.filter((answer) => answer.startsWith('D')).length, sizes.length);
    assert.deepEqual(answers.slice(0, 2), ['1', '1']);
  });
}

test('Requests that come byte by byte are what they are', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const client = await raw();
  const bytes = Buffer.concat([prepare('slow', 'select $1::int'), ...execute('slow', { parameters: ['7'] })]);
  const answers = ask(client, []);
  for (const byte of bytes) {
    client.send(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await answers, ['1', ...answered(7)]);
});

test('pause_before_last_sync: a connection stays while a Parse behind the last Sync is on its way', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [client, other] = [await raw(), await raw()];
  // What Npgsql does: the next Parse comes with the Sync of the last, its own Sync later.
  const first = await ask(client, [prepare('', 'select 1'), ...execute(''), prepare('next', 'select 2')]);
  assert.deepEqual(first, ['1', ...answered(1)]);
  const waits = ask(other, [prepare('', 'select 3'), ...execute('')]);
  assert.deepEqual(await ask(client, execute('next')), ['1', ...answered(2)]);
  assert.deepEqual(await waits, ['1', ...answered(3)]);
});

test('pipeline_latency: requests in a pipeline wait for the line once, not each', async (t) => {
  if (!needs(t, 'postgres')) return;
  let port = 0;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
  const { raw, server } = await startRawSetup(t, { pool: { maxConnections: 1 }, origin: { dial } });
  const proxy = await use(t, startFaultProxy(server));
  port = proxy.port;
  const client = await raw();
  await ask(client, [prepare('a', 'select 1'), wire.toSync()]);
  proxy.set({ delay: 250 });
  const startedAt = performance.now();
  const seven = Array.from({ length: 7 }, () => execute('a')).flat();
  const answers = await ask(client, seven, 7);
  assert.deepEqual(answers, Array.from({ length: 7 }, () => answered(1)).flat());
  const took = performance.now() - startedAt;
  assert.ok(took >= 450 && took < 1_500, `${took} ms`);
});

test('counters: one text, however many clients prepare it, until the last of them leaves', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await raw(), await raw()];
  for (const client of [one, other]) {
    await ask(client, [prepare('a', 'select 1'), prepare('b', 'select 1'), wire.toSync()]);
  }
  assert.equal(pooler.status.statements, 1);
  await ask(one, [prepare('c', 'select 2'), wire.toSync()]);
  assert.equal(pooler.status.statements, 2);
  await one.leave();
  assert.equal(pooler.status.statements, 1);
  await other.leave();
  assert.equal(pooler.status.statements, 0);
});
