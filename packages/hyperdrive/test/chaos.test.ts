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

const kills = 3;

test('A database that is killed again and again costs its clients connections, and nothing else', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startCrashablePostgres());
  const { user, password, database, port: origin } = server;
  const setup = await startSetup(t, {
    auth: 'cleartext',
    pool: { maxConnections: 6, maxPrepared: 10 },
    origin: { user, password, database, dial: ({ signal }) => dialTcp(origin, signal) },
  });
  const target = { host: '127.0.0.1', port: setup.port, ...ownCredentials };
  const first = new Client(server.url);
  await first.connect();
  await createLedger(first);
  await first.end();

  const controller = new AbortController();
  const load = runLoad({ target, signal: controller.signal });
  for (let kill = 0; kill < kills; kill += 1) {
    // What is waited for is load, which has no event of its own.
    await sleep(4_000);
    await server.crash();
    await sleep(500 * kill);
    await server.restart();
  }
  await sleep(4_000);
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
