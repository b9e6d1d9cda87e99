// Half a minute of mixed load while the database is killed and started again: nobody is told anything wrong, nothing that
// was acknowledged is lost, nobody is stuck. `npm run bench -- hyperdrive-chaos` is the long version.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs, startCrashablePostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { createLedger, verifyLedger } from './chaos/ledger.ts';
import { runLoad } from './chaos/load.ts';
import { dialTcp } from './dial.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';
import type { Setup } from './pooler-setup.ts';

const kills = 2;

/**
 * From then on answers come from the cache. A session that asked before the catalogue was read stays out of it for a while,
 * so each try is a new one.
 */
async function untilHit({ client, pooler }: Setup): Promise<void> {
  while (pooler.metrics.queriesByCacheStatus['hit'] === undefined) {
    const one = await client();
    for (let round = 0; round < 2; round += 1) await one.query('select word from word where id = 1');
    await one.end();
  }
}

for (const [title, isCached] of [
  ['A database that is killed again and again costs its clients connections, and nothing else', false],
  ['With the cache on, nobody is told anything old either', true],
] as const) {
  test(title, async (t) => {
    if (!needs(t, 'postgres')) return;
    const server = await use(t, startCrashablePostgres());
    const { user, password, database, port: origin } = server;
    const setup = await startSetup(t, {
      auth: 'cleartext',
      pool: { maxConnections: 6, maxPrepared: 10 },
      origin: { user, password, database, dial: ({ signal }) => dialTcp(origin, signal) },
      ...(isCached ? { pooler: { caching: { disabled: false, maxAge: 60, staleWhileRevalidate: 15 } } } : {}),
    });
    const target = { host: '127.0.0.1', port: setup.port, ...ownCredentials };
    const first = new Client(server.url);
    await first.connect();
    await createLedger(first);
    await first.end();

    if (isCached) await untilHit(setup);
    const controller = new AbortController();
    const load = runLoad({ target, signal: controller.signal });
    for (let kill = 0; kill < kills; kill += 1) {
      // What is waited for is load, which has no event of its own.
      await sleep(3_000);
      await server.crash();
      await sleep(700 * kill);
      await server.restart();
    }
    await sleep(3_000);
    controller.abort();
    const { ledger, operations, wrong, stuck } = await load;

    const [straight, pooled] = [new Client(server.url), new Client(target)];
    await Promise.all([straight.connect(), pooled.connect()]);
    const verdict = await verifyLedger(ledger, straight, pooled);
    await Promise.all([straight.end(), pooled.end()]);
    assert.deepEqual({ ...verdict, told: wrong, stuck }, { lost: [], wrong: [], told: [], stuck: [] });
    assert.ok(operations > 100 && ledger.count('acknowledged') > 20, `${operations} operations`);
    while (setup.pooler.status.clients > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(setup.pooler.status.connections <= 6);
  });
}
