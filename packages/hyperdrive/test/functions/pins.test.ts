// Functions that leave something in the session that calls them: their callers keep the connection, whichever way they
// are called; two clients share one connection, so that what leaks is seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import type { Client } from 'pg';
import type { Pooler } from '../../src/index.ts';
import { catalogueCheck } from '../../src/cache/limits.ts';
import { ManualClock } from '../manual-clock.ts';
import { startSetup } from '../pooler-setup.ts';
import type { Setup, SetupOptions } from '../pooler-setup.ts';

const schema = `
create table account (id int primary key, owner text);
create table plain (id int primary key);
create table lonely (id int);
create table defaulted (id int, who text default set_config('app.user', 'default', false));
create table watched (id int primary key);
create table below () inherits (watched);
create table detail (watched int references watched on delete cascade);
create table leaf (id int primary key references plain on delete cascade);
create function login(who text) returns text language plpgsql as $$ begin return set_config('app.user', who, false); end $$;
create function local_login(who text) returns text language plpgsql as $$
  begin update account set owner = who; set local work_mem = '1MB'; return set_config('app.user', who, true); end $$;
create function zone() returns void language plpgsql as $$ begin /* why */ set timezone to 'Asia/Tokyo'; end $$;
create function lock_it() returns void language sql as 'select pg_advisory_lock(7)';
create function lock_xact() returns void language sql as 'select pg_advisory_xact_lock(7)';
create function scratch() returns void language plpgsql as $$ begin create temp table scratch_pad (n int); end $$;
create function dropped() returns void language plpgsql as $$ begin create temp table gone (n int) on commit drop; end $$;
create function hear() returns void language plpgsql as $$ begin listen news; end $$;
create function run(q text) returns void language plpgsql as $$ begin execute q; end $$;
create function run_fixed() returns void language plpgsql as $$ begin execute 'select 1'; end $$;
create function through() returns text language plpgsql as $$ begin return login('through'); end $$;
create function through_again() returns text language sql stable as 'select through()';
create procedure enter() language plpgsql as $$ begin perform login('enter'); end $$;
create function on_write() returns trigger language plpgsql as $$ begin perform login('trigger'); return new; end $$;
create trigger on_write before insert on watched for each row execute function on_write();
create function on_delete() returns trigger language plpgsql as $$ begin perform login('cascade'); return old; end $$;
create trigger on_delete before delete on leaf for each row execute function on_delete();
create view entered as select login('view') as who;
create view "Über view" as select * from entered;
create table rules (id int);
create rule also as on insert to rules do also select login('rule');
create function enter_one(text, text) returns text language sql as $$ select set_config('app.user', $2, false) $$;
create aggregate enter_all(text) (sfunc = enter_one, stype = text);
create function farewell() returns text language sql as $$ select login('farewell') $$;
create domain entering as text default login('domain');
create domain setting as text default set_config('app.user', 'domain', false);
create table domained (id int, who entering);
create table domained_too (id int, who setting);
create function write_domained() returns void language sql as 'insert into domained (id) values (1)';
create function with_default(who text default set_config('app.user', 'argument', false)) returns text language sql as 'select who';
create function place(n int) returns int immutable language plpgsql as
  $$ begin perform set_config('app.user', 'partition', false); return n; end $$;
create table parted (n int) partition by range (place(n));
create table part partition of parted for values from (0) to (9);
`;

async function startShared(t: TestScope, options: SetupOptions = {}): Promise<Setup & { one: Client; other: Client }> {
  const setup = await startSetup(t, {
    ...options,
    pool: { maxConnections: 1, acquireTimeout: 60_000, ...options.pool },
  });
  const admin = await setup.direct();
  await admin.query(schema);
  return { ...setup, one: await setup.client(), other: await setup.client() };
}

const seen = `select coalesce(nullif(current_setting('app.user', true), ''), '-') as who`;
const state = `${seen}, current_setting('timezone') as zone, 1 as login, (select count(*)::int from pg_locks where locktype = 'advisory'
  and pid = pg_backend_pid()) as locks, (select count(*)::int from pg_class where relnamespace = pg_my_temp_schema()) as pad, (select count(*)::int from
  pg_listening_channels()) as heard`;

