// What people tell the cache: by comment, by purging, by configuration; and how much it may hold.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import type { Client } from 'pg';
import { CacheHub, createClientCredentials, startFleet } from '../../src/index.ts';
import type { FleetConfig } from '../../src/index.ts';
import { systemClock } from '../../src/clock.ts';
import { CacheStore } from '../../src/cache/cache-store.ts';
import { maxRecordingTime, oversizedMemory } from '../../src/cache/limits.ts';
import { Recording } from '../../src/cache/recording.ts';
import type { Recorded } from '../../src/cache/recording.ts';
import { readComments } from '../../src/cache/query-comment.ts';
import { dialTcp } from '../dial.ts';
import { ManualClock } from '../manual-clock.ts';
import { connectDuplex } from './duplex-client.ts';
import { startSetup } from '../pooler-setup.ts';
import { startCacheSetup } from './cache-setup.ts';

const tables = 'create table t (id int); insert into t values (1); create table u (id int); insert into u values (1)';

function said(sql: string): unknown {
  return readComments(sql).directives;
}

function text(sql: string): string {
  return readComments(sql).text;
}

async function value(who: Client): Promise<number> {
  return (await who.query<{ id: number }>('select id from t')).rows[0]!.id;
}

describe('A comment', () => {
  it('before or behind the query speaks to the cache; elsewhere, and other comments, do not', () => {
    const noStore = { noStore: true, maxAge: undefined, staleWhileRevalidate: undefined, tags: [], unknown: undefined };
    assert.deepEqual(said('/* sallyport: no-store */ select 1'), noStore);
    assert.deepEqual(said('select 1 /* sallyport: no-store */'), noStore);
    assert.deepEqual(said("-- why\n/* x */ /*sallyport:max-age=5 swr=0 tag=a:b, tag=c*/ select '1';"), {
      noStore: false,
      maxAge: 5,
      staleWhileRevalidate: 0,
      tags: ['a:b', 'c'],
      unknown: undefined,
    });
    assert.deepEqual(said('/* sallyport: no-such-word */ select 1'), { ...noStore, unknown: 'no-such-word' });
    for (const sql of [
      "select '/* sallyport: no-store */'",
      "select 1, '/* sallyport: no-store */' from t",
      'select /* sallyport: no-store */ 1',
      'select "/* sallyport: no-store */"',
      'select $$/* sallyport: no-store */$$',
      '/* sallyport is a word */ select 1',
      "select e'\\'/* sallyport: no-store */'",
    ]) {
      assert.equal(said(sql), undefined, sql);
    }
  });

  it('is looked for in a time that does not double with each quote', () => {
    const quotes = Array.from({ length: 2_000 }, () => "''''").join(' || ');
    const names = Array.from({ length: 2_000 }, () => '""""').join(', ');
    for (const sql of [`select ${quotes} -- no`, `select ${names} -- no`]) assert.equal(text(sql), sql);
  });

  it('that says nothing to anybody is no part of the key, hints are', () => {
    assert.equal(text('/* trace=1 */ select 1 /* trace=2 */ ;'), 'select 1');
    assert.equal(text('-- trace\n  select 1'), 'select 1');
    assert.equal(text('/*+ SeqScan(t) */ select 1'), '/*+ SeqScan(t) */ select 1');
    assert.equal(text('select 1 /*+ hint */'), 'select 1 /*+ hint */');
    assert.equal(text("select '--' /* x */"), "select '--'");
    assert.equal(text('select 1 /* open'), 'select 1 /* open');
    assert.equal(text('-- a line\rselect 1 union\nselect 2'), 'select 1 union\nselect 2');
    assert.equal(text('-- a line\r\nselect 1'), 'select 1');
    assert.equal(text('select 2 */* no comment */'), 'select 2 *');
  });

  it('decides about one query', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, counted, cache } = await startCacheSetup(t, { clock });
    await prepare(tables);
    const who = await client();
    const ask = (sql: string): Promise<object> => counted(() => who.query(sql));
    assert.deepEqual(await ask('/* sallyport: no-store */ select * from t'), { uncacheable: 1 });
    assert.deepEqual(await ask('/* trace=1 */ select * from t'), { miss: 1 });
    assert.deepEqual(await ask('/* trace=2 */ select * from t'), { hit: 1 });
    assert.deepEqual(await ask('/* sallyport: no-store */ select * from t'), { uncacheable: 1 });
    clock.advance(5_000);
    assert.deepEqual(await ask('/* sallyport: max-age=5 swr=0 */ select * from t'), { miss: 1 });
    assert.deepEqual(await ask('/* sallyport: max-age=5 swr=0 tag=all */ select * from t'), { hit: 1 });
    assert.deepEqual(await ask('/* sallyport: tag=one tag=two */ select * from u'), { miss: 1 });
    assert.equal(await cache.purge({ tags: ['two'] }), 1);
    assert.deepEqual(await ask('select * from t'), { hit: 1 });
    assert.deepEqual(await ask('select * from u'), { miss: 1 });
  });
});

