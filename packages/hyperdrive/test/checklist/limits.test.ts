// PgBouncer's test_limits: how many connections there may be, and who waits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import { pidOf, startRawSetup } from './kit.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('pool_size: there are never more connections than allowed, however many clients come at once', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct, pooler } = await startRawSetup(t, { pool: { maxConnections: 3 } });
  const watcher = await direct();
  const clients = await Promise.all(Array.from({ length: 30 }, () => client()));
  const done = Promise.all(clients.map((one) => one.query('select pg_sleep(0.02), pg_backend_pid() as pid')));
  const theirs = "select count(*)::int as n from pg_stat_activity where application_name = 'Sallyport Hyperdrive'";
  let most = 0;
  while (pooler.status.waiting > 0 || most === 0) {
    const { rows } = (await watcher.query(theirs)) as { rows: { n: number }[] };
    most = Math.max(most, rows[0]!.n);
  }
  assert.ok(most <= 3, `${most}`);
  const pids = new Set((await done).map(({ rows }) => (rows[0] as { pid: number }).pid));
  assert.equal(pids.size, 3);
});

test('max_db_connections: who comes first is served first', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const holder = await client();
  const clients = await Promise.all(Array.from({ length: 5 }, () => client()));
  await holder.query('begin');
  const order: number[] = [];
  const done = [];
  for (const [index, one] of clients.entries()) {
    done.push(one.query('select 1').then(() => order.push(index)));
    while (pooler.status.waiting <= index) await turn();
  }
  await holder.query('commit');
  await Promise.all(done);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
});

test('max_client_conn: more may not wait than allowed, and who is one too many is told at once', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1, maxWaiting: 2 } });
  const holder = await client();
  const clients = await Promise.all(Array.from({ length: 3 }, () => client()));
  await holder.query('begin');
  const waiting = clients.slice(0, 2).map((one) => one.query('select 1'));
  while (pooler.status.waiting < 2) await turn();
  await assert.rejects(clients[2]!.query('select 1'), { code: '58000', message: /Failed to acquire/ });
  await holder.query('commit');
  await Promise.all(waiting);
});

test('max_db_client_connections_decrement: a client that leaves is counted no more, however it leaves', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, raw, pooler } = await startRawSetup(t);
  const [polite, rude] = [await client(), await raw()];
  assert.equal(pooler.status.clients, 2);
  await polite.end();
  rude.close();
  while (pooler.status.clients > 0) await turn();
});

for (const [title, origin] of [
  ['user_client_count_db_connect_fail: the database has no place', { database: 'nowhere' }],
  ['user_client_count_db_connect_fail_2: the password is wrong', { password: 'wrong' }],
  ['user_client_count_db_connect_fail_3: the user is unknown', { user: 'nobody' }],
] as const) {
  test(`${title}: no client and no connection is left counted`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { client, pooler } = await startRawSetup(t, { origin });
    await Promise.all(Array.from({ length: 5 }, () => assert.rejects(client())));
    // Who was told left at once; other attempts end in their turn.
    const isEmpty = (): boolean => {
      const { clients, connections, connecting, waiting } = pooler.status;
      return clients + connections + connecting + waiting === 0;
    };
    while (!isEmpty()) await turn();
  });
}

test('reserve_pool_size: a client in a transaction does not keep others from the rest of the pool', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 2 } });
  const [holder, ...others] = await Promise.all(Array.from({ length: 9 }, () => client()));
  await holder!.query('begin');
  const held = await pidOf(holder!);
  const pids = await Promise.all(others.map((one) => pidOf(one)));
  assert.ok(pids.every((pid) => pid !== held));
  assert.equal(new Set(pids).size, 1);
  assert.equal(pooler.status.connections, 2);
});