/** Once it is known what the last queries left behind. */
async function pinsOf(pooler: Pooler): Promise<Pooler['status']['pins']> {
  while ((pooler.status.clientStates.checking ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
  return pooler.status.pins;
}

async function countPins(pooler: Pooler): Promise<number> {
  return Object.values(await pinsOf(pooler)).reduce((sum, count) => sum + count, 0);
}

const calls: readonly string[] = [
  `select login('select')`,
  `select "login"('quoted')`,
  `select zone()`,
  `select lock_it()`,
  `select scratch()`,
  `select hear()`,
  `select run('set timezone to ''Asia/Tokyo''')`,
  `select through()`,
  `select through_again()`,
  `call enter()`,
  `do $$ begin perform login('block'); end $$`,
  `do $$ begin perform set_config('app.user', 'block', false); end $$`,
  `insert into watched values (1)`,
  `insert into defaulted (id) values (1)`,
  `insert into rules values (1)`,
  `select * from entered`,
  `select * from "Über view"`,
  `select enter_all(x) from (values ('aggregate')) v (x)`,
  `insert into domained (id) values (1)`,
  `insert into domained_too (id) values (1)`,
  `select write_domained()`,
  `select with_default()`,
  `insert into parted values (1)`,
  `insert into part values (1)`,
  `select schema_to_xml('public', true, true, '')`,
  `begin; select farewell(); drop function farewell(); commit`,
  `create function once() returns void language plpgsql as $$ begin set timezone to 'Asia/Tokyo'; end $$; select once(); drop function once()`,
  `begin; create function once() returns void language plpgsql as $$ begin create temp table pad (n int); end $$; select once(); drop function once(); commit`,
  `with plain as (select login('with')) select * from plain`,
  `begin; select login('several'); commit`,
  `select query_to_xml($$ select set_config('app.user', 'xml', false) $$, true, true, '')`,
];

test('A client keeps its connection after whatever leaves something behind', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, pooler } = await startShared(t);
  for (const call of calls) {
    const [one, other] = [await client(), await client()];
    const before = (await other.query(state)).rows;
    const pins = await countPins(pooler);
    await one.query(call);
    const own = (await one.query(state)).rows;
    assert.notDeepEqual(own, before, `${call} does leave something behind`);
    assert.equal(await countPins(pooler), pins + 1, call);
    const waiting = other.query(state);
    assert.deepEqual((await one.query(state)).rows, own, call);
    await one.end();
    assert.deepEqual((await waiting).rows, before, call);
    await other.end();
  }
});

test('What leaves nothing behind costs nobody a connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { one, other, pooler } = await startShared(t);
  await one.query(`insert into account values (1, 'x')`);
  for (const call of [
    `select local_login('x')`,
    `select lock_xact()`,
    `select dropped()`,
    `select run_fixed()`,
    `begin; select set_config('app.user', 'x', true); select 1; commit`,
    `select * from watched`,
    `insert into lonely values (1)`,
    `select current_setting('app.user', true)`,
  ]) {
    await one.query(call);
    assert.deepEqual(await pinsOf(pooler), {}, call);
    await other.query('select 1');
  }
});

test('A prepared statement and a transaction pin as a query does', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { one, other, pooler } = await startShared(t);
  const text = 'select login($1)';
  await one.query({ name: 'enter', text, values: ['named'] });
  assert.deepEqual((await one.query(seen)).rows, [{ who: 'named' }]);
  await one.end();
  await other.query('begin');
  await other.query(text, ['unnamed']);
  await other.query('commit');
  assert.deepEqual((await other.query(seen)).rows, [{ who: 'unnamed' }]);
  assert.deepEqual(await pinsOf(pooler), { function: 2 });
});

