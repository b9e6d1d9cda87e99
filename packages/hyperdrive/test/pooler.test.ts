// The pooler with a real server and a real driver: transactions, errors, statements, what stays and what is refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs, testAuthority } from '@sallyport/testkit';
import { Client } from 'pg';
import type { Notification } from 'pg';
import { tlsOrigin } from './dial.ts';
import { startSetup } from './pooler-setup.ts';

const pid = async (client: Client): Promise<number> =>
  ((await client.query('select pg_backend_pid() as pid')).rows[0] as { pid: number }).pid;

/** Asks the server until it runs a query. */
async function untilRunning(watcher: Client, query: string): Promise<void> {
  const running = "select 1 from pg_stat_activity where state = 'active' and query = $1";
  while ((await watcher.query(running, [query])).rowCount === 0);
}

test('Clients share fewer connections than they are, in every way to query', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 2 } });
  const clients = await Promise.all(Array.from({ length: 12 }, () => client()));
  const texts = [
    { text: 'select 7::int as n' },
    { text: 'select $1::int as n', values: [7] },
    { name: 'same', text: 'select $1::int as n', values: [7] },
  ];
  for (let round = 0; round < 10; round += 1) {
    const results = await Promise.all(clients.flatMap((one) => texts.map((query) => one.query(query))));
    assert.ok(results.every(({ rows }) => (rows[0] as { n: number }).n === 7));
  }
  assert.equal(pooler.status.connections, 2);
  assert.equal(pooler.status.statements, 1);
  assert.deepEqual(pooler.status.pins, {});
});

test('A transaction has one connection, and nobody else in it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 2 } });
  const [one, other] = [await client(), await client()];
  await one.query('create table t (n int)');
  await one.query('begin');
  const first = await pid(one);
  await one.query('insert into t values (1)');
  for (let round = 0; round < 5; round += 1) {
    assert.notEqual(await pid(other), first);
    assert.equal((await other.query('select * from t')).rowCount, 0);
  }
  assert.equal(await pid(one), first);
  await one.query('commit');
  assert.equal((await other.query('select * from t')).rowCount, 1);
});

test('An error in a transaction leaves the client in it until it rolls back', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1 } });
  const one = await client();
  await one.query('begin');
  await assert.rejects(one.query('select 1/0'), { code: '22012' });
  await assert.rejects(one.query('select 1'), { code: '25P02' });
  await assert.rejects(one.query({ name: 'late', text: 'select 1' }), { code: '25P02' });
  await one.query('rollback');
  assert.equal((await one.query({ name: 'late', text: 'select 1 as n' })).rowCount, 1);
});

test('A client that leaves in a transaction is rolled back, and its connection serves the next', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 1 } });
  const one = await client();
  const before = await pid(one);
  await one.query('create table t (n int)');
  await one.query('begin');
  await one.query('insert into t values (1)');
  await one.end();
  const next = await client();
  assert.equal((await next.query('select * from t')).rowCount, 0);
  assert.equal(await pid(next), before);
  assert.equal(pooler.status.connections, 1);
});

test('A client that leaves while its query runs takes nothing with it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [one, next, watcher] = [await client(), await client(), await direct()];
  const gone = assert.rejects(one.query('select pg_sleep(60)'));
  await untilRunning(watcher, 'select pg_sleep(60)');
  (one as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await gone;
  assert.equal((await next.query('select 1 as n')).rowCount, 1);
});

test('Who waits too long is told with the documented error', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1, acquireTimeout: 500 } });
  const [one, other] = [await client(), await client()];
  await one.query('begin');
  await assert.rejects(other.query('select 1'), {
    code: '58000',
    message: 'Failed to acquire a connection from the pool.',
  });
  await one.query('commit');
  assert.equal((await one.query('select 1')).rowCount, 1);
});

