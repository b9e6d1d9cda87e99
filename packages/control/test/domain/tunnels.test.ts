// Tunnels: names are unique, secrets are sealed, deletion ends what depends on them.
import assert from 'node:assert/strict';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type ControlChange, maxDeletedTunnels } from '../../src/index.ts';
import { code, createBench, openControl, temporaryFolder } from '../support/bench.ts';

test('a tunnel is found by id and by name, and never shows its secret', async (t) => {
  const { control } = await createBench(t, { date: () => new Date('2026-01-02T03:04:05Z') });
  const secret = Buffer.alloc(40, 'S');
  const tunnel = await control.tunnels.create({ name: 'home', secret });
  assert.deepEqual(Object.keys(tunnel).sort(), ['created_at', 'deleted_at', 'id', 'name']);
  assert.equal(tunnel.created_at, '2026-01-02T03:04:05.000Z');
  assert.deepEqual(control.tunnels.find('home'), tunnel);
  assert.deepEqual(control.tunnels.find(tunnel.id), tunnel);
  assert.deepEqual(control.tunnels.find(tunnel.id.toUpperCase()), tunnel);
  assert.equal(control.tunnels.find('Home'), undefined);
  assert.deepEqual(control.tunnels.list(), [tunnel]);
  assert.deepEqual(await control.tunnels.secretOf(tunnel.id), secret);
  assert.equal(await control.tunnels.secretOf('none'), undefined);
  assert.equal((await control.tunnels.secretOf((await control.tunnels.create({ name: 'b' })).id))?.length, 32);
  for (const shown of [inspect(control, { depth: 20 }), JSON.stringify(control.tunnels.list())]) {
    assert.ok(!shown.includes('SSSSSSSS') && !shown.includes(secret.toString('base64').slice(0, 12)));
  }
});

test('names and secrets that cannot be used are refused, without showing the secret', async (t) => {
  const { control } = await createBench(t);
  const names = ['', ' ', ' a', 'a\n', '\u001b[2J', 'a'.repeat(101), '\ud800', '6ff42ae2-765d-4adf-8112-31c55c1551ef'];
  for (const name of names) await assert.rejects(control.tunnels.create({ name }), code('invalid_value'), name);
  for (const secret of [Buffer.alloc(31, 'S'), Buffer.alloc(513, 'S')]) {
    await assert.rejects(control.tunnels.create({ name: 'a', secret }), (error) => {
      return code('invalid_value')(error) && !String(error).includes('SSS');
    });
  }
  assert.deepEqual(control.tunnels.list(), []);
  await control.tunnels.create({ name: 'Zuhause, 1. Stock / ünïcode 🏠' });
});

test('a name is used once, and again after its tunnel was renamed or deleted', async (t) => {
  const { control } = await createBench(t);
  const first = await control.tunnels.create({ name: 'a' });
  await assert.rejects(
    control.tunnels.create({ name: 'a' }),
    code('already_exists', 'tunnel with name already exists'),
  );
  const second = await control.tunnels.create({ name: 'b' });
  await assert.rejects(control.tunnels.update(second.id, { name: 'a' }), code('already_exists'));
  assert.equal(control.tunnels.get(second.id)?.name, 'b');
  assert.equal((await control.tunnels.update(first.id, { name: 'c' })).name, 'c');
  assert.equal((await control.tunnels.update(first.id, { name: 'c' })).name, 'c');
  assert.equal((await control.tunnels.update(second.id, { name: 'a' })).id, second.id);
  await control.tunnels.delete(first.id);
  assert.equal(control.tunnels.find('c'), undefined);
  await control.tunnels.create({ name: 'c' });
  await assert.rejects(control.tunnels.update(first.id, { name: 'd' }), code('not_found'));
  await assert.rejects(control.tunnels.delete(first.id), code('not_found'));
});

test('renaming keeps the secret, and a new secret is told to listeners', async (t) => {
  const { control } = await createBench(t);
  const changes: ControlChange[] = [];
  const { id } = await control.tunnels.create({ name: 'a', secret: Buffer.alloc(32, 1) });
  const stop = control.onChange((change) => changes.push(change));
  await control.tunnels.update(id, { name: 'b' });
  assert.deepEqual(await control.tunnels.secretOf(id), Buffer.alloc(32, 1));
  assert.deepEqual(changes, []);
  await control.tunnels.update(id, { secret: Buffer.alloc(32, 2) });
  assert.deepEqual(await control.tunnels.secretOf(id), Buffer.alloc(32, 2));
  await control.tunnels.delete(id);
  assert.equal(await control.tunnels.secretOf(id), undefined);
  assert.deepEqual(changes, [
    { type: 'secret-changed', tunnelId: id },
    { type: 'tunnel-deleted', tunnelId: id },
  ]);
  stop();
  await control.tunnels.create({ name: 'c' });
  assert.equal(changes.length, 2);
});

