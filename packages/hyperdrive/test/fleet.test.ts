// Many configurations, many credentials: who reaches which database, and what happens while a configuration changes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import type { PostgresServer, TestScope } from '@sallyport/testkit';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { createClientCredentials, startFleet } from '../src/index.ts';
import type { Fleet, FleetConfig } from '../src/index.ts';
import { dialTcp } from './dial.ts';

const caching = { disabled: true, maxAge: 60, staleWhileRevalidate: 15 };

function toConfig(id: string, { port, user, password, database }: PostgresServer, other: object = {}): FleetConfig {
  const origin = { user, password, database, dial: ({ signal }: { signal: AbortSignal }) => dialTcp(port, signal) };
  return { id, name: `name of ${id}`, caching, origin: { ...origin, ...other } };
}

/** A way into one configuration of the fleet, with credentials of its own. */
async function openDoor(t: TestScope, fleet: Fleet, id: string): Promise<(more?: ClientConfig) => Promise<Client>> {
  const own = { user: `user of ${id}`, password: `secret of ${id}`, database: `database of ${id}` };
  const credentials = await createClientCredentials({ ...own, auth: 'cleartext' });
  const server = createServer((socket) => fleet.accept(id, credentials, socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return async (more) => {
    const client = new Client({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...own, ...more });
    client.on('error', () => {});
    t.after(() => client.end().catch(() => {}));
    await client.connect();
    return client;
  };
}

async function serverPort(client: Client): Promise<number> {
  const { rows } = await client.query<{ port: number }>('select inet_server_port() as port');
  return rows[0]!.port;
}

test('each configuration leads to its own database, and its credentials to no other', async (t) => {
  if (!needs(t, 'postgres')) return;
  const [one, two] = await Promise.all([use(t, startPostgres()), use(t, startPostgres())]);
  const fleet = await use(t, Promise.resolve(startFleet()));
  fleet.configure(toConfig('one', one));
  fleet.configure(toConfig('two', two));
  const [doorOne, doorTwo] = await Promise.all([openDoor(t, fleet, 'one'), openDoor(t, fleet, 'two')]);
  assert.equal(await serverPort(await doorOne()), one.port);
  assert.equal(await serverPort(await doorTwo()), two.port);
  await assert.rejects(doorTwo({ user: 'user of one', password: 'secret of one' }), { code: '28P01' });
  await assert.rejects(doorTwo({ user: two.user, password: two.password, database: two.database }), { code: '28P01' });
  assert.deepEqual(
    fleet.status().map(({ id, name, connections }) => ({ id, name, connections })),
    ['one', 'two'].map((id) => ({ id, name: `name of ${id}`, connections: 1 })),
  );
});

test('a client of a configuration that is not there is told so, and gets in once it is', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  const fleet = await use(t, Promise.resolve(startFleet()));
  const door = await openDoor(t, fleet, 'later');
  await assert.rejects(door(), { code: '58000', message: 'There is no Hyperdrive configuration later' });
  assert.deepEqual(fleet.status(), []);
  fleet.configure(toConfig('later', server));
  assert.equal(await serverPort(await door()), server.port);
});

test('a changed origin serves what comes next, and a transaction in flight ends where it began', async (t) => {
  if (!needs(t, 'postgres')) return;
  const [before, after] = await Promise.all([use(t, startPostgres()), use(t, startPostgres())]);
  const fleet = await use(t, Promise.resolve(startFleet()));
  fleet.configure(toConfig('db', before));
  const door = await openDoor(t, fleet, 'db');
  const [busy, idle] = await Promise.all([door(), door()]);
  await busy.query('begin');
  assert.equal(await serverPort(busy), before.port);
  assert.equal(await serverPort(idle), before.port);
  fleet.configure(toConfig('db', after));
  assert.equal(await serverPort(idle), after.port);
  assert.equal(await serverPort(busy), before.port);
  await busy.query('commit');
  assert.equal(await serverPort(busy), after.port);
  assert.equal(await serverPort(await door()), after.port);
});

test('a removed configuration ends its clients with an error that says so', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  const fleet = await use(t, Promise.resolve(startFleet()));
  fleet.configure(toConfig('db', server));
  const door = await openDoor(t, fleet, 'db');
  const client = await door();
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  const told = new Promise<Error & { code: string }>((resolve) => client.once('error', resolve as () => void));
  fleet.remove('db');
  assert.equal((await told).code, '57P01');
  await ended;
  await assert.rejects(door(), { code: '58000' });
});
