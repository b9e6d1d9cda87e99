// PgBouncer's test_cancel: a CancelRequest ends the query it is meant for, and no other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startFaultProxy, use } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { dialTcp } from '../dial.ts';
import { ManualClock } from '../manual-clock.ts';
import { cancelRaw } from '../raw-client.ts';
import { ask, prepare, startRawSetup, untilRunning } from './kit.ts';

const sleep = (seconds: number): Buffer => wire.toQuery(`select pg_sleep(${seconds})`);
const slept = ['T', 'D ', 'C SELECT 1', 'Z I'];
const cancelled = ['T', 'E 57014', 'Z I'];

test('cancel: a running query ends, and its client goes on', async (t) => {
  if (!needs(t, 'postgres')) return;
  // No time goes by: a cancel that waited for more than the server's word would hold its connection for ever.
  const { raw, direct, port } = await startRawSetup(t, { pool: { maxConnections: 1 }, clock: new ManualClock() });
  const [client, watcher] = [await raw(), await direct()];
  for (const messages of [
    [sleep(60)],
    [prepare('', 'select pg_sleep(60)'), wire.toBind({}), wire.toExecute(), wire.toSync()],
  ]) {
    const answers = ask(client, messages);
    await untilRunning(watcher, 'select pg_sleep(60)');
    await cancelRaw(port, client);
    assert.deepEqual((await answers).slice(-2), ['E 57014', 'Z I']);
    assert.deepEqual(await ask(client, [sleep(0)]), slept);
  }
});

test('cancel_wait: a query that waits for a connection is cancelled at once, one that is not whole as soon as it has one', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, port, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [holder, client] = [await raw(), await raw()];
  await ask(holder, [wire.toQuery('begin')]);
  const untilWaiting = async (): Promise<void> => {
    while (pooler.status.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const answers = ask(client, [sleep(60)]);
  await untilWaiting();
  await cancelRaw(port, client);
  assert.deepEqual(await answers, ['E 57014', 'Z I']);
  assert.equal(pooler.status.waiting, 0);
  const others = ask(client, [
    prepare('', 'select pg_sleep(0.2)'),
    wire.toBind({}),
    wire.toExecute(),
    wire.toFlush(),
    wire.toSync(),
  ]);
  await untilWaiting();
  await cancelRaw(port, client);
  await ask(holder, [wire.toQuery('commit')]);
  assert.equal((await others).at(-1), 'Z I');
  assert.deepEqual(await ask(client, [sleep(0)]), slept);
});

test('cancel_pool_size: with every connection busy, all can be cancelled at once', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, direct, port, pooler } = await startRawSetup(t, { pool: { maxConnections: 5 } });
  const watcher = await direct();
  const clients = await Promise.all(Array.from({ length: 5 }, () => raw()));
  const answers = clients.map((client) => ask(client, [sleep(60)]));
  const running = "select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'";
  while ((await watcher.query(running)).rowCount !== 5);
  await Promise.all(clients.map((client) => cancelRaw(port, client)));
  assert.deepEqual(
    await Promise.all(answers),
    clients.map(() => cancelled),
  );
  assert.equal(pooler.status.connections, 5);
});

test('cancel_race: 100 cancels of one client, some of them late, never hit the other on the same connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, port, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [client, other] = [await raw(), await raw()];
  const load = { isOver: false, served: 0 };
  const untouched = (async () => {
    for (; !load.isOver; load.served += 1) assert.deepEqual(await ask(other, [sleep(0.005)]), slept);
  })();
  let hits = 0;
  for (let round = 0; round < 100; round += 1) {
    const answers = ask(client, [sleep(0.01)]);
    // Sometimes while it waits, sometimes while it runs, and several at once that come when it is over.
    await Promise.all(Array.from({ length: 1 + (round % 3) }, () => cancelRaw(port, client)));
    const end = (await answers).at(-2);
    assert.ok(end === 'E 57014' || end === 'C SELECT 1', end);
    if (end === 'E 57014') hits += 1;
    await cancelRaw(port, client);
  }
  load.isOver = true;
  await untouched;
  assert.ok(hits > 0 && load.served > 0, `${hits} cancelled, ${load.served} served`);
  assert.equal(pooler.status.connections, 1);
});

test('A wrong key cancels nothing, and is not answered', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, direct, port } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [client, watcher] = [await raw(), await direct()];
  const answers = ask(client, [sleep(0.3)]);
  await untilRunning(watcher, 'select pg_sleep(0.3)');
  const real = client.key!;
  const flipped = Buffer.from(real.secretKey.map((byte) => byte ^ 1));
  for (const key of [
    { ...real, secretKey: flipped },
    { ...real, processId: real.processId + 1 },
  ]) {
    client.key = key;
    await cancelRaw(port, client);
  }
  assert.deepEqual(await answers, slept);
});

test('cancel_wait_timeout: a cancel that does not get through is given up, and hits nobody later', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  let port = 0;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
  const setup = await startRawSetup(t, { pool: { maxConnections: 1 }, origin: { dial }, clock });
  const { server, raw, direct } = setup;
  port = server.port;
  const stalled = await use(t, startFaultProxy(server));
  const [client, other, watcher] = [await raw(), await raw(), await direct()];
  const answers = ask(client, [sleep(0.5)]);
  await untilRunning(watcher, 'select pg_sleep(0.5)');
  stalled.set({ stalled: true });
  port = stalled.port;
  await cancelRaw(setup.port, client);
  assert.deepEqual(await answers, slept);
  while (stalled.connections === 0) await new Promise((resolve) => setImmediate(resolve));
  // The cancel is still on its way, so nobody else gets that connection until it is given up.
  const next = ask(other, [sleep(0.4)]);
  while (setup.pooler.status.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  port = server.port;
  clock.advance(10_000);
  await untilRunning(watcher, 'select pg_sleep(0.4)');
  stalled.set({ stalled: false });
  assert.deepEqual(await next, slept);
});