test('a listener that throws is reported, and keeps no other from hearing', async (t) => {
  const failures: Error[] = [];
  const { control } = await createBench(t, { failed: (error) => failures.push(error) });
  const heard: string[] = [];
  control.onChange(() => {
    throw new Error('mine');
  });
  control.onChange(({ type }) => heard.push(type));
  await control.tunnels.delete((await control.tunnels.create({ name: 'a' })).id);
  assert.deepEqual([heard, failures.map(String)], [['tunnel-deleted'], ['Error: mine']]);
});

test('lists are filtered by id, name, prefix and time', async (t) => {
  let now = new Date('2026-01-01T00:00:00Z');
  const { control } = await createBench(t, { date: () => now });
  const a1 = await control.tunnels.create({ name: 'a1' });
  now = new Date('2026-02-01T00:00:00Z');
  await control.tunnels.create({ name: 'b1' });
  now = new Date('2026-03-01T00:00:00Z');
  await control.tunnels.delete(a1.id);
  const names = (filter: Parameters<typeof control.tunnels.list>[0]): string[] =>
    control.tunnels.list(filter).map(({ name }) => name);
  assert.deepEqual(names({}), ['a1', 'b1']);
  assert.deepEqual(names({ deleted: false }), ['b1']);
  assert.deepEqual(names({ deleted: true }), ['a1']);
  assert.deepEqual(names({ id: a1.id }), ['a1']);
  assert.deepEqual(names({ name: 'b' }), []);
  assert.deepEqual(names({ namePrefix: 'b' }), ['b1']);
  assert.deepEqual(names({ excludePrefix: 'b' }), ['a1']);
  assert.deepEqual(names({ existedAt: new Date('2026-01-15') }), ['a1']);
  assert.deepEqual(names({ existedAt: new Date('2026-02-15') }), ['a1', 'b1']);
  assert.deepEqual(names({ existedAt: new Date('2026-03-15') }), ['b1']);
});

test('only the last deleted tunnels are remembered', async (t) => {
  let minute = 0;
  const { control } = await createBench(t, { date: () => new Date(Date.UTC(2026, 0, 1, 0, (minute += 1))) });
  for (let index = 0; index < maxDeletedTunnels + 3; index += 1) {
    await control.tunnels.delete((await control.tunnels.create({ name: `t${index}` })).id);
  }
  const left = control.tunnels.list({ deleted: true }).map(({ name }) => name);
  assert.equal(left.length, maxDeletedTunnels);
  assert.ok(!left.includes('t2') && left.includes('t3'));
});

test('a stolen database opens no tunnel', async (t) => {
  const { control, folder } = await createBench(t);
  const secret = Buffer.from('a secret that nobody may find in a file', 'utf8');
  const { id } = await control.tunnels.create({ name: 'a', secret });
  await control.tunnels.update(id, { secret: Buffer.alloc(32, 'T') });
  for (const name of await readdir(folder)) {
    if (name === 'key') continue;
    const text = (await readFile(join(folder, name))).toString('latin1');
    for (const each of [secret, Buffer.alloc(32, 'T')]) {
      for (const encoding of ['latin1', 'base64', 'base64url', 'hex'] as const) {
        assert.ok(!text.includes(each.toString(encoding).slice(0, 16)), `${name} holds it in ${encoding}`);
      }
    }
  }
  const stolen = await temporaryFolder(t);
  for (const name of await readdir(folder)) if (name !== 'key') await copyFile(join(folder, name), join(stolen, name));
  const thief = await openControl(t, stolen);
  assert.equal(thief.control.tunnels.get(id)?.name, 'a');
  await assert.rejects(thief.control.tunnels.secretOf(id), code('secret_unreadable'));
});

test('the account keeps its tag, unless another is given', async (t) => {
  const { control, folder } = await createBench(t);
  assert.match(control.accountTag, /^[0-9a-f]{32}$/);
  assert.equal((await openControl(t, folder)).control.accountTag, control.accountTag);
  assert.equal((await openControl(t, folder, { accountTag: 'mine' })).control.accountTag, 'mine');
});
