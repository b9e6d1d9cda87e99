// Hyperdrive configurations: what may be in one, and who gets to know the password.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ControlChange, HyperdriveSettings, ResolvedHyperdriveConfig } from '../../src/index.ts';
import { type Bench, code, createBench, openControl } from '../support/bench.ts';
import { issue } from '../support/certificates.ts';

const origin = { host: 'db.example', database: 'sales', user: 'app', password: 'the password' } as const;

test('a configuration has the documented defaults, and resolves with its password', async (t) => {
  const { control } = await createBench(t, { date: () => new Date('2026-01-02T03:04:05Z') });
  const { hyperdrive } = control;
  const config = await hyperdrive.create({ name: 'sales', origin: { ...origin, host: 'DB.Example.' } });
  assert.match(config.id, /^[0-9a-f]{32}$/);
  assert.deepEqual(config, {
    id: config.id,
    name: 'sales',
    origin: { scheme: 'postgresql', host: 'db.example', port: 5432, database: 'sales', user: 'app' },
    caching: { disabled: false, max_age: 60, stale_while_revalidate: 15 },
    mtls: { sslmode: 'require' },
    created_on: '2026-01-02T03:04:05.000Z',
    modified_on: '2026-01-02T03:04:05.000Z',
  });
  assert.deepEqual(hyperdrive.resolve(config.id), {
    ...config,
    origin: { ...config.origin, password: 'the password' },
    tls: {},
  });
  assert.deepEqual([hyperdrive.find('sales'), hyperdrive.find(config.id)], [config, config]);
  assert.equal(hyperdrive.resolve('0'.repeat(32)), undefined);
});

test('a change keeps what it does not name, a replacement keeps nothing', async (t) => {
  const { control } = await createBench(t);
  const { hyperdrive } = control;
  const { id } = await hyperdrive.create({ name: 'a', origin, caching: { max_age: 5 }, origin_connection_limit: 7 });
  const changed = await hyperdrive.update(id, {
    name: 'b',
    origin: { user: 'other' },
    mtls: { sslmode: 'verify-full' },
  });
  assert.deepEqual(
    [changed.name, changed.origin.user, changed.origin.host, changed.caching.max_age, changed.origin_connection_limit],
    ['b', 'other', 'db.example', 5, 7],
  );
  assert.equal(hyperdrive.resolve(id)!.origin.password, 'the password');
  assert.equal((await hyperdrive.update(id, { origin_connection_limit: null })).origin_connection_limit, undefined);
  const off = await hyperdrive.update(id, { caching: { disabled: true } });
  assert.equal(off.caching.disabled, true);
  await assert.rejects(hyperdrive.update(id, { caching: { max_age: 9 } }), code('invalid_value', 'disabled'));
  await assert.rejects(
    hyperdrive.replace(id, { name: 'b', origin: { ...origin, password: undefined } }),
    code('invalid_value', 'password'),
  );
  const replaced = await hyperdrive.replace(id, { name: 'c', origin: { ...origin, password: 'new' } });
  assert.deepEqual(
    [replaced.name, replaced.caching.disabled, replaced.mtls.sslmode, hyperdrive.resolve(id)!.origin.password],
    ['c', false, 'require', 'new'],
  );
  assert.equal(replaced.created_on, changed.created_on);
});

