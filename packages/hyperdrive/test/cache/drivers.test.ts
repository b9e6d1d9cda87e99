// What drivers send for a query is answered from the cache the second time, and right both times.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import postgres from 'postgres';
import { startCacheSetup } from './cache-setup.ts';

for (const prepare of [true, false]) {
  it(`postgres.js with prepare: ${prepare} hits`, async (t) => {
    const setup = await startCacheSetup(t);
    await setup.prepare('create table t (id int primary key, name text); insert into t values (1, $$one$$)');
    const sql = postgres(setup.url, { max: 1, fetch_types: false, prepare });
    t.after(() => sql.end());
    const ask = async (id: number): Promise<unknown> => [...(await sql`select name from t where id = ${id}`)];
    await setup.counted(async () => assert.deepEqual(await ask(1), [{ name: 'one' }]));
    await setup.counted(async () => assert.deepEqual(await ask(1), [{ name: 'one' }]));
    assert.deepEqual(await setup.counted(async () => assert.deepEqual(await ask(1), [{ name: 'one' }])), { hit: 1 });
    assert.deepEqual(await setup.counted(async () => assert.deepEqual(await ask(2), [])), { miss: 1 });
    const simple = async (): Promise<unknown> => [...(await sql`select count(*)::int as n from t`.simple())];
    assert.deepEqual(await setup.counted(async () => assert.deepEqual(await simple(), [{ n: 1 }])), { miss: 1 });
    assert.deepEqual(await setup.counted(async () => assert.deepEqual(await simple(), [{ n: 1 }])), { hit: 1 });
    await sql`insert into t values (2, 'two')`;
    assert.deepEqual(await ask(2), [{ name: 'two' }]);
    assert.deepEqual(await simple(), [{ n: 2 }]);
  });
}
