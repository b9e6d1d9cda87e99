// PgBouncer's test_timeouts. Time is the test's own, where nothing but the pooler waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startFaultProxy, use } from '@sallyport/testkit';
import type { FaultProxy, TestScope } from '@sallyport/testkit';
import { poolDefaults } from '../../src/index.ts';
import type { Pooler } from '../../src/index.ts';
import { connectClient, dialTcp } from '../dial.ts';
import { ManualClock } from '../manual-clock.ts';
import { pidOf, startRawSetup } from './kit.ts';
import type { RawSetup } from './kit.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Proxied extends RawSetup {
  clock: ManualClock;
  proxy: FaultProxy;
  /** From now on origin connections go through the proxy, or straight. */
  through(proxy: boolean): void;
}

async function startProxied(t: TestScope, pool: object = {}): Promise<Proxied> {
  const clock = new ManualClock();
  let port = 0;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
  const setup = await startRawSetup(t, { pool: { maxConnections: 1, ...pool }, origin: { dial }, clock });
  const proxy = await use(t, startFaultProxy(setup.server));
  const through = (isProxied: boolean): void => void (port = isProxied ? proxy.port : setup.server.port);
  through(true);
  return { ...setup, clock, proxy, through };
}

/** What the database's functions do may still be asked over the connection. */
async function untilIdle(pooler: Pooler): Promise<void> {
  while (pooler.status.idle < pooler.status.connections) await turn();
}

test('query_wait_timeout: who waits is served before the limit and refused at it, and may try again', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1, acquireTimeout: 2_000 }, clock });
  const [holder, patient, late] = [await client(), await client(), await client()];
  await holder.query('begin');
  const served = patient.query('select 1 as n');
  while (pooler.status.waiting === 0) await turn();
  clock.advance(1_999);
  await holder.query('commit');
  assert.deepEqual((await served).rows, [{ n: 1 }]);
  await holder.query('begin');
  const refused = assert.rejects(late.query('select 1'), {
    code: '58000',
    message: 'Failed to acquire a connection from the pool.',
  });
  while (pooler.status.waiting === 0) await turn();
  clock.advance(2_000);
  await refused;
  await holder.query('commit');
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});

test('server_lifetime: a connection that is old enough is replaced, in a transaction only behind it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { client } = await startRawSetup(t, { pool: { maxConnections: 1, idleTimeout: 2 ** 40 }, clock });
  const one = await client();
  const first = await pidOf(one);
  await one.query('begin');
  clock.advance(poolDefaults.maxLifetime);
  assert.equal(await pidOf(one), first);
  await one.query('commit');
  assert.notEqual(await pidOf(one), first);
});

test('server_idle_timeout: a connection that nobody uses is closed, and the next query has a new one', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { client, pooler, direct } = await startRawSetup(t, { clock });
  const one = await client();
  const first = await pidOf(one);
  await untilIdle(pooler);
  clock.advance(poolDefaults.idleTimeout - 1);
  assert.equal(await pidOf(one), first);
  await untilIdle(pooler);
  clock.advance(poolDefaults.idleTimeout);
  clock.advance(poolDefaults.idleTimeout);
  assert.equal(pooler.status.connections, 0);
  const watcher = await direct();
  while ((await watcher.query('select 1 from pg_stat_activity where pid = $1', [first])).rowCount !== 0);
  assert.notEqual(await pidOf(one), first);
});

for (const [title, isStalled] of [
  ['server_connect_timeout_establish: a login that does not end is given up', 'in the login'],
  ['server_connect_timeout_drop_traffic: so is one that is never answered', 'from the start'],
] as const) {
  test(title, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { client, proxy, clock, through, pooler } = await startProxied(t);
    // In the login: what the server asks first arrives, what is said then does not.
    if (isStalled === 'from the start') proxy.set({ stalled: true });
    else proxy.set({ stalled: true }, 'toClient');
    const refused = assert.rejects(client(), { code: '58000', message: 'Server connection attempt failed: timed_out' });
    while (proxy.connections === 0) await turn();
    clock.advance(poolDefaults.connectTimeout);
    await refused;
    assert.equal(pooler.status.connections + pooler.status.connecting, 0);
    through(false);
    assert.equal((await (await client()).query('select 1')).rowCount, 1);
  });
}

test('server_check_delay: an idle connection on a line that went dead is found, and its client sees nothing', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, proxy, clock, through, pooler } = await startProxied(t);
  const one = await client();
  const first = await pidOf(one);
  await untilIdle(pooler);
  proxy.set({ stalled: true });
  through(false);
  clock.advance(poolDefaults.checkAfter);
  const asked = pidOf(one);
  while (pooler.status.idle > 0) await turn();
  clock.advance(poolDefaults.checkTimeout);
  assert.notEqual(await asked, first);
  assert.equal(pooler.status.connections, 1);
});

test('server_check_query: a healthy connection is checked when it was idle for long, and kept', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, clock, pooler } = await startProxied(t);
  const one = await client();
  const first = await pidOf(one);
  for (let round = 0; round < 3; round += 1) {
    await untilIdle(pooler);
    clock.advance(poolDefaults.checkAfter);
    assert.equal(await pidOf(one), first);
  }
});

test('tcp_user_timeout: a connection that breaks under a query is a connection that was lost', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, proxy, direct } = await startProxied(t);
  const [one, watcher] = [await client(), await direct()];
  const lost = assert.rejects(one.query('select pg_sleep(60)'), { code: '08006', message: /was lost/ });
  const running = "select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'";
  while ((await watcher.query(running)).rowCount === 0);
  proxy.resetAll();
  await lost;
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});

test('A login that its client does not go on with ends', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { port, pooler } = await startRawSetup(t, { auth: 'scram-sha-256', clock });
  const stream = await connectClient(port);
  const said: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => said.push(chunk));
  while (pooler.status.clients === 0) await turn();
  clock.advance(15_000);
  await new Promise((resolve) => stream.once('close', resolve));
  assert.match(Buffer.concat(said).toString(), /did not log in in time/);
  assert.equal(pooler.status.clients, 0);
});
