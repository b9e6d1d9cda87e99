// The edge's metrics page: what it says of pools, and that a scraper can read it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createEgress } from '@sallyport/egress';
import { createClientCredentials, type Fleet, Histogram, startFleet } from '@sallyport/hyperdrive';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { defaultCaching } from '../../src/hyperdrive/database.ts';
import { databasePolicy, toFleetConfig } from '../../src/hyperdrive/origin.ts';
import { toExposition, toFamily, toHistogramFamily } from '../../src/metrics/exposition.ts';
import { toHyperdriveFamilies } from '../../src/metrics/hyperdrive-metrics.ts';
import { startMetricsServer } from '../../src/metrics/metrics-server.ts';

const own = { user: 'worker', password: 'its own', database: 'binding' };

async function connectTo(t: TestContext, fleet: Fleet, id: string): Promise<Client> {
  const credentials = await createClientCredentials({ ...own, auth: 'cleartext' });
  const server = createServer((socket) => fleet.accept(id, credentials, socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const client = new Client({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...own });
  client.on('error', () => {});
  await client.connect();
  t.after(() => client.end());
  return client;
}

/** Every series of a page by its name and labels; a line that is none fails the test. */
function parse(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, series, value] =
        /^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})?) (\S+)$/.exec(line) ?? assert.fail(line);
      assert.ok(!Number.isNaN(Number(value)), line);
      return [series!, Number(value)];
    }),
  );
}

test('/metrics tells of pools, of the queries that went through them and of what pinned', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port, user, password, database } = await use(t, startPostgres());
  const fleet = await use(t, Promise.resolve(startFleet()));
  const location = { host: '127.0.0.1', port, user, password, database };
  const config = { id: 'abc', name: 'the "shop"', ...location, tls: { mode: 'disable' as const } };
  const egress = createEgress({ policy: databasePolicy });
  fleet.configure(toFleetConfig({ ...config, caching: { ...defaultCaching, disabled: true } }, { egress }));
  const server = await startMetricsServer({ host: '127.0.0.1', port: 0 }, () =>
    toHyperdriveFamilies(fleet.status(), fleet.cacheUse),
  );
  t.after(() => server.close());
  const client = await connectTo(t, fleet, 'abc');
  await client.query('select 1');
  await client.query("set timezone to 'UTC'");
  const url = `http://127.0.0.1:${server.port}`;
  const response = await fetch(`${url}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const series = parse(await response.text());
  const at = (name: string, more = ''): number | undefined =>
    series.get(`sallyport_hyperdrive_${name}{config="abc",name="the \\"shop\\""${more}}`);
  assert.equal(at('pool_connections'), 1);
  assert.equal(at('pool_max_connections'), 20);
  assert.equal(at('waiting_clients'), 0);
  assert.equal(at('longest_wait_seconds'), 0);
  assert.equal(at('up'), 1);
  assert.equal(at('errors_total', ',code="pool_exhausted"'), 0);
  assert.equal(at('pins_total', ',cause="listen"'), 0);
  assert.equal(at('logins_total'), 1);
  assert.equal(at('pins_total', ',cause="set"'), 1);
  assert.equal(at('query_seconds_count'), 2);
  assert.equal(at('query_seconds_bucket', ',le="+Inf"'), 2);
  assert.ok(at('client_bytes_total', ',direction="out"')! > 0);
  assert.equal(series.get('sallyport_hyperdrive_cache_entries'), 0);
  assert.equal(series.get('sallyport_hyperdrive_cache_max_bytes'), 67_108_864);
  assert.ok(series.get('process_resident_memory_bytes')! > 1e6);
  assert.equal(await (await fetch(`${url}/healthcheck`)).text(), 'OK\n');
  assert.equal((await fetch(`${url}/other`)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
});

test('a histogram counts what is below each bound, and a label cannot leave its quotes', () => {
  const histogram = new Histogram();
  for (const milliseconds of [0.1, 7, 7, 999_999]) histogram.observe(milliseconds);
  const series = parse(
    toExposition([
      toHistogramFamily('seconds', { help: 'Some', series: [[{}, histogram]] }),
      toFamily('one', 'gauge', { help: 'One', samples: [[{ name: 'a"}\nb\\' }, 1]] }),
      toFamily('none', 'counter', { help: 'None', samples: [] }),
    ]),
  );
  assert.equal(series.get('seconds_bucket{le="0.00025"}'), 1);
  assert.equal(series.get('seconds_bucket{le="0.01"}'), 3);
  assert.equal(series.get('seconds_bucket{le="60"}'), 3);
  assert.equal(series.get('seconds_bucket{le="+Inf"}'), 4);
  assert.equal(series.get('seconds_count'), 4);
  assert.equal(series.get('one{name="a\\"}\\nb\\\\"}'), 1);
  assert.equal(series.size, 21);
});
