// PgBouncer's test_misc, test_admin and test_replication, as far as they are about what a pooler without a console does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { connectClient } from '../dial.ts';
import { ownCredentials, startSetup } from '../pooler-setup.ts';
import { ask, pidOf, startRawSetup } from './kit.ts';

const { user, database } = ownCredentials;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a server says to a start-up packet until it ends the connection. */
async function saidTo(port: number, packet: Buffer): Promise<Buffer> {
  const stream = await connectClient(port);
  const said: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => said.push(chunk));
  const closed = once(stream, 'close');
  stream.write(packet);
  await closed;
  return Buffer.concat(said);
}

test('track_extra_parameters: settings of the start-up packet stay apart, on one connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const settings = ['IntervalStyle', 'DateStyle', 'TimeZone', 'extra_float_digits', 'search_path', 'statement_timeout'];
  const values = [
    ['iso_8601', 'SQL, DMY', 'Asia/Tokyo', '0', 'one', '5s'],
    ['sql_standard', 'German, DMY', 'UTC', '3', 'two', '7s'],
  ];
  const toOptions = (all: string[]): string =>
    settings.map((name, at) => `-c ${name}=${all[at]!.replaceAll(' ', '\\ ')}`).join(' ');
  const clients = await Promise.all(values.map((all) => client({ options: toOptions(all) })));
  for (let round = 0; round < 3; round += 1) {
    for (const [at, one] of clients.entries()) {
      const text = `select ${settings.map((name) => `current_setting('${name}')`).join(', ')}`;
      assert.deepEqual((await one.query({ text, rowMode: 'array' })).rows, [values[at]]);
    }
  }
  assert.equal(pooler.status.connections, 1);
});

for (const [options, timezone, path] of [
  ['-c TimeZone=Asia/Tokyo', 'Asia/Tokyo', undefined],
  ['-cTimeZone=Asia/Tokyo', 'Asia/Tokyo', undefined],
  ['--TimeZone=Asia/Tokyo', 'Asia/Tokyo', undefined],
  ['  --timezone=Asia/Tokyo   --search-path="a\\ b","c\\\\d" ', 'Asia/Tokyo', '"a b","c\\d"'],
  ["-c search_path='x;y'", undefined, "'x;y'"],
] as const) {
  test(`options_startup_param: ${options}`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { client } = await startRawSetup(t, { pool: { maxConnections: 1 } });
    const one = await client({ options });
    const { rows } = await one.query<{ zone: string; path: string }>(
      `select current_setting('TimeZone') as zone, current_setting('search_path') as path`,
    );
    if (timezone !== undefined) assert.equal(rows[0]!.zone, timezone);
    if (path !== undefined) assert.equal(rows[0]!.path, path);
  });
}

test('options_startup_param: what is no option is an error that says so, and no loop', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startSetup(t);
  for (const options of ['-c=', '-c', '-c =x', '--=', '-x', 'work_mem=1', '-c work_mem', '-c 1a=b']) {
    await assert.rejects(
      client({ options }),
      (error: Error & { code?: string }) => /^(08P01|42602|22023)$/.test(error.code ?? ''),
      options,
    );
  }
  assert.equal(pooler.status.clients, 0);
});

test('startup_message_larger_than_pktbuf: a start-up packet of nearly 10,000 bytes', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startRawSetup(t);
  const path = Array.from({ length: 900 }, (_, n) => `schema_${n}`)
    .join(',')
    .slice(0, 9_000);
  const one = await client({ options: `-c search_path=${path}` });
  assert.deepEqual((await one.query('show search_path')).rows, [{ search_path: path }]);
});

test('empty_application_name: it may be empty, and SET of it is nobody else’s', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const one = await client({ application_name: '' });
  await one.query("set application_name = 'mine'");
  assert.deepEqual((await one.query('show application_name')).rows, [{ application_name: 'mine' }]);
  await one.end();
  const next = await client();
  assert.deepEqual((await next.query('show application_name')).rows, [{ application_name: 'Sallyport Hyperdrive' }]);
});

test('equivalent_startup_param: who asks for what is so already shares connections with everybody', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [plain, same] = [await client(), await client({ options: '-c DateStyle=ISO' })];
  for (let round = 0; round < 4; round += 1) {
    assert.equal(await pidOf(plain), await pidOf(same));
    assert.match(((await same.query('show DateStyle')).rows[0] as { DateStyle: string }).DateStyle, /^ISO/);
  }
  assert.deepEqual(pooler.status.pins, {});
});

test('client_states: what clients do is counted, and changes as they do it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await client(), await client()];
  assert.deepEqual(pooler.status.clientStates, { idle: 2 });
  await one.query('begin');
  const asked = other.query('select 1');
  while (pooler.status.waiting === 0) await turn();
  assert.deepEqual(pooler.status.clientStates, { linked: 1, waiting: 1 });
  const seen = performance.now();
  while (performance.now() - seen < 20) await turn();
  assert.ok(pooler.status.longestWait >= 20, `${pooler.status.longestWait} ms`);
  await one.query('commit');
  await asked;
  assert.equal(pooler.status.longestWait, 0);
  assert.deepEqual(pooler.status.clientStates, { idle: 2 });
});

test('show_stats: logins and queries add up', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startRawSetup(t);
  const clients = await Promise.all(Array.from({ length: 3 }, () => client()));
  const before = pooler.metrics.querySeconds.count;
  for (const one of clients) for (let round = 0; round < 5; round += 1) await one.query('select 1');
  assert.equal(pooler.metrics.logins, 3);
  assert.equal(pooler.metrics.querySeconds.count - before, 15);
  assert.ok(pooler.metrics.clientBytesIn > 0 && pooler.metrics.clientBytesOut > 0);
});

for (const replication of ['true', 'database', 'on']) {
  test(`logical_rep_unprivileged: replication=${replication} is refused with the reason`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { port } = await startSetup(t, { auth: 'trust' });
    const said = await saidTo(port, wire.toStartupMessage({ user, database, replication }));
    assert.match(said.toString(), /0A000.*Replication does not go through a pool/s);
  });
}

test('client_ssl: TLS is not offered, in either way to ask for it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust' });
  const stream = await connectClient(port);
  stream.write(wire.toSslRequest());
  const [no] = (await once(stream, 'data')) as [Buffer];
  assert.deepEqual(no, Buffer.from('N'));
  // It may go on in the clear; GSS is answered the same way.
  stream.write(wire.toGssRequest());
  assert.deepEqual(((await once(stream, 'data')) as [Buffer])[0], Buffer.from('N'));
  stream.destroy();
  // A TLS ClientHello at once, as PostgreSQL 17 takes it.
  const hello = Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03]);
  assert.match((await saidTo(port, hello)).toString(), /TLS is not offered here/);
});

test('login_notify_message: notices and reported settings of a query reach its client only', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await raw(), await raw()];
  const noisy = wire.toQuery(`do $$ begin raise notice 'hello'; raise warning 'again'; end $$`);
  assert.deepEqual(await ask(one, [noisy]), ['N 00000', 'N 01000', 'C DO', 'Z I']);
  assert.deepEqual(await ask(other, [wire.toQuery('select 1')]), ['T', 'D 1', 'C SELECT 1', 'Z I']);
});
