// The settings themselves: what is refused, which entry decides, what a changed file does, and what is told of ends.
import assert from 'node:assert/strict';
import { chmod, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createAuthority, testAuthority } from '@sallyport/testkit';
import { ConfigurationError } from '../../src/index.ts';
import { toTlsFamilies } from '../../src/metrics/tls-metrics.ts';
import { startSettings, toFiles, writePrivate } from './bench.ts';

const day = 86_400_000;
const { ca, issue } = await testAuthority();
const client = await issue('client', { commonName: 'worker' });
const files = { 'ca.pem': ca, ...toFiles('client', client) };

const refused = (t: TestContext, toml: string, more: Record<string, string> = {}): Promise<string> =>
  startSettings(t, toml, { ...files, ...more }).then(
    () => assert.fail(`it was taken: ${toml}`),
    (error: ConfigurationError) => {
      assert.ok(error instanceof ConfigurationError, String(error));
      const [{ message, remedy, line } = assert.fail()] = error.diagnostics;
      return `${line} ${message} ${remedy}`;
    },
  );

test('a mistake in an entry is told with its line, and what to write', async (t) => {
  const other = await issue('client');
  const cases: [toml: string, told: RegExp, more?: Record<string, string>][] = [
    ['[[trust]]\nto = "*.internal"\nca = "none.pem"\n', /^3 .*none\.pem.*path starts at/],
    ['[[trust]]\nca = "client.key"\n', /^2 .*client\.key holds a private key, which belongs into "key"/],
    ['[[trust]]\nto = "a"\nverify = false\n', /^3 trust\[0\]\.verify is not a known key Remove or correct it\.$/],
    [
      '[[trust]]\ncert = "client.pem"\nkey = "other.key"\n',
      /^2 .*other\.key.* does not belong/,
      toFiles('other', other),
    ],
    [
      '[[trust]]\ncert = "client.pem"\n',
      /^2 .*client\.pem holds no private key in PEM: name the file that does, with key = /,
    ],
    ['[[trust]]\nkey = "client.key"\n', /^2 .*no cert/],
    ['[[trust]]\nca = "ca.pem"\nca_certificate_id = "x"\n', /^3 .*ca stands beside it/],
    ['[[trust]]\nsystem = false\n', /^2 .*nobody would be trusted/],
    ['[[trust]]\nto = "10.0.0.1/8"\n', /^2 .*write 10\.0\.0\.0\/8/],
    ['[[trust]]\nto = "a"\nports = "x"\n', /^3 .*not a port/],
    [
      '[[trust]]\nto = "A.internal"\n[[trust]]\nto = "a.internal."\n',
      /^3 .*has an entry already, at sallyport\.toml:1/,
    ],
    ['[env.staging]\ntrusts = []\n', /env\.staging\.trusts/],
  ];
  for (const [toml, told, more] of cases) assert.match(await refused(t, toml, more), told);
});

test('a key that everybody may read is refused, also when it is in the file of its certificate', async (t) => {
  const toml = '[[trust]]\ncert = "both.pem"\n';
  assert.match(
    await refused(t, toml, { 'both.pem': client.cert + client.key }),
    /both\.pem \(mode 6[46]4\): chmod 600/,
  );
  const bench = await startSettings(t, '', files);
  await writePrivate(bench.folder, { 'both.pem': client.cert + client.key });
  await chmod(join(bench.folder, 'both.pem'), 0o600);
});

test('entries of an environment go before equally exact ones of all, and are nobody else’s', async (t) => {
  const { settings } = await startSettings(
    t,
    `[[trust]]
to = "*.internal"
[[trust]]
to = "db.internal"
[[env.staging.trust]]
to = "*.internal"
ca = "ca.pem"
`,
    files,
  );
  const placeOf = (environment: string | undefined, hostname: string): string | undefined =>
    settings.findFor(environment)({ hostname, port: 1 }).about.place;
  assert.deepEqual(
    [undefined, 'staging', 'other'].map((environment) => placeOf(environment, 'a.internal')),
    ['sallyport.toml:1', 'sallyport.toml:5', 'sallyport.toml:1'],
  );
  assert.equal(placeOf('staging', 'db.internal'), 'sallyport.toml:3');
  assert.equal(placeOf('staging', 'internal'), undefined);
});