test('A statement is prepared again where it is missing, and given up where there are too many', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1, maxPrepared: 3 } });
  const one = await client();
  for (let round = 0; round < 30; round += 1) {
    const name = `s${round % 7}`;
    const { rows } = await one.query({ name, text: `select $1::int as "${name}"`, values: [round] });
    assert.deepEqual(rows, [{ [name]: round }]);
  }
  const held = await one.query('select count(*)::int as n from pg_prepared_statements');
  assert.deepEqual(held.rows, [{ n: 3 }]);
});

test('Two clients have different statements of one name', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await client(), await client()];
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual((await one.query({ name: 'mine', text: 'select 1 as n' })).rows, [{ n: 1 }]);
    assert.deepEqual((await other.query({ name: 'mine', text: 'select 2 as n' })).rows, [{ n: 2 }]);
  }
});

test('DEALLOCATE ALL and DISCARD ALL forget the statements of their client and of nobody else', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await client(), await client()];
  const query = { name: 'kept', text: 'select 1 as n' };
  const clients = [
    [one, 'deallocate all'],
    [other, 'discard all'],
  ] as const;
  const bystander = await client();
  for (const [forgetful, statement] of clients) {
    await forgetful.query(query);
    await bystander.query(query);
    await forgetful.query(statement);
    assert.equal((await bystander.query(query)).rowCount, 1);
    // pg believes that it is still prepared, and sends Bind alone.
    await assert.rejects(forgetful.query(query), { code: '26000' });
  }
});

for (const [cause, statement, check] of [
  ['set', "set application_name = 'mine'", 'show application_name'],
  ['listen', 'listen news', 'select pg_listening_channels()'],
  ['temporary-object', 'create temp table mine (n int)', "select 1 from pg_class where relname = 'mine'"],
  ['advisory-lock', 'select pg_advisory_lock(1)', "select 1 from pg_locks where locktype = 'advisory'"],
  ['prepare', 'prepare mine as select 1', "select 1 from pg_prepared_statements where name = 'mine'"],
] as const) {
  test(`${statement} stays with its client, and ends with it`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { client, pooler } = await startSetup(t, { pool: { maxConnections: 2 } });
    const [one, other] = [await client(), await client()];
    await one.query(statement);
    const own = await pid(one);
    for (let round = 0; round < 4; round += 1) {
      assert.notEqual(await pid(other), own);
      assert.equal(await pid(one), own);
    }
    assert.deepEqual(pooler.status.pins, { [cause]: 1 });
    const before = await one.query(check);
    assert.equal(before.rows.length, 1);
    await one.end();
    // Both connections, held at once: one of them was reset.
    await other.query('begin');
    const next = await client();
    await next.query('begin');
    for (const session of [other, next]) {
      const { rows } = await session.query(check);
      if (cause === 'set') assert.notDeepEqual(rows, before.rows);
      else assert.deepEqual(rows, []);
    }
  });
}

test('A notification reaches the client that listens', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t);
  const [one, other] = [await client(), await client()];
  await one.query('listen news');
  const heard = once(one, 'notification') as Promise<[Notification]>;
  await other.query("notify news, 'hello'");
  assert.equal((await heard)[0].payload, 'hello');
});

test('A cancelled query ends, and only that one', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct, port } = await startSetup(t, { pool: { maxConnections: 2 } });
  const [one, other, watcher] = [await client(), await client(), await direct()];
  const cancelled = assert.rejects(one.query('select pg_sleep(60)'), { code: '57014' });
  await untilRunning(watcher, 'select pg_sleep(60)');
  const untouched = other.query('select pg_sleep(0.3), 5 as n');
  const { processID, secretKey } = one as unknown as { processID: number; secretKey: number };
  const canceller = new Client({ host: '127.0.0.1', port }) as unknown as {
    connection: {
      stream: { end(): void };
      connect(p: number, h: string): void;
      on(n: string, f: () => void): void;
      cancel(p: number, k: number): void;
    };
  };
  canceller.connection.on('connect', () => canceller.connection.cancel(processID, secretKey));
  canceller.connection.connect(port, '127.0.0.1');
  await cancelled;
  assert.equal(((await untouched).rows[0] as { n: number }).n, 5);
  assert.equal((await one.query('select 1')).rowCount, 1);
});

