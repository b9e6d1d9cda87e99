import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as wire from '@sallyport/postgres-wire';
import type { Client, QueryConfig } from 'pg';
import type { Pooler } from '../../src/index.ts';
import { ManualClock } from '../manual-clock.ts';
import { connectRaw } from '../raw-client.ts';
import { startCacheSetup } from './cache-setup.ts';

const table = 'create table t (id int primary key, name text); insert into t values (1, $$one$$), (2, $$two$$)';

/** Changes a row behind the pooler's back: what comes from the cache does not show it. */
async function changeBehind(direct: Client, name: string): Promise<void> {
  await direct.query('update t set name = $1 where id = 1', [name]);
}

async function nameOf(client: Client): Promise<string> {
  return ((await client.query('select name from t where id = 1')).rows as { name: string }[])[0]!.name;
}

/** It may ask for a connection of its own. */
const isRenewing = ({ idle, connections, connecting }: Pooler['status']): boolean =>
  idle < connections || connecting > 0;

describe('A cached query', () => {
  it('is answered without the origin, whoever asks, until somebody writes', async (t) => {
    const { prepare, client, direct, counted, pooler } = await startCacheSetup(t);
    await prepare(table);
    const [one, two, behind] = [await client(), await client(), await direct()];
    assert.deepEqual(await counted(() => nameOf(one)), { miss: 1 });
    await changeBehind(behind, 'hidden');
    const { querySeconds } = pooler.metrics;
    const before = querySeconds.count;
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(two), 'one')), { hit: 1 });
    assert.equal(querySeconds.count, before);
    await two.query("update t set name = 'seen' where id = 2");
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(one), 'hidden')), { miss: 1 });
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(one), 'hidden')), { hit: 1 });
  });

  it('may have parameters, text and binary results, and be prepared by name', async (t) => {
    const { prepare, client, direct, counted } = await startCacheSetup(t);
    await prepare(table);
    const [one, two, behind] = [await client(), await client(), await direct()];
    const text = 'select name from t where id = $1';
    const ask = async (who: Client, id: number, name?: string): Promise<unknown> =>
      (await who.query({ text, values: [id], ...(name === undefined ? {} : { name }) })).rows;
    assert.deepEqual(await counted(() => ask(one, 1)), { miss: 1 });
    assert.deepEqual(await counted(() => ask(one, 2)), { miss: 1 });
    await changeBehind(behind, 'hidden');
    assert.deepEqual(await counted(async () => assert.deepEqual(await ask(two, 1), [{ name: 'one' }])), { hit: 1 });
    // A name that only hits have made is there when a miss needs it.
    assert.deepEqual(await counted(async () => assert.deepEqual(await ask(two, 1, 'by id'), [{ name: 'one' }])), {
      hit: 1,
    });
    assert.deepEqual(await counted(async () => assert.deepEqual(await ask(two, 1, 'by id'), [{ name: 'one' }])), {
      hit: 1,
    });
    assert.deepEqual(await counted(async () => assert.deepEqual(await ask(two, 3, 'by id'), [])), { miss: 1 });
    assert.deepEqual(await counted(async () => assert.deepEqual(await ask(two, 3, 'by id'), [])), { hit: 1 });
  });

  it('is given only to who has the same settings', async (t) => {
    const { prepare, client, counted } = await startCacheSetup(t);
    await prepare("create table t (at timestamptz); insert into t values ('2026-01-01T00:00Z')");
    const asText = async (options: string): Promise<string> => {
      const who = await client({ options });
      const { rows } = await who.query<{ text: string }>("select to_char(at, 'HH24:MI') as text from t");
      return rows[0]!.text;
    };
    const work = async (): Promise<void> => {
      assert.equal(await asText('-c TimeZone=UTC'), '00:00');
      assert.equal(await asText('-c TimeZone=Asia/Tokyo'), '09:00');
      assert.equal(await asText('-c TimeZone=UTC'), '00:00');
    };
    await counted(work);
    await counted(work);
    assert.deepEqual(await counted(work), { hit: 3 });
  });

  it('under row-level security is given only to who may see the same rows', async (t) => {
    const { prepare, client, counted } = await startCacheSetup(t);
    await prepare(`create table t (tenant int, name text); insert into t values (1, 'one'), (2, 'two');
      alter table t enable row level security; create role tenant; grant select on t to tenant;
      create policy own on t using (tenant = current_setting('app.tenant')::int)`);
    const namesFor = async (tenant: number): Promise<string[]> => {
      const who = await client({ options: `-c app.tenant=${tenant} -c role=tenant` });
      return (await who.query<{ name: string }>('select name from t')).rows.map(({ name }) => name);
    };
    const work = async (): Promise<void> => {
      for (const tenant of [1, 2]) assert.deepEqual(await namesFor(tenant), [tenant === 1 ? 'one' : 'two']);
    };
    await counted(work);
    await counted(work);
    assert.deepEqual(await counted(work), { hit: 2 });
  });

  it('has binary results of its own', async (t) => {
    const { prepare, client, counted } = await startCacheSetup(t);
    await prepare(table);
    const who = await client();
    const ask = async (binary: boolean): Promise<unknown> =>
      (await who.query({ text: 'select id from t where id = $1', values: [2], binary } as QueryConfig)).rows;
    const work = async (): Promise<void> => {
      assert.deepEqual(await ask(false), [{ id: 2 }]);
      assert.deepEqual(await ask(true), [{ id: 2 }]);
    };
    assert.deepEqual(await counted(work), { miss: 2 });
    assert.deepEqual(await counted(work), { hit: 2 });
  });

  it('lives for max_age, and is renewed behind the back of who asks within stale_while_revalidate', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, direct, counted, pooler } = await startCacheSetup(t, { clock });
    await prepare(table);
    const [who, behind] = [await client(), await direct()];
    const named = async (): Promise<string> => {
      const { rows } = await who.query({ name: 'n', text: 'select name from t where id = $1', values: [1] });
      return (rows as { name: string }[])[0]!.name;
    };
    for (const ask of [() => nameOf(who), named]) {
      await changeBehind(behind, 'old');
      clock.advance(100_000);
      assert.deepEqual(await counted(async () => assert.equal(await ask(), 'old')), { miss: 1 });
      await changeBehind(behind, 'new');
      clock.advance(59_999);
      assert.deepEqual(await counted(async () => assert.equal(await ask(), 'old')), { hit: 1 });
      clock.advance(1);
      assert.deepEqual(await counted(async () => assert.equal(await ask(), 'old')), { hit: 1 });
      while (isRenewing(pooler.status)) await new Promise(setImmediate);
      assert.deepEqual(await counted(async () => assert.equal(await ask(), 'new')), { hit: 1 });
      clock.advance(75_000);
      assert.deepEqual(await counted(async () => assert.equal(await ask(), 'new')), { miss: 1 });
    }
  });

  it('that is dead is not served stale', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, counted } = await startCacheSetup(t, { clock });
    await prepare(table);
    const [who, writer] = [await client(), await client()];
    await nameOf(who);
    clock.advance(61_000);
    await changeBehind(writer, 'new');
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(who), 'new')), { miss: 1 });
  });

  it('is asked for once when many miss it at the same time', async (t) => {
    const { prepare, client, direct, counted, pooler } = await startCacheSetup(t);
    await prepare(table);
    const behind = await direct();
    const clients = await Promise.all(Array.from({ length: 10 }, () => client()));
    await behind.query('begin; lock table t');
    const work = counted(async () => {
      const answers = clients.map((who) => nameOf(who));
      while (pooler.status.clientStates.answering !== 9) await new Promise(setImmediate);
      assert.equal(pooler.status.clientStates.linked, 1);
      await behind.query('rollback');
      assert.deepEqual(await Promise.all(answers), Array(10).fill('one'));
    });
    assert.deepEqual(await work, { miss: 1, hit: 9 });
  });

  it('that fails for the first who asked is asked for by the others themselves', async (t) => {
    const { prepare, client, direct, counted, pooler } = await startCacheSetup(t);
    await prepare(table);
    const behind = await direct();
    const linked = (): number => pooler.status.clientStates.linked ?? 0;
    const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => client()));
    await behind.query('begin; lock table t');
    const work = counted(async () => {
      const failed = nameOf(first!).catch(() => 'gone');
      while (linked() !== 1) await new Promise(setImmediate);
      const answers = others.map((who) => nameOf(who));
      while (pooler.status.clientStates.answering !== 3) await new Promise(setImmediate);
      (first as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      assert.equal(await failed, 'gone');
      while (linked() !== 3) await new Promise(setImmediate);
      await behind.query('rollback');
      assert.deepEqual(await Promise.all(answers), Array(3).fill('one'));
    });
    assert.deepEqual(await work, { miss: 4 });
  });

  it('is not one that failed, or brought a notice', async (t) => {
    const { prepare, client, counted } = await startCacheSetup(t);
    await prepare(`${table}; create function tells() returns int language plpgsql immutable as
      $$ begin raise notice 'told'; return 1; end $$`);
    const who = await client();
    const work = async (): Promise<void> => {
      await assert.rejects(who.query('select 1 / (id - 1) from t'), { code: '22012' });
      await who.query('select tells() from t');
    };
    assert.deepEqual(await counted(work), { miss: 2 });
    assert.deepEqual(await counted(work), { miss: 2 });
  });

  it('is read from the origin by who has just written', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, counted } = await startCacheSetup(t, { clock });
    await prepare(table);
    const [who, other] = [await client(), await client()];
    await changeBehind(who, 'mine');
    assert.deepEqual(await counted(() => nameOf(other)), { miss: 1 });
    assert.deepEqual(await counted(() => nameOf(who)), { uncacheable: 1 });
    assert.deepEqual(await counted(() => nameOf(other)), { hit: 1 });
    clock.advance(5_000);
    assert.deepEqual(await counted(() => nameOf(who)), { hit: 1 });
  });

  it('is not asked in a transaction', async (t) => {
    const { prepare, client, direct, counted } = await startCacheSetup(t);
    await prepare(table);
    const [who, behind] = [await client(), await direct()];
    await nameOf(who);
    await changeBehind(behind, 'hidden');
    await who.query('begin');
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(who), 'hidden')), { transaction: 1 });
    await who.query('rollback');
    assert.deepEqual(await counted(async () => assert.equal(await nameOf(who), 'one')), { hit: 1 });
  });
});