test('changed files are used at once, both or neither, and the same settings stay the same object', async (t) => {
  const bench = await startSettings(t, '[[trust]]\ncert = "client.pem"\nkey = "client.key"\n', files);
  const find = bench.settings.findFor(undefined);
  const now = () => find({ hostname: 'a', port: 1 });
  const first = now();
  assert.equal(now(), first);
  const next = await issue('client', { commonName: 'renewed' });
  await bench.write({ 'client.pem': next.cert });
  assert.equal(now(), first, 'a certificate without its key is of no use');
  const kept = await bench.events.next(({ type }) => type === 'tls-unusable');
  assert.ok(kept.type === 'tls-unusable' && kept.kept);
  assert.match(kept.error.message, /client\.key" does not belong|client\.key does not belong/);
  assert.equal(now(), first);
  assert.equal(bench.events.all.length, 1, 'it is told once');
  await bench.write({ 'client.key': next.key });
  assert.equal(now().about.certificate, 'CN=renewed');
  assert.equal(now().key, next.key);
  await bench.events.next(({ type }) => type === 'tls-changed');
  await chmod(join(bench.folder, 'client.key'), 0o644);
  assert.equal(now().about.certificate, 'CN=renewed');
  const open = await bench.events.next(({ type }) => type === 'tls-unusable');
  assert.match(open.type === 'tls-unusable' ? open.error.message : '', /chmod 600/);
});

test('many changes of one size, in one moment, and switched links are all seen', async (t) => {
  const bench = await startSettings(t, '[[trust]]\nca = "link.pem"\n', { 'link.pem': ca });
  const find = bench.settings.findFor(undefined);
  for (let turn = 0; turn < 8; turn += 1) {
    const next = (await createAuthority(`Authority ${turn}`)).ca;
    if (turn % 2 === 0) await writeFile(join(bench.folder, 'link.pem'), next);
    else {
      await writeFile(join(bench.folder, `version-${turn}.pem`), next);
      await symlink(`version-${turn}.pem`, join(bench.folder, 'link.new'));
      await rename(join(bench.folder, 'link.new'), join(bench.folder, 'link.pem'));
    }
    assert.match(find({ hostname: 'a', port: 1 }).about.authorities, new RegExp(`Authority ${turn}$`));
  }
});

test('a file that cannot even be looked at leaves what was used before', async (t) => {
  const bench = await startSettings(t, '[[trust]]\nca = "link.pem"\n', { 'link.pem': ca });
  const find = bench.settings.findFor(undefined);
  const before = find({ hostname: 'a', port: 1 });
  await symlink('link.pem', join(bench.folder, 'link.new'));
  await rename(join(bench.folder, 'link.new'), join(bench.folder, 'link.pem'));
  assert.equal(find({ hostname: 'a', port: 1 }), before);
  const told = await bench.events.next(({ type }) => type === 'tls-unusable');
  assert.match(told.type === 'tls-unusable' ? told.error.message : '', /ELOOP/);
});

test('ends are told of step by step, once each, and are in the metrics', async (t) => {
  let now = Date.now() - 40 * day;
  const bench = await startSettings(t, '[[trust]]\ncert = "client.pem"\nkey = "client.key"\n', files, {
    now: () => now,
  });
  bench.settings.start();
  assert.equal(bench.events.all.length, 0);
  const [used] = bench.settings.certificates();
  for (const left of [29, 20, 13, 6, 2.5, 0.5, -0.5, -3]) {
    now = used!.ends - left * day;
    bench.settings.lookAtEnds();
    bench.settings.lookAtEnds();
  }
  assert.deepEqual(
    bench.events.all.flatMap((event) => (event.type === 'tls-expiring' ? [event.daysLeft] : [])),
    [29, 13, 6, 2, 0, -1],
  );
  const [family] = toTlsFamilies(bench.settings.certificates(), used!.ends - 2 * day);
  assert.match(
    family!.lines[0] ?? '',
    /^sallyport_tls_certificate_days_left\{source=".*client\.pem",kind="client",name="CN=worker"\} 2$/,
  );
});
