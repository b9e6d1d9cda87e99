// PgBouncer's test_auth, test_no_database and test_no_user.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startFaultProxy, startPostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import * as wire from '@sallyport/postgres-wire';
import { connectClient, dialTcp } from '../dial.ts';
import { ownCredentials, startSetup } from '../pooler-setup.ts';
import { pidOf } from './kit.ts';

test('message: what the database says to a login reaches the client', async (t) => {
  if (!needs(t, 'postgres')) return;
  const setup = await startSetup(t, { origin: { user: 'sleeper', password: 'secret' } });
  const direct = await setup.direct();
  await direct.query("create role sleeper nologin password 'secret'");
  await assert.rejects(setup.client(), { code: '28000', message: 'role "sleeper" is not permitted to log in' });
});

for (const auth of ['password', 'md5', 'scram-sha-256'] as const) {
  const settings = { password_encryption: auth === 'md5' ? 'md5' : 'scram-sha-256' };
  test(`${auth.replace('-sha-256', '')}_server: login at the database with ${auth}, right and wrong`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const server = await use(t, startPostgres({ auth, settings, password: 'pässwörd "$1\\' }));
    const { user, password, database, port } = server;
    const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
    const good = await startSetup(t, { origin: { user, password, database, dial } });
    assert.equal((await (await good.client()).query('select 1')).rowCount, 1);
    const bad = await startSetup(t, { origin: { user, password: `${password}x`, database, dial } });
    await assert.rejects(bad.client(), { code: '28P01', message: /password authentication failed/ });
  });
}

for (const auth of ['cleartext', 'scram-sha-256'] as const) {
  test(`password_client: a client logs in with ${auth}, also with a long password, and not with another`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const password = 'ä"\\ '.repeat(200);
    const { pooler, port } = await startSetup(t, {
      auth,
      pooler: { client: { user: 'worker', password, database: 'binding', auth } },
    });
    const login = async (own: string): Promise<Client> => {
      const client = new Client({ host: '127.0.0.1', port, user: 'worker', password: own, database: 'binding' });
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const client = await login(password);
    assert.equal((await client.query('select 1')).rowCount, 1);
    await client.end();
    for (const wrong of ['x', password.slice(1), `${password}x`, 'y'.repeat(4_000)]) {
      await assert.rejects(login(wrong), { code: '28P01' });
    }
    while (pooler.status.clients > 0) await new Promise((resolve) => setImmediate(resolve));
  });
}

test('change_server_password_server_lifetime: waiting clients are told, and new ones get in once it is right again', async (t) => {
  if (!needs(t, 'postgres')) return;
  const setup = await startSetup(t, { pool: { maxConnections: 3 } });
  const { client, direct, pooler, server } = setup;
  const admin = await direct();
  const clients = await Promise.all(Array.from({ length: 5 }, () => client()));
  await admin.query("alter role postgres password 'changed'");
  const pid = await pidOf(clients[0]!);
  assert.ok(pid > 0, 'a connection that is there goes on');
  while ((pooler.status.clientStates.checking ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'Sallyport%'");
  while (pooler.status.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  const refused = clients.map((one) => assert.rejects(one.query('select 1'), { code: '28P01' }));
  await Promise.all(refused);
  await admin.query(`alter role postgres password '${server.password}'`);
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});

test('auth_query_protocol_negotiation: a newer protocol is negotiated once, and 3.2 has a long cancel key', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust' });
  for (const [minor, options, negotiations] of [
    [0, {}, 0],
    [2, {}, 0],
    [9, {}, 1],
    [0, { '_pq_.unheard_of': 'x' }, 1],
  ] as const) {
    const stream = await connectClient(port);
    const types: number[] = [];
    let key = 0;
    const reader = new wire.MessageReader(
      {
        message: (type, bytes, start, end) => {
          types.push(type);
          if (type === wire.Backend.BackendKeyData)
            key = wire.parseBackendKeyData(bytes.subarray(start, end)).secretKey.length;
          return false;
        },
        large: () => false,
        pass: () => {},
      },
      wire.defineInspection({ side: 'backend', inspect: Object.values(wire.Backend) }),
    );
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    const { user, database } = ownCredentials;
    stream.write(wire.toStartupMessage({ user, database, ...options }, { minor }));
    while (!types.includes(wire.Backend.ReadyForQuery)) await new Promise((resolve) => setImmediate(resolve));
    stream.destroy();
    assert.equal(
      types.filter((type) => type === wire.Backend.NegotiateProtocolVersion).length,
      negotiations,
      `${minor}`,
    );
    assert.equal(key > 4, minor >= 2);
  }
});

test('no_database_authfail: a wrong password is refused before anything is said of the database', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t);
  await assert.rejects(client({ database: 'nosuchdb', password: 'wrong' }), { code: '28P01' });
  await assert.rejects(client({ database: 'nosuchdb' }), {
    code: '3D000',
    message: 'database "nosuchdb" does not exist',
  });
});

test('no_database_pg: the database’s own words for a database that it has not', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { origin: { database: 'nosuchdb' } });
  await assert.rejects(client(), { code: '3D000', message: 'database "nosuchdb" does not exist' });
});

test('no_user: an unknown user is told what one with a wrong password is', async (t) => {
  if (!needs(t, 'postgres')) return;
  for (const auth of ['cleartext', 'scram-sha-256'] as const) {
    const { client } = await startSetup(t, { auth });
    for (const wrong of [{ user: 'nobody' }, { user: 'nobody', password: 'wrong' }]) {
      await assert.rejects(client(wrong), {
        code: '28P01',
        message: 'password authentication failed for user "nobody"',
      });
    }
  }
});

test('server_login_large_packets: a login that arrives byte by byte', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  const proxy = await use(t, startFaultProxy(server, { slice: 1 }));
  const { user, password, database } = server;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(proxy.port, signal);
  const { client } = await startSetup(t, { origin: { user, password, database, dial } });
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});