test('names are unique, and free again after a rename or a deletion', async (t) => {
  const { control } = await createBench(t);
  const { hyperdrive } = control;
  const { id } = await hyperdrive.create({ name: 'a', origin });
  const other = await hyperdrive.create({ name: 'b', origin });
  await assert.rejects(hyperdrive.create({ name: 'a', origin }), code('already_exists'));
  await assert.rejects(hyperdrive.update(other.id, { name: 'a' }), code('already_exists'));
  await hyperdrive.update(id, { name: 'c' });
  await hyperdrive.create({ name: 'a', origin });
  await hyperdrive.delete(id);
  await hyperdrive.create({ name: 'c', origin });
  await assert.rejects(hyperdrive.delete(id), code('not_found'));
  assert.deepEqual(
    hyperdrive.list().map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

test('what cannot be a configuration is refused with the value that is wrong', async (t) => {
  const { control } = await createBench(t);
  const bad: [HyperdriveSettings, string][] = [
    [{ origin: { ...origin, scheme: 'mysql' } }, 'MySQL'],
    [{ origin: { ...origin, scheme: 'http' } }, 'http'],
    [{ origin: { ...origin, host: 'a b' } }, 'host'],
    [{ origin: { ...origin, host: '/run/postgresql' } }, 'socket'],
    [{ origin: { ...origin, host: undefined } }, 'host'],
    [{ origin: { ...origin, port: 0 } }, 'port'],
    [{ origin: { ...origin, port: 1.5 } }, 'port'],
    [{ origin: { ...origin, port: 65_536 } }, 'port'],
    [{ origin: { ...origin, user: 'ü'.repeat(32) } }, '63 bytes'],
    [{ origin: { ...origin, database: 'x'.repeat(64) } }, '63 bytes'],
    [{ origin: { ...origin, database: 'a\0b' } }, 'control character'],
    [{ origin: { ...origin, password: '' } }, 'password'],
    [{ origin: { ...origin, password: 'x'.repeat(1025) } }, 'password'],
    [{ origin, caching: { max_age: 3601 } }, 'max_age'],
    [{ origin, caching: { max_age: -1 } }, 'max_age'],
    [{ origin, caching: { stale_while_revalidate: 0.5 } }, 'stale_while_revalidate'],
    [{ origin, caching: { disabled: true, max_age: 5 } }, 'disabled'],
    [{ origin, mtls: { sslmode: 'prefer' } }, 'in between'],
    [{ origin, mtls: { sslmode: 'on' } }, 'verify-full'],
    [{ origin, mtls: { sslmode: 'disable', ca_certificate_id: 'x' } }, 'no use'],
    [{ origin, origin_connection_limit: 0 }, 'origin_connection_limit'],
    [{ origin, origin_connection_limit: 1501 }, 'origin_connection_limit'],
  ];
  for (const [settings, text] of bad) {
    await assert.rejects(control.hyperdrive.create({ name: 'a', ...settings }), code('invalid_value', text), text);
  }
  await assert.rejects(control.hyperdrive.create({ name: ' ', origin }), code('invalid_value'));
  const user = 'ü'.repeat(31);
  await control.hyperdrive.create({ name: 'a', origin: { ...origin, user, host: '[fd00::1]' } });
  assert.equal(control.hyperdrive.find('a')!.origin.host, 'fd00::1');
});

const refuse = (): Promise<never> => Promise.reject(new Error('no'));

test('a configuration is tried before it is stored, and again only when the way to the database changes', async (t) => {
  const { control } = await createBench(t);
  const { hyperdrive } = control;
  const tried: ResolvedHyperdriveConfig[] = [];
  const check = (config: ResolvedHyperdriveConfig): Promise<void> => Promise.resolve(void tried.push(config));
  await assert.rejects(hyperdrive.create({ name: 'a', origin }, refuse), /no/);
  assert.deepEqual(hyperdrive.list(), []);
  const { id } = await hyperdrive.create({ name: 'a', origin }, check);
  assert.deepEqual([tried[0]!.name, tried[0]!.origin.password], ['a', 'the password']);
  await hyperdrive.update(id, { name: 'b', caching: { max_age: 1 }, origin_connection_limit: 5 }, refuse);
  for (const settings of [{ origin: { password: 'new' } }, { origin: { port: 1 } }, { mtls: { sslmode: 'disable' } }]) {
    await assert.rejects(hyperdrive.update(id, settings, refuse), /no/);
  }
  assert.deepEqual([hyperdrive.resolve(id)!.origin.password, hyperdrive.get(id)!.origin.port], ['the password', 5432]);
  await hyperdrive.update(id, { origin: { password: 'new' } }, check);
  assert.deepEqual([tried.length, tried[1]!.origin.password], [2, 'new']);
});

test('of two changes at the same moment, what was checked is what is stored', async (t) => {
  const { control } = await createBench(t);
  const { hyperdrive } = control;
  const { id } = await hyperdrive.create({ name: 'a', origin });
  const slow = hyperdrive.update(id, { origin: { port: 1 } }, async () => {
    await hyperdrive.update(id, { origin: { host: 'other.example' } });
  });
  await assert.rejects(slow, code('revision_conflict'));
  assert.deepEqual([hyperdrive.get(id)!.origin.host, hyperdrive.get(id)!.origin.port], ['other.example', 5432]);
});

async function databaseText({ folder }: Bench): Promise<string> {
  const files = await Promise.all(
    ['control.db', 'control.db-wal'].map((name) => readFile(join(folder, name), 'latin1')),
  );
  return files.join('');
}

test('a stolen database opens no password and no private key', async (t) => {
  const bench = await createBench(t);
  const { control } = bench;
  const { cert, key } = await issue('client');
  const own = await control.certificates.upload({ ca: false, certificates: cert, private_key: key });
  await control.hyperdrive.create({ name: 'a', origin, mtls: { mtls_certificate_id: own.id } });
  const text = await databaseText(bench);
  assert.ok(text.includes('db.example'));
  const lines = key.split('\n').filter((line) => line.length > 40 && !line.startsWith('-----'));
  assert.ok(lines.length > 0);
  for (const secret of ['the password', Buffer.from('the password').toString('base64'), ...lines]) {
    assert.ok(!text.includes(secret), secret);
  }
  const thief = await openControl(t, bench.folder, { keyFile: join(bench.folder, 'another key') });
  const { id } = thief.control.hyperdrive.find('a')!;
  assert.throws(() => thief.control.hyperdrive.resolve(id), code('secret_unreadable'));
});

async function otherProcess(t: TestContext): Promise<[Bench, Bench]> {
  const bench = await createBench(t);
  return [bench, await openControl(t, bench.folder)];
}

test('every process hears of new, changed and deleted configurations', async (t) => {
  const [one, other] = await otherProcess(t);
  const heard: ControlChange[] = [];
  const deleted = new Promise<void>((resolve) => {
    other.control.onChange((change) => {
      heard.push(change);
      if (change.type === 'hyperdrive-deleted') resolve();
    });
  });
  const { id } = await one.control.hyperdrive.create({ name: 'a', origin });
  await one.control.hyperdrive.update(id, { caching: { disabled: true } });
  await one.control.hyperdrive.delete(id);
  await deleted;
  assert.deepEqual(heard, [
    { type: 'hyperdrive-changed', id },
    { type: 'hyperdrive-changed', id },
    { type: 'hyperdrive-deleted', id },
  ]);
});
