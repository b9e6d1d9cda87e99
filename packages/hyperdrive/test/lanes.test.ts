// Reads of several clients over one connection: errors, cancels, slow ones, and clients that leave or do not read are
// nobody else's matter, and transactions get their connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import type { Client } from 'pg';
import type { Pooler } from '../src/index.ts';
import { connectRaw } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';
import type { Setup, SetupOptions } from './pooler-setup.ts';

/** Asks until the query goes over a lane: it has to be known as fast and harmless. */
async function untilShared(pooler: Pooler, ask: () => Promise<unknown>): Promise<void> {
  const before = pooler.metrics.sharedQueries;
  while (pooler.metrics.sharedQueries === before) await ask();
}

async function startShared(t: TestScope, options: SetupOptions = {}): Promise<Setup & { one: Client; other: Client }> {
  const setup = await startSetup(t, { ...options, pool: { maxConnections: 2, maxLanes: 1, ...options.pool } });
  const admin = await setup.direct();
  await admin.query('create table item (id int primary key, name text)');
  await admin.query("insert into item select n, 'item ' || n from generate_series(0, 99) n");
  await admin.query('create table elsewhere as select * from item');
  await admin.query('create table page (id int primary key, body text)');
  await admin.query('alter table page alter body set storage external');
  await admin.query("insert into page values (1, 'short'), (2, repeat('x', 50000000))");
  return { ...setup, one: await setup.client(), other: await setup.client() };
}

/** Until two clients wait for answers. */
async function untilOnTheirWay(pooler: Pooler): Promise<void> {
  for (;;) {
    const { answering = 0, waiting = 0, linked = 0 } = pooler.status.clientStates;
    if (answering + waiting + linked >= 2) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const page = (id: number): string => `select body from page where id = ${id}`;
const divide = (by: number): string => `select 10 / (id - ${by}) as n from item where id = 5`;
const byId = (id: number): string => `select id, name from item where id = ${id}`;

async function askInEveryWay(asking: Client, id: number): Promise<void> {
  const text = 'select id, name from item where id = $1';
  const ways = [byId(id), { text, values: [id] }, { name: 'by-id', text, values: [id] }];
  for (const way of ways) assert.deepEqual((await asking.query(way)).rows, [{ id, name: `item ${id}` }]);
}

test('Reads of many clients share connections, and each gets its own answer, in every way to query', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler, one } = await startShared(t);
  await untilShared(pooler, () => one.query(byId(1)));
  const clients = await Promise.all(Array.from({ length: 12 }, () => client()));
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(clients.map((asking, index) => askInEveryWay(asking, (round * 7 + index) % 100)));
  }
  assert.ok(pooler.metrics.sharedQueries > 20, `${pooler.metrics.sharedQueries} were shared`);
  assert.ok(pooler.status.connections <= 2);
});

test('An error stays with its own request', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler, one } = await startShared(t);
  await untilShared(pooler, () => one.query(divide(3)));
  const clients = await Promise.all(Array.from({ length: 10 }, () => client()));
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      clients.map(async (asking, index) => {
        if (index % 3 === 0) await assert.rejects(asking.query(divide(5)), { code: '22012' });
        else assert.deepEqual((await asking.query(divide(3))).rows, [{ n: 5 }]);
      }),
    );
  }
  assert.deepEqual(pooler.metrics.errors, {});
});

test('A read that is held up holds nobody up, and cancelling it hits nobody else', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, client, pooler, one, other, port } = await startShared(t, {
    auth: 'trust',
    pool: { maxConnections: 3 },
  });
  const admin = await direct();
  await untilShared(pooler, () => one.query(byId(1)));
  await untilShared(pooler, () => other.query('select name from elsewhere where id = 1'));
  const third = await client();
  await admin.query('begin');
  await admin.query('lock table item');
  const held = one.query(byId(2));
  const alsoHeld = third.query(byId(3));
  await untilOnTheirWay(pooler);
  // Behind them on the same connection, at first.
  assert.equal((await other.query('select name from elsewhere where id = 7')).rowCount, 1);
  const key = one as unknown as { processID: number; secretKey: number };
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const secret = Buffer.alloc(4);
  secret.writeInt32BE(key.secretKey);
  socket.end(wire.toCancelRequest(key.processID, secret));
  await assert.rejects(held, { code: '57014' });
  assert.deepEqual((await one.query('select 1 as n')).rows, [{ n: 1 }]);
  await admin.query('commit');
  assert.deepEqual((await alsoHeld).rows, [{ id: 3, name: 'item 3' }]);
});

test('Who leaves before the answer takes nothing with it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pooler, one, port } = await startShared(t, { auth: 'trust' });
  await untilShared(pooler, () => one.query(byId(1)));
  for (let round = 0; round < 20; round += 1) {
    const leaving = await Promise.all([1, 2, 3].map(() => connectRaw({ ...ownCredentials, port })));
    for (const raw of leaving) raw.send(wire.toQuery(byId(round)));
    const answer = one.query(byId(42));
    for (const raw of leaving) raw.close();
    assert.deepEqual((await answer).rows, [{ id: 42, name: 'item 42' }]);
  }
  assert.deepEqual(pooler.metrics.errors, {});
});

