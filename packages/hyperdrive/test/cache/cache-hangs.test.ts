// An origin that does not answer: whoever waits for the cache is let go, and connections do not stay away for ever.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from 'pg';
import { ManualClock } from '../manual-clock.ts';
import { cancelRaw } from '../raw-client.ts';
import { startCacheSetup } from './cache-setup.ts';

const table = 'create table t (id int primary key, name text); insert into t values (1, $$one$$)';
const query = 'select name from t where id = 1';

async function nameOf(client: Client): Promise<string> {
  return (await client.query<{ name: string }>(query)).rows[0]!.name;
}

/** Until so many sessions wait for a lock. */
async function untilBlocked(watcher: Client, count: number): Promise<void> {
  const blocked = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
  while ((await watcher.query(blocked)).rowCount !== count);
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('While the origin does not answer', () => {
  it('a renewal ends after the query timeout, and who waits for it asks the origin', async (t) => {
    const clock = new ManualClock();
    const { prepare, client, direct, pooler } = await startCacheSetup(t, { clock, pool: { maxConnections: 2 } });
    await prepare(table);
    const [who, behind, watcher] = [await client(), await direct(), await direct()];
    await nameOf(who);
    await behind.query('begin; lock table t');
    clock.advance(61_000);
    assert.equal(await nameOf(who), 'one');
    await untilBlocked(watcher, 1);
    clock.advance(20_000);
    const answer = nameOf(who);
    while (pooler.status.clientStates.answering !== 1) await turn();
    clock.advance(40_000);
    while (pooler.status.clientStates.linked !== 1) await turn();
    await untilBlocked(watcher, 1);
    await behind.query('rollback');
    assert.equal(await answer, 'one');
  });

  it("who waits for another's answer can cancel, and leave", async (t) => {
    const { prepare, client, direct, pooler, port } = await startCacheSetup(t);
    await prepare(table);
    const [first, cancelling, leaving, behind] = [await client(), await client(), await client(), await direct()];
    await behind.query('begin; lock table t');
    const answer = nameOf(first);
    while (pooler.status.clientStates.linked !== 1) await turn();
    const refused = assert.rejects(nameOf(cancelling), { code: '57014' });
    const left = assert.rejects(nameOf(leaving));
    while (pooler.status.clientStates.answering !== 2) await turn();
    (leaving as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await left;
    const { processID, secretKey } = cancelling as unknown as { processID: number; secretKey: number };
    const secret = Buffer.alloc(4);
    secret.writeInt32BE(secretKey);
    await cancelRaw(port, { key: { processId: processID, secretKey: secret } });
    await refused;
    // Before the lock is gone.
    assert.equal((await cancelling.query('select 1 as n')).rowCount, 1);
    await behind.query('rollback');
    assert.equal(await answer, 'one');
    assert.equal(await nameOf(cancelling), 'one');
  });

  it('the catalogue is given up, and asked for again', async (t) => {
    const clock = new ManualClock();
    const { cache, direct, pooler } = await startCacheSetup(t, { clock });
    const [behind, watcher] = [await direct(), await direct()];
    await behind.query('begin; lock table pg_catalog.pg_policy');
    cache.knowledge.invalidate();
    const loaded = cache.load();
    await untilBlocked(watcher, 1);
    clock.advance(60_000);
    await loaded;
    assert.match(cache.knowledge.failure ?? '', /not done within 60000 ms/);
    await behind.query('rollback');
    clock.advance(5_000);
    await cache.load();
    assert.ok(cache.knowledge.catalogue !== undefined);
    while (pooler.status.idle < pooler.status.connections) await turn();
  });
});
