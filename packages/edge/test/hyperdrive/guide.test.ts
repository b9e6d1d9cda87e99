// docs/guide/hyperdrive.md tells the truth: its sample runs, and its tables are compared with the code.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Histogram, poolDefaults, PoolerMetrics } from '@sallyport/hyperdrive';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { toHyperdriveFamilies } from '../../src/metrics/hyperdrive-metrics.ts';
import { startBench } from '../support/dev-bench.ts';

const guide = await readFile(new URL('../../../../docs/guide/hyperdrive.md', import.meta.url), 'utf8');

test('the sample of the guide runs as it is written', async (t) => {
  if (!needs(t, 'postgres')) return;
  const [, configuration = ''] = /```jsonc\n([^]*?)```/.exec(guide) ?? [];
  const [, worker = ''] = /```js\n([^]*?)```/.exec(guide) ?? [];
  const [, variable = ''] = /export (\w+)=/.exec(guide) ?? [];
  const postgres = await use(t, startPostgres());
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query("create table product (id int, name text, price int); insert into product values (1, 'tea', 4)");
  await client.end();
  const bench = await startBench(
    t,
    // Without this, the bench's own configuration would be found first.
    { 'wrangler.json': configuration.replace(/,(?=\s*\})/g, '').replace(/^\/\/.*\n/, ''), 'src/index.js': worker },
    { project: { processEnv: { [variable]: postgres.url } } },
  );
  for (let n = 0; n < 3; n += 1) assert.equal(await bench.text('/'), '[{"id":1,"name":"tea"}]');
});

test('every metric there is, and no other, is in the guide', () => {
  const metrics = new PoolerMetrics();
  metrics.pins.set = 1;
  metrics.errors.pool_exhausted = 1;
  metrics.queriesByCacheStatus['hit'] = 1;
  assert.ok(metrics.acquireSeconds instanceof Histogram);
  const status = {
    maxConnections: 1,
    connections: 0,
    connecting: 0,
    idle: 0,
    waiting: 0,
    longestWait: 0,
    clients: 0,
    statements: 0,
  };
  const families = toHyperdriveFamilies(
    [{ id: 'a', name: 'a', ...status, clientStates: { idle: 1 }, pins: {}, metrics }],
    { entries: 0, bytes: 0, maxBytes: 1 },
  );
  const documented = new Set([...guide.matchAll(/`(sallyport_hyperdrive_\w+)`/g)].map(([, name]) => name));
  assert.deepEqual([...documented].sort(), families.map(({ name }) => name).sort());
});

test('the limits in the guide are those of the pool', () => {
  const { maxConnections, acquireTimeout, connectTimeout, queryTimeout, idleTimeout } = poolDefaults;
  assert.match(guide, new RegExp(`Connections to a database \\| ${maxConnections};`));
  assert.match(guide, new RegExp(`Waiting for one \\| ${acquireTimeout / 1000} s`));
  assert.match(guide, new RegExp(`Connecting to the database \\| ${connectTimeout / 1000} s`));
  assert.match(guide, new RegExp(`One query \\| ${queryTimeout / 1000} s`));
  assert.match(guide, new RegExp(`idle connection is kept \\| ${idleTimeout / 60_000} min`));
});