describe('The cache', () => {
  it('forgets what it is told to', async (t) => {
    const { prepare, client, counted, cache } = await startCacheSetup(t);
    await prepare(tables);
    const who = await client();
    const both = () =>
      counted(async () => void (await who.query('select * from t'), await who.query('select * from u')));
    assert.deepEqual(await both(), { miss: 2 });
    assert.equal(await cache.purge({ tables: ['public.t'] }), 1);
    assert.deepEqual(await both(), { miss: 1, hit: 1 });
    assert.equal(await cache.purge({ tables: ['u', 'nothing'] }), 1);
    assert.equal(await cache.purge(), 1);
    assert.deepEqual(await both(), { miss: 2 });
  });

  it('does not store what was on its way when it was told to forget', async (t) => {
    const { prepare, client, direct, counted, cache, pooler } = await startCacheSetup(t);
    await prepare(tables);
    const [who, behind] = [await client(), await direct()];
    await behind.query('begin; lock table t');
    const asked = who.query('select * from t');
    while (pooler.status.clientStates.linked !== 1) await new Promise(setImmediate);
    await cache.purge();
    await behind.query('rollback');
    await asked;
    assert.deepEqual(await counted(() => who.query('select * from t')), { miss: 1 });
  });

  it('explains itself', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, cache } = await startCacheSetup(t, { clock });
    await prepare(`${tables}; create view v as select * from t`);
    const who = await client();
    await who.query('select * from v');
    await who.query('select * from v');
    clock.advance(2_000);
    const { entry, ...rest } = await cache.explain('/* x */ select * from v');
    assert.deepEqual(rest, {
      cacheStatus: 'hit',
      cacheable: true,
      why: 'It is one plain query whose result changes only with public.v, public.t.',
      tables: ['public.v', 'public.t'],
      kept: { maxAge: 60, staleWhileRevalidate: 15, tags: [] },
      key: { text: 'select * from v', settings: '', searchPath: ['pg_catalog', 'public'] },
    });
    assert.deepEqual({ ...entry, bytes: 0 }, { age: 2, expiresIn: 73, hits: 1, bytes: 0, isStale: false });
    assert.equal((await cache.explain('select * from u')).cacheStatus, 'miss');
    assert.equal((await cache.explain('begin')).cacheStatus, 'transaction');
    assert.equal((await cache.explain('selec')).cacheStatus, 'parseerror');
    assert.equal((await cache.explain(`select '${'x'.repeat(100_000)}'`)).cacheStatus, 'oversizedquery');
    cache.configure({ disabled: true, maxAge: 60, staleWhileRevalidate: 15 });
    assert.equal((await cache.explain('select 1')).cacheStatus, 'disabled');
  });

  it('never holds more bytes than it may, nor an answer that is too long', async (t) => {
    const hub = new CacheHub(systemClock, 100_000);
    const { prepare, client, counted } = await startCacheSetup(t, {
      pooler: { cache: { hub, database: 'd', user: 'u' } },
    });
    await prepare(tables);
    const who = await client();
    for (let size = 1_000; size < 1_100; size += 1) {
      await who.query(`select repeat('x', ${size}) from t`);
      assert.ok(hub.store.bytes <= 100_000);
    }
    assert.ok(hub.store.size > 20 && hub.store.size < 100);
    const long = 'select repeat($1, 90000) as text from t';
    for (let time = 0; time < 2; time += 1) {
      const ask = async (): Promise<void> => {
        const { rows } = await who.query<{ text: string }>(long, ['x']);
        assert.equal(rows[0]!.text.length, 90_000);
      };
      assert.deepEqual(await counted(ask), { oversizedresult: 1 });
    }
    assert.ok(hub.store.hold(100_000), 'what was recorded is let go');
  });

  it('does not record again what was too long lately', async (t) => {
    const hub = new CacheHub(systemClock, 100_000);
    const clock = new ManualClock();
    const { prepare, client, counted } = await startCacheSetup(t, {
      clock,
      pooler: { cache: { hub, database: 'd', user: 'u' } },
    });
    await prepare(tables);
    const who = await client();
    const long = `select repeat('x', 90000) as text from t`;
    let held = 0;
    const { hold } = hub.store;
    hub.store.hold = (bytes) => {
      held += bytes;
      return hold.call(hub.store, bytes);
    };
    assert.deepEqual(await counted(() => who.query(long)), { oversizedresult: 1 });
    const inVain = held;
    assert.deepEqual(await counted(() => who.query(long)), { oversizedresult: 1 });
    assert.equal(held, inVain, 'nothing is held of the second');
    clock.advance(oversizedMemory);
    assert.deepEqual(await counted(() => who.query(long)), { oversizedresult: 1 });
    assert.ok(held > inVain || inVain === 0, 'later it is tried again');
  });

  it('lets go of an answer that its client does not read', () => {
    const store = new CacheStore(100_000);
    const clock = new ManualClock();
    const outcomes: Recorded[] = [];
    const recording = new Recording({ store, clock }, (recorded) => outcomes.push(recorded));
    recording.bytes(Buffer.alloc(30_000));
    recording.bytes(Buffer.alloc(30_000));
    assert.equal(store.hold(60_000), false);
    clock.advance(maxRecordingTime);
    assert.deepEqual(outcomes, ['lost']);
    recording.bytes(Buffer.alloc(30_000));
    assert.equal(store.hold(100_000), true);
  });

  it('counts what comes before the database is known under a word of its own', async (t) => {
    if (!needs(t, 'postgres')) return;
    const caching = { disabled: false, maxAge: 60, staleWhileRevalidate: 15 };
    const { client, pooler } = await startSetup(t, { pooler: { caching } });
    await (await client()).query('select 1');
    assert.deepEqual(pooler.metrics.queriesByCacheStatus, { loading: 1 });
    await pooler.cache!.load();
    await (await client()).query('select 1');
    assert.deepEqual(pooler.metrics.queriesByCacheStatus, { loading: 1, miss: 1 });
  });

  it('stays out of the way when it is turned off', async (t) => {
    const { client, counted } = await startCacheSetup(t, { caching: { disabled: true } });
    const who = await client();
    assert.deepEqual(await counted(() => who.query('select 1')), { disabled: 1 });
    assert.deepEqual(await counted(() => who.query('select 1')), { disabled: 1 });
  });
});