test('A big result and a big parameter go through', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1 } });
  const one = await client();
  const size = 20_000_000;
  const { rows } = await one.query("select repeat('x', $1::int) as long", [size]);
  assert.equal((rows[0] as { long: string }).long.length, size);
  const long = 'y'.repeat(size);
  const back = await one.query({ name: 'long', text: 'select length($1::text) as n', values: [long] });
  assert.deepEqual(back.rows, [{ n: size }]);
  assert.deepEqual((await one.query({ name: 'long', text: 'select length($1::text) as n', values: [long] })).rows, [
    { n: size },
  ]);
  const text = await one.query(`select length('${long}') as n`);
  assert.deepEqual(text.rows, [{ n: size }]);
});

test('Settings in the connection string are the client\u2019s own', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [paris, plain] = [await client({ options: '-c TimeZone=Europe/Paris -c search_path=a,b' }), await client()];
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual((await paris.query('show timezone')).rows, [{ TimeZone: 'Europe/Paris' }]);
    assert.notDeepEqual((await plain.query('show timezone')).rows, [{ TimeZone: 'Europe/Paris' }]);
  }
  assert.deepEqual((await paris.query('show search_path')).rows, [{ search_path: 'a,b' }]);
  assert.deepEqual(pooler.status.pins, {});
  await assert.rejects(client({ options: '-c no_such_setting=1' }), { code: '42704' });
});

test('Nobody comes in with another password, user or database', async (t) => {
  if (!needs(t, 'postgres')) return;
  for (const auth of ['scram-sha-256', 'cleartext'] as const) {
    const { client } = await startSetup(t, { auth });
    await assert.rejects(client({ password: 'wrong' }), { code: '28P01' });
    await assert.rejects(client({ user: 'somebody' }), { code: '28P01' });
    await assert.rejects(client({ database: 'other' }), { code: '3D000' });
    assert.equal((await (await client()).query('select 1')).rowCount, 1);
  }
});

test('What is wrong with the origin is said in its own words', async (t) => {
  if (!needs(t, 'postgres')) return;
  const wrong = await startSetup(t, { origin: { password: 'wrong' } });
  await assert.rejects(wrong.client(), {
    code: '28P01',
    message: /password authentication failed for user "postgres"/,
  });
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const down = await startSetup(t, { origin: { dial: () => Promise.reject(refused) } });
  await assert.rejects(down.client(), {
    code: '58000',
    message: 'Server connection attempt failed: connection_refused',
  });
  const plain = await startSetup(t, { origin: { startTls: () => Promise.reject(new Error('not reached')) } });
  await assert.rejects(plain.client(), { code: '58000', message: /does not support TLS/ });
});

test('Over TLS the login at the origin is bound to the channel, and cancelling works', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const origin = tlsOrigin(authority.ca);
  const { client } = await startSetup(t, { postgres: { tls: { certificate }, requireTls: true }, origin });
  const one = await client();
  const { rows } = await one.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  assert.deepEqual(rows, [{ ssl: true }]);
  const stranger = await startSetup(t, {
    postgres: { tls: { certificate: await authority.issue('unknown-ca') } },
    origin,
  });
  await assert.rejects(stranger.client(), { code: '58000', message: /TLS/ });
});

test('When the origin ends its connections, idle clients notice nothing', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, direct, pooler } = await startSetup(t);
  const [one, killer] = [await client(), await direct()];
  const before = await pid(one);
  await killer.query('select pg_terminate_backend($1)', [before]);
  while (pooler.status.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(await pid(one), before);
  const busy = assert.rejects(one.query('select pg_terminate_backend(pg_backend_pid())'), { code: '57P01' });
  await busy;
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});