describe('A write', () => {
  it('by COPY, TRUNCATE, DDL or in two phases is heard too', async (t) => {
    const { prepare, client, port } = await startCacheSetup(t, {
      postgres: { settings: { max_prepared_transactions: 5 } },
      auth: 'trust',
    });
    await prepare('create table n (id int)');
    const [reader, writer] = [await client(), await client()];
    const count = async (): Promise<number> => (await reader.query('select * from n')).rows.length;
    assert.equal(await count(), 0);
    const raw = await connectRaw({ port, user: 'worker', database: 'binding' });
    raw.send(wire.toQuery('copy n from stdin'), wire.toCopyData(Buffer.from('1\n2\n')), wire.toCopyDone());
    await raw.until(wire.Backend.ReadyForQuery);
    raw.close();
    assert.equal(await count(), 2);
    await writer.query("begin; insert into n values (3); prepare transaction 'later'");
    assert.equal(await count(), 2);
    await writer.query("commit prepared 'later'");
    assert.equal(await count(), 3);
    await writer.query('truncate n');
    assert.equal(await count(), 0);
    await writer.query("alter table n add column name text default 'new'");
    await writer.query('insert into n values (1)');
    assert.deepEqual((await reader.query('select * from n')).rows, [{ id: 1, name: 'new' }]);
  });

  it('that was committed before its statement failed is heard too', async (t) => {
    const { prepare, client, counted } = await startCacheSetup(t);
    await prepare(`${table}; create procedure half() language plpgsql as
      $$ begin update t set name = 'half' where id = 1; commit; raise exception 'too late'; end $$`);
    const [reader, writer] = [await client(), await client()];
    assert.equal(await nameOf(reader), 'one');
    await assert.rejects(writer.query('call half()'), { code: 'P0001' });
    assert.equal(await nameOf(reader), 'half');
    // The error is heard of before its request is over, which moves the epochs once more.
    await writer.query('select 1');
    await nameOf(reader);
    // What was refused before it began changed nothing.
    await assert.rejects(writer.query('update t set nothing = 1'), { code: '42703' });
    await assert.rejects(writer.query('updat t'), { code: '42601' });
    assert.deepEqual(await counted(() => nameOf(reader)), { hit: 1 });
  });
});