describe('Configurations', () => {
  it('of one database hear each others writes, and never share answers', async (t) => {
    if (!needs(t, 'postgres')) return;
    const server = await use(t, startPostgres());
    const fleet = await use(t, Promise.resolve(startFleet({})));
    const { user, password, database, port } = server;
    const config = (id: string, disabled: boolean): FleetConfig => ({
      id,
      name: id,
      server: `127.0.0.1:${port}`,
      caching: { disabled, maxAge: 60, staleWhileRevalidate: 15 },
      origin: { user, password, database, dial: ({ signal }) => dialTcp(port, signal) },
    });
    fleet.configure(config('cached', false));
    fleet.configure(config('direct', true));
    fleet.configure(config('other', false));
    const own = { user: 'w', password: 'p', database: 'd' };
    const credentials = await createClientCredentials({ ...own, auth: 'cleartext' });
    const enter = (id: string): Promise<Client> =>
      connectDuplex(t, own, (stream) => fleet.accept(id, credentials, stream));
    const [reader, writer, stranger] = [await enter('cached'), await enter('direct'), await enter('other')];
    await writer.query(tables);
    for (const id of ['cached', 'other', 'direct']) await (await fleet.cache(id))!.load();
    const status = async (id: string): Promise<string> =>
      (await (await fleet.cache(id))!.explain('select id from t')).cacheStatus;
    assert.equal(await value(reader), 1);
    assert.equal(await status('cached'), 'hit');
    assert.equal(await status('other'), 'miss');
    assert.equal(await value(stranger), 1);
    await writer.query('update t set id = 2');
    assert.deepEqual([await status('cached'), await status('other')], ['miss', 'miss']);
    assert.equal(await value(reader), 2);
    // DDL through one is known to all: what a trigger writes is heard.
    await writer.query(`create function also() returns trigger language plpgsql as
      $$ begin update t set id = 2; return new; end $$;
      create trigger also after insert on u for each row execute function also()`);
    await writer.query('update t set id = 1');
    await (await fleet.cache('cached'))!.load();
    assert.equal(await value(reader), 1);
    assert.equal(await status('cached'), 'hit');
    await stranger.query('insert into u values (7)');
    assert.equal(await value(reader), 2);
    // The same database and user: what is kept stays. Another user: nothing of it.
    fleet.configure({ ...config('cached', false), name: 'renamed' });
    assert.equal(await status('cached'), 'hit');
    await writer.query(`create role another login password '${password}'; grant select on t to another`);
    assert.equal(await value(reader), 2);
    const renewed = config('cached', false);
    fleet.configure({ ...renewed, origin: { ...renewed.origin, user: 'another' } });
    assert.equal(await status('cached'), 'miss');
    assert.equal(await value(reader), 2);
    await writer.query('update t set id = 3');
    assert.equal(await value(reader), 3);
  });
});
