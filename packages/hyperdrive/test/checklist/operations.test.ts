// PgBouncer's test_operations: a database that goes away and comes back, or is another one.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { needs, startCrashablePostgres, startPostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { startPooler } from '../../src/index.ts';
import { dialTcp } from '../dial.ts';
import { ownCredentials } from '../pooler-setup.ts';
import { pidOf, startRawSetup, untilRunning } from './kit.ts';

test('database_restart: idle clients see nothing of it, and busy ones lose the query they were in', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startCrashablePostgres());
  const { user, password, database, port } = server;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
  const { client, pooler } = await startRawSetup(t, { origin: { user, password, database, dial } });
  const idle = await client();
  await idle.query('create table kept (n int)');
  for (let round = 0; round < 3; round += 1) {
    const [busy, watcher] = [await client(), new Client(server.url)];
    watcher.on('error', () => {});
    await watcher.connect();
    await idle.query({ name: 'prepared', text: 'select count(*) from kept' });
    const lost = assert.rejects(busy.query('select pg_sleep(60)'), { code: '08006' });
    await untilRunning(watcher, 'select pg_sleep(60)');
    await server.crash();
    await lost;
    while (pooler.status.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    await server.restart();
    // On a new connection the statement is prepared again.
    assert.equal((await idle.query({ name: 'prepared', text: 'select count(*) from kept' })).rowCount, 1);
  }
});

test('server_login_retry: while the database is down clients are told so at once, and then it works again', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startCrashablePostgres());
  const { user, password, database, port } = server;
  const dial = ({ signal }: { signal: AbortSignal }): ReturnType<typeof dialTcp> => dialTcp(port, signal);
  const { client, pooler } = await startRawSetup(t, { origin: { user, password, database, dial } });
  await (await client()).query('select 1');
  const late = await client();
  await server.crash();
  while (pooler.status.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  const told = { code: '58000', message: 'Server connection attempt failed: connection_refused' };
  await assert.rejects(late.query('select 1'), told);
  await server.restart();
  assert.equal((await (await client()).query('select 1')).rowCount, 1);
});

test('database_change: the new database serves from now on, a transaction ends where it began', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, server, pooler } = await startRawSetup(t);
  const other = await use(t, startPostgres());
  const [one, busy] = [await client(), await client()];
  await busy.query('begin');
  const place = 'show port';
  assert.deepEqual((await busy.query(place)).rows, [{ port: String(server.port) }]);
  const { user, password, database, port } = other;
  pooler.renew({ user, password, database, dial: ({ signal }) => dialTcp(port, signal) });
  assert.deepEqual((await one.query(place)).rows, [{ port: String(port) }]);
  assert.deepEqual((await busy.query(place)).rows, [{ port: String(server.port) }]);
  await busy.query('commit');
  assert.deepEqual((await busy.query(place)).rows, [{ port: String(port) }]);
});

test('repeated_sigterm: close() ends clients with the reason, and every connection at the database', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  const { user, password, database } = server;
  const pooler = await startPooler({
    origin: { user, password, database, dial: ({ signal }) => dialTcp(server.port, signal) },
    client: ownCredentials,
    listen: { host: '127.0.0.1', port: 0 },
  });
  const { port } = pooler.address as AddressInfo;
  const connected = async (): Promise<Client> => {
    const one = new Client({ host: '127.0.0.1', port, ...ownCredentials });
    await one.connect();
    return one;
  };
  const [idle, busy] = [await connected(), await connected()];
  await pidOf(busy);
  const told = new Promise<Error>((resolve) => idle.on('error', resolve));
  busy.on('error', () => {});
  const failed = assert.rejects(busy.query('select pg_sleep(60)'), { code: '57P01' });
  await Promise.all([pooler.close(), pooler.close()]);
  await failed;
  const error = await told;
  assert.ok('code' in error && error.code === '57P01', String(error));
  await assert.rejects(connected(), { code: 'ECONNREFUSED' });
  const watcher = new Client(server.url);
  await watcher.connect();
  const theirs = "select 1 from pg_stat_activity where application_name = 'Sallyport Hyperdrive'";
  while ((await watcher.query(theirs)).rowCount !== 0);
  await watcher.end();
});