test('A function that is replaced by one that leaves something behind is known before its next call', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, one, other, pooler } = await startShared(t);
  for (let n = 0; n < 10; n += 1) await one.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), {});
  // What locks is in the text, and so the connection stays.
  await other.query(`create or replace function lock_xact() returns void language sql as 'select pg_advisory_lock(8)'`);
  assert.deepEqual(await pinsOf(pooler), { 'advisory-lock': 1 });
  await other.end();
  await one.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), { 'advisory-lock': 1, function: 1 });
  await one.end();
  const last = await client();
  await last.query(`drop function lock_xact(); create function lock_xact() returns int language sql as 'select 1'`);
  await last.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), { 'advisory-lock': 1, function: 1 });
});

test('A function that is gone when its caller is judged was stateful all the same', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, one, other, pooler } = await startShared(t, { pool: { maxConnections: 2 } });
  await one.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), {});
  await one.query('begin');
  await one.query(`select login('gone')`);
  await other.query('drop function login(text) cascade');
  assert.deepEqual(await pinsOf(pooler), {});
  await one.query('commit');
  assert.deepEqual(await pinsOf(pooler), { function: 1 });
  await one.end();
  for (const each of [other, await client()]) assert.deepEqual((await each.query(seen)).rows, [{ who: '-' }]);
});

test('An operator that has no sign in a text is found all the same', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, one, direct, pooler } = await startShared(t);
  await (
    await direct()
  ).query(`create function same(account, int) returns boolean language sql as
    $$ select login('operator') <> '' $$; create operator = (leftarg = account, rightarg = int, function = same);
    insert into account values (1, 'x')`);
  await one.query('select a in (1) from account a');
  assert.deepEqual(await pinsOf(pooler), { function: 1 });
  assert.deepEqual((await one.query(seen)).rows, [{ who: 'operator' }]);
  await one.end();
  assert.deepEqual((await (await client()).query(seen)).rows, [{ who: '-' }]);
});

test('A comment on a function says what cannot be seen', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { direct, one, other, pooler } = await startShared(t);
  const admin = await direct();
  await admin.query(`comment on function run(text) is 'Runs a query. sallyport: stateless'`);
  await admin.query(`comment on function run_fixed() is 'sallyport: stateful'`);
  await one.query(`select run('select 1')`);
  await other.query(`select run('select 1')`);
  assert.deepEqual(await pinsOf(pooler), {});
  await one.query(`select run_fixed()`);
  assert.deepEqual(await pinsOf(pooler), { function: 1 });
});

test('Functions that are trusted are not looked into', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { one, other, pooler } = await startShared(t, { pool: { trustFunctions: true } });
  await one.query(`select login('trusted')`);
  assert.deepEqual((await other.query(seen)).rows, [{ who: 'trusted' }]);
  assert.deepEqual(await pinsOf(pooler), {});
});

test('What leaves something behind is not answered from the cache, whatever it is declared to be', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, one, pooler, direct } = await startShared(t, {
    pooler: { caching: { disabled: false, maxAge: 60, staleWhileRevalidate: 15 } },
  });
  const admin = await direct();
  await admin.query(`create function constant(who text) returns text immutable language plpgsql as
    $$ begin return set_config('app.user', who, false); end $$`);
  await pooler.cache!.load();
  for (const each of [one, await client()]) {
    await each.query(`select constant('x')`);
    assert.deepEqual((await each.query(seen)).rows, [{ who: 'x' }]);
    await each.end();
  }
  assert.equal(pooler.metrics.queriesByCacheStatus.hit, undefined);
  assert.deepEqual(await pinsOf(pooler), { function: 2 });
});

test('A function that is replaced past the pooler is known soon', async (t) => {
  if (!needs(t, 'postgres')) return;
  const clock = new ManualClock();
  const { direct, one, pooler } = await startShared(t, { clock });
  const admin = await direct();
  await one.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), {});
  await admin.query('create temp table passing (n int primary key default 1)');
  await admin.query(`create or replace function lock_xact() returns void language sql as 'select pg_advisory_lock(8)'`);
  clock.advance(catalogueCheck);
  while ((await countPins(pooler)) === 0) await one.query('select lock_xact()');
  assert.deepEqual(await pinsOf(pooler), { function: 1 });
});
