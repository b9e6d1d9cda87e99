// sallyport.toml: what is read from it, and that nothing in it crashes the reader.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { createEgress } from '@sallyport/egress';
import { testAuthority } from '@sallyport/testkit';
import { parseListenAddress } from '../../src/config/listen-address.ts';
import { TlsSettings } from '../../src/tls/tls-settings.ts';
import { HostTable } from '../../src/front/host-table.ts';
import { ConfigurationError, loadEdgeConfig } from '../../src/index.ts';
import { temporaryFolder, writeFiles } from '../support/dev-bench.ts';

async function load(t: TestContext, toml: string, files = {}) {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { 'sallyport.toml': toml, 'api/wrangler.json': '{}', ...files });
  return { folder, ...(await loadEdgeConfig(join(folder, 'sallyport.toml'))) };
}

test('an empty file is an edge with defaults on loopback', async (t) => {
  const { config, warnings } = await load(t, '');
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.http, { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(config.tunnel, { host: '127.0.0.1', port: 7844, advertise: undefined });
  assert.deepEqual(config.control, { host: '127.0.0.1', port: 7845 });
  assert.deepEqual([config.workers, config.trust], [[], []]);
  assert.deepEqual([config.metrics, config.hyperdrive], [undefined, { cacheBytes: undefined, trustFunctions: false }]);
  assert.deepEqual((await load(t, '[metrics]')).config.metrics, { host: '127.0.0.1', port: 7846 });
});

test('a full file is read, with paths from its own folder', async (t) => {
  const { ca } = await testAuthority();
  const { folder, config, warnings } = await load(
    t,
    `state = "var"
policy = [{ action = "allow", to = "10.0.0.0/8", ports = 5432 }]
[http]
address = "[::1]:80"
[tunnel]
address = ":7000"
advertise = ["edge.example.com:7000", "203.0.113.1:7000"]
[control]
address = 9000
[metrics]
address = ":9464"
[hyperdrive]
cache_mib = 512
trust_functions = true
[[worker]]
project = "api"
env = "production"
hostnames = ["API.example.com", "*.api.example.com"]
network = "lab"
policy = [{ action = "deny", to = "10.0.9.0/24" }]
[[trust]]
to = "*.internal"
ca = "ca.pem"
system = false
`,
    { 'ca.pem': ca },
  );
  assert.deepEqual(warnings, []);
  assert.equal(config.state, join(folder, 'var'));
  assert.deepEqual(config.http, { host: '::1', port: 80 });
  assert.deepEqual([config.tunnel.host, config.tunnel.port], ['127.0.0.1', 7000]);
  assert.deepEqual(config.tunnel.advertise, ['edge.example.com:7000', '203.0.113.1:7000']);
  assert.equal(config.control.port, 9000);
  assert.deepEqual(config.metrics, { host: '127.0.0.1', port: 9464 });
  assert.deepEqual(config.hyperdrive, { cacheBytes: 536_870_912, trustFunctions: true });
  const [worker] = config.workers;
  assert.deepEqual(
    [worker?.project, worker?.env, worker?.hostnames, worker?.network],
    [join(folder, 'api'), 'production', ['api.example.com', '*.api.example.com'], 'lab'],
  );
  const egress = createEgress({ policy: worker!.policy });
  const rules = [];
  for (const hostname of ['10.0.9.1', '10.1.1.1', '8.8.8.8', '127.0.0.1']) {
    rules.push((await egress.decide({ hostname, port: 5432 })).rule);
  }
  assert.deepEqual(rules, ['deny 10.0.9.0/24', 'allow 10.0.0.0/8 ports 5432', 'allow public', 'deny loopback']);
  const settings = new TlsSettings({ entries: config.trust, control: () => undefined, onEvent: () => {} });
  const findTls = settings.findFor(undefined);
  for (const hostname of ['db.Internal', 'db.internal.', '\u{ff44}b.internal']) {
    assert.deepEqual(findTls({ hostname, port: 1 }).ca, [ca], hostname);
  }
  assert.equal(findTls({ hostname: 'internal', port: 1 }).ca, undefined);
});

const worker = (names: string): string => `[[worker]]\nproject = "api"\nhostnames = ${names}\n`;

test('host names of a Worker have one spelling, and what is none is refused', async (t) => {
  const { config } = await load(t, worker('["App.Example.com.", "*.MÜNCHEN.example", "*"]'));
  assert.deepEqual(config.workers[0]?.hostnames, ['app.example.com', '*.xn--mnchen-3ya.example', '*']);
  for (const name of ['https://a.example', 'a.example:80', 'a b', 'a.*.example', '']) {
    await assert.rejects(load(t, worker(JSON.stringify([name]))), ConfigurationError, name);
  }
});

test('listening everywhere without saying what connectors dial is warned about', async (t) => {
  const { warnings } = await load(t, '[tunnel]\naddress = "0.0.0.0:7844"\n');
  assert.match(warnings[0]?.message ?? '', /tunnel\.advertise: without it tokens tell connectors to dial 127\.0\.0\.1/);
});

test('an unknown key is an error that suggests the right one, or the right place', async (t) => {
  const refused = async (toml: string): Promise<string> => {
    const error = await load(t, toml).then(
      () => assert.fail('it was taken'),
      (thrown: ConfigurationError) => thrown,
    );
    const [first] = error.diagnostics;
    return `${first?.message} ${first?.remedy}`;
  };
  assert.match(await refused('[tunnel]\nadress = "127.0.0.1:1"\n'), /tunnel\.adress.*address/);
  assert.match(await refused('[[worker]]\nproject = "api"\nhostname = ["x"]\n'), /hostname.*hostnames/);
  assert.match(await refused('[control]\naddress = ":1"\npolicy = []\n'), /control\.policy.*above the first \[table\]/);
});

test('whatever is in the file, the answer is a configuration or its diagnostics', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'sallyport.toml');
  const scalar = fc.oneof(
    fc.string({ maxLength: 12 }).map((text) => JSON.stringify(text)),
    fc.integer().map(String),
    fc.constant('true'),
    fc.constant('[]'),
    fc.constant('{}'),
    fc.constant('[1, "a"]'),
  );
  const key = fc.constantFrom(
    'state',
    'http.address',
    'tunnel.address',
    'tunnel.advertise',
    'control',
    'policy',
    'worker',
    'trust',
    'trust.to',
    'odd',
  );
  const line = fc.tuple(key, scalar).map(([name, value]) => `${name} = ${value}`);
  const text = fc.oneof(
    fc.uniqueArray(line, { maxLength: 6 }).map((lines) => lines.join('\n')),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(text, async (toml) => {
      await writeFile(file, toml);
      try {
        await loadEdgeConfig(file);
      } catch (error) {
        assert.ok(error instanceof ConfigurationError, String(error));
        assert.ok(error.diagnostics.length > 0);
      }
    }),
    { numRuns: 300 },
  );
});