test('A long answer to a client that does not read stops nobody', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, pooler, one, other, port } = await startShared(t, { auth: 'trust', pool: { maxConnections: 3 } });
  const admin = await direct();
  await untilShared(pooler, () => one.query(page(1)));
  const slow = connect({ port, host: '127.0.0.1' });
  t.after(() => void slow.destroy());
  await once(slow, 'connect');
  slow.write(wire.toStartupMessage({ user: ownCredentials.user, database: ownCredentials.database }));
  await once(slow, 'data');
  slow.pause();
  slow.write(wire.toQuery(page(2)));
  const blocked = "select 1 from pg_stat_activity where wait_event = 'ClientWrite' and query = $1";
  while ((await admin.query(blocked, [page(2)])).rowCount === 0);
  const answers = await Promise.all([other.query(page(1)), one.query(byId(3))]);
  assert.deepEqual(answers[0].rows, [{ body: 'short' }]);
  const seen = { bytes: 0 };
  slow.on('data', (chunk: Buffer) => (seen.bytes += chunk.length));
  slow.resume();
  while (seen.bytes < 50_000_000) await once(slow, 'data');
});

test('Transactions get connections while reads come without a pause', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler, one } = await startShared(t, { pool: { maxConnections: 1 } });
  await untilShared(pooler, () => one.query(byId(1)));
  const readers = await Promise.all(Array.from({ length: 4 }, () => client()));
  const writer = await client();
  const writing = { isOver: false };
  const reading = readers.map(async (reader) => {
    while (!writing.isOver) assert.equal((await reader.query(byId(9))).rowCount, 1);
  });
  for (let round = 0; round < 10; round += 1) {
    await writer.query('begin');
    await writer.query('update item set name = name where id = 1');
    await writer.query('commit');
  }
  writing.isOver = true;
  await Promise.all(reading);
});

test('When the shared connection is lost, reads that had no answer yet are asked again', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, client, pooler, one } = await startShared(t, { pool: { maxConnections: 3 } });
  const admin = await direct();
  await untilShared(pooler, () => one.query(byId(1)));
  const [watcher, behind] = [await direct(), await client()];
  await admin.query('begin');
  await admin.query('lock table item');
  const asked = [one.query(byId(2)), behind.query(byId(3))];
  const settled = Promise.allSettled(asked);
  await untilOnTheirWay(pooler);
  const end = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query = $1";
  while ((await watcher.query(end, [byId(2)])).rowCount === 0);
  await admin.query('commit');
  // The first one may have seen the origin's own words; the one behind it notices nothing.
  const [, second] = await settled;
  assert.equal(second?.status, 'fulfilled');
});

test('What writes, locks or is not known to be harmless goes alone', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, pooler, one } = await startShared(t);
  const admin = await direct();
  await admin.query('create function touch() returns int language sql volatile as $$select 1$$');
  await admin.query('create view touching as select touch() as n');
  await untilShared(pooler, () => one.query(byId(1)));
  const before = pooler.metrics.sharedQueries;
  const alone = [
    'select id from item where id = 1 for update',
    'select touch()',
    'select n from touching',
    "select set_config('search_path', 'public', true)",
    'select 1; select 2',
    'with w as (insert into item values (1000) on conflict do nothing returning 1) select * from w',
  ];
  for (const query of alone) for (let round = 0; round < 12; round += 1) await one.query(query);
  assert.equal(pooler.metrics.sharedQueries, before);
});

test('A pooler that closes waits for no read that hangs', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, pooler, one } = await startShared(t);
  const [admin, watcher] = [await direct(), await direct()];
  await untilShared(pooler, () => one.query(byId(1)));
  await admin.query('begin');
  await admin.query('lock table item');
  const before = pooler.metrics.sharedQueries;
  const refused = assert.rejects(one.query(byId(2)));
  const held = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query = $1";
  while ((await watcher.query(held, [byId(2)])).rowCount === 0);
  assert.equal(pooler.metrics.sharedQueries, before + 1);
  await pooler.close();
  await refused;
  while ((await watcher.query(held, [byId(2)])).rowCount !== 0);
});

test('Reads share connections where nothing is cached, too', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { pooler, one, other } = await startShared(t, {
    pooler: { caching: { disabled: true, maxAge: 60, staleWhileRevalidate: 15 } },
  });
  await pooler.cache!.load();
  for (let round = 0; round < 100; round += 1) {
    await other.query(`update elsewhere set name = 'x' where id = ${round}`);
    await one.query(byId(round));
  }
  assert.ok(pooler.metrics.sharedQueries > 50, `${pooler.metrics.sharedQueries} were shared`);
});
