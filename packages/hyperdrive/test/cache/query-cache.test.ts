import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from 'pg';
import { startCacheSetup } from './cache-setup.ts';

const table = 'create table t (id int primary key, name text); insert into t values (1, $$one$$), (2, $$two$$)';

/** Changes a row behind the pooler's back: what comes from the cache does not show it. */
async function changeBehind(direct: Client, name: string): Promise<void> {
  await direct.query('update t set name = $1 where id = 1', [name]);
}

async function nameOf(client: Client): Promise<string> {
  return ((await client.query('select name from t where id = 1')).rows as { name: string }[])[0]!.name;
}

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
});