test('an address to listen on has a host, a port or both', () => {
  const fallback = { host: '127.0.0.1', port: 1 };
  const cases: [string, unknown][] = [
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    [':80', { host: '127.0.0.1', port: 80 }],
    ['80', { host: '127.0.0.1', port: 80 }],
    ['localhost', { host: 'localhost', port: 1 }],
    ['[::]:80', { host: '::', port: 80 }],
    ['[::]', { host: '::', port: 1 }],
    ['::1:80', undefined],
    ['a:b', undefined],
    ['a:70000', undefined],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseListenAddress(text, fallback), expected, text);
});

const upstream = (name: string) => Object.assign({ acquire: async () => undefined }, { name });

test('the most exact host name decides', () => {
  const table = new HostTable();
  const add = (name: string, ...hosts: string[]) => table.add(hosts, upstream(name));
  add('rest');
  add('exact', 'a.example.com');
  add('wide', '*.example.com');
  add('narrow', '*.b.example.com');
  const find = (host: string) => ((table.exact(host) ?? table.other(host)) as { name?: string } | undefined)?.name;
  assert.deepEqual(
    ['a.example.com', 'x.example.com', 'x.b.example.com', 'b.example.com', 'example.com', 'other'].map(find),
    ['exact', 'wide', 'narrow', 'wide', 'rest', 'rest'],
  );
});

test('the sample of the guide is valid, and every key of its table is known', async (t) => {
  const guide = await readFile(new URL('../../../../docs/guide/edge.md', import.meta.url), 'utf8');
  const [, sample = ''] = /```toml\n([\s\S]*?)```/.exec(guide) ?? [];
  const { warnings } = await load(t, sample.replace('/var/lib/sallyport', 'state'));
  assert.deepEqual(warnings, []);
  const keys = [...guide.matchAll(/^\| `(?:\[\[)?([a-z.]+)(?:\]\])?`/gm)].map(([, name = '']) => name);
  assert.ok(keys.length >= 12);
  for (const name of keys.filter((each) => each.includes('.'))) {
    const [table = '', key = ''] = name.split('.');
    const header = table === 'worker' || table === 'trust' ? `[[${table}]]\nproject = "api"\n` : `[${table}]\n`;
    const diagnostics = await load(
      t,
      `${header.replace('project = "api"\n', table === 'worker' && key !== 'project' ? 'project = "api"\n' : '')}${key} = "x"\n`,
    ).then(
      (loaded) => loaded.warnings,
      (error: ConfigurationError) => error.diagnostics,
    );
    assert.ok(!diagnostics.some(({ code }) => code === 'unknown_key'), name);
  }
});
