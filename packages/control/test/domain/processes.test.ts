// One store, several processes: what must be unique stays so, whoever is faster or dies in between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { absent, type Control, type ControlChange, type ControlStore, type RouteMatch } from '../../src/index.ts';
import { nameKey, prefixes, tunnelKey } from '../../src/domain/records.ts';
import { code, createBench, interrupted, openControl, temporaryFolder } from '../support/bench.ts';

const racer = fileURLToPath(new URL('../support/racer.ts', import.meta.url));

test('of processes that create the same things at the same time, one wins each', { timeout: 60_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  const rounds = 20;
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--test'));
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, [...flags, racer, folder, String(rounds)], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const exits = children.map((child) => once(child, 'exit'));
  const readers = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]());
  for (const reader of readers) assert.equal((await reader.next()).value, 'ready');
  for (const child of children) child.stdin.write('go\n');
  const won: Record<string, number[]> = {};
  for (const reader of readers) {
    for (let round = 0; round < rounds; round += 1) {
      const line = JSON.parse((await reader.next()).value as string) as Record<string, boolean>;
      for (const [kind, wins] of Object.entries(line)) {
        won[kind] ??= Array<number>(rounds).fill(0);
        won[kind][round]! += Number(wins);
      }
    }
  }
  for (const [exit] of await Promise.all(exits)) assert.equal(exit, 0);
  // Whose name is taken from them while they take it may both go away empty-handed, so names have at most one winner.
  for (const [kind, counts] of Object.entries(won)) {
    assert.ok(Math.max(...counts) === 1, `${kind}: ${counts.join()}`);
    if (!['tunnel', 'network', 'hyperdrive'].includes(kind))
      assert.ok(
        counts.every((count) => count === 1),
        kind,
      );
  }
  const { control } = await openControl(t, folder);
  for (let round = 0; round < rounds; round += 1) {
    assert.equal(control.tunnels.list({ name: `tunnel ${round}` }).length, won['tunnel']![round]);
    if (won['tunnel']![round] === 0) await control.tunnels.create({ name: `tunnel ${round}` });
  }
  const databases = won['hyperdrive']!.map((_, round) => control.hyperdrive.find(`database ${round}`) !== undefined);
  assert.deepEqual(databases.map(Number), won['hyperdrive']);
  assert.equal(control.networks.list().filter(({ is_default_network }) => is_default_network).length, 1);
});

/** What of three writers that want one name each got, when the second acts amid the first's writes. */
const wanting: Record<string, (control: Control, existing: string) => Promise<unknown>> = {
  create: (control) => control.tunnels.create({ name: 'wanted' }),
  rename: (control, existing) => control.tunnels.update(existing, { name: 'wanted' }),
};

for (const [first, take] of Object.entries(wanting)) {
  for (const [second, other] of Object.entries(wanting)) {
    test(`a name is never given twice: ${second} before each write of ${first}`, async (t) => {
      for (let at = 1; at <= 5; at += 1) {
        const { control, store, folder } = await createBench(t);
        const [a, b] = [await control.tunnels.create({ name: 'a' }), await control.tunnels.create({ name: 'b' })];
        let otherWon: boolean | undefined;
        const slow = await openControl(t, folder, {
          store: interrupted(store, at, async () => {
            otherWon = await other(control, b.id).then(
              () => true,
              () => false,
            );
          }),
        });
        const firstWon = await take(slow.control, a.id).then(
          () => true,
          () => false,
        );
        const holders = control.tunnels.list({ name: 'wanted', deleted: false });
        assert.equal(holders.length, Number(firstWon) + Number(otherWon === true), `before write ${at}`);
        assert.ok(holders.length <= 1, `before write ${at}`);
        // Nothing of it stays in the way.
        for (const { id } of holders) await control.tunnels.delete(id);
        await control.tunnels.create({ name: 'wanted' });
      }
    });
  }
}

test('a tunnel that is deleted while it is renamed stays deleted, and both names are free', async (t) => {
  for (let at = 1; at <= 3; at += 1) {
    const { control, store, folder } = await createBench(t);
    const { id } = await control.tunnels.create({ name: 'a' });
    const slow = interrupted(store, at, async () => void (await control.tunnels.delete(id)));
    const renamed = (await openControl(t, folder, { store: slow })).control.tunnels.update(id, { name: 'b' });
    await assert.rejects(renamed, code('not_found'), `before write ${at}`);
    assert.deepEqual(control.tunnels.list({ deleted: false }), []);
    for (const name of ['a', 'b']) await control.tunnels.create({ name });
  }
});

test('a route that is deleted or changed while it is changed is not brought back or undone', async (t) => {
  const { control, store, folder } = await createBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'a' });
  const { id } = await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id });
  const commented = interrupted(store, 1, async () => void (await control.routes.ip.update(id, { comment: 'mine' })));
  const other = await control.tunnels.create({ name: 'b' });
  const slow = (await openControl(t, folder, { store: commented })).control;
  const route = await slow.routes.ip.update(id, { tunnel_id: other.id });
  assert.deepEqual([route.comment, route.tunnel_id], ['mine', other.id]);
  const deleting = interrupted(store, 1, async () => void (await control.routes.ip.delete(id)));
  const late = (await openControl(t, folder, { store: deleting })).control;
  await assert.rejects(late.routes.ip.update(id, { comment: 'late' }), code('not_found'));
  assert.deepEqual(control.routes.ip.list(), []);
});

test('a name that a process was taking when it died can be taken', async (t) => {
  for (let at = 2; at <= 3; at += 1) {
    const { control, store, folder } = await createBench(t);
    const dying = interrupted(store, at, () => new Promise(() => {}));
    const { control: dead } = await openControl(t, folder, { store: dying });
    void dead.tunnels.create({ name: 'a' });
    const left = async (): Promise<boolean> => {
      const index = await store.get(nameKey(prefixes.tunnelNames, 'a'));
      return (at === 2 ? (await store.list(prefixes.tunnels)).length > 0 : index !== undefined) === true;
    };
    while (!(await left())) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(control.tunnels.list(), []);
    const { id } = await control.tunnels.create({ name: 'a' });
    assert.equal(control.tunnels.find('a')?.id, id);
    assert.equal((await openControl(t, folder)).control.tunnels.list().length, 1);
  }
});

test('what another process writes is followed, and told to listeners', async (t) => {
  const { control, folder } = await createBench(t);
  const other = (await openControl(t, folder)).control;
  const changes: ControlChange[] = [];
  const seen = (wanted: (change: ControlChange) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const stop = other.onChange((change) => {
        changes.push(change);
        if (!wanted(change)) return;
        stop();
        resolve();
      });
    });
  let heard = seen(({ type }) => type === 'routes-changed');
  const { id } = await control.tunnels.create({ name: 'a' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: id });
  await heard;
  const expected: RouteMatch = { tunnelId: id, match: '10.0.0.0/8' };
  assert.deepEqual(other.table.forAddress(undefined, '10.0.0.1'), expected);
  assert.equal(other.table.tunnelName(id), 'a');
  assert.deepEqual(await other.tunnels.secretOf(id), await control.tunnels.secretOf(id));
  heard = seen(({ type }) => type === 'tunnel-deleted');
  await control.tunnels.delete(id, { cascade: true });
  await heard;
  assert.equal(await other.tunnels.secretOf(id), undefined);
  assert.equal(other.table.forAddress(undefined, '10.0.0.1'), undefined);
});

test('a route made while its tunnel is being deleted does not outlive it', async (t) => {
  for (const order of ['before', 'after'] as const) {
    const { control, store, folder } = await createBench(t);
    const { id } = await control.tunnels.create({ name: 'a' });
    const remove = async (): Promise<void> => void (await control.tunnels.delete(id, { cascade: true }));
    const slowStore = order === 'before' ? interrupted(store, 1, remove) : store;
    const slow = (await openControl(t, folder, { store: slowStore })).control;
    const made = slow.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: id });
    if (order === 'before') await assert.rejects(made, code('not_found', `tunnel ${id}`));
    else {
      await made;
      await remove();
    }
    assert.deepEqual(await store.list(prefixes.ipRoutes), []);
  }
});

test('a route that is left over leads nowhere and is in nobody’s way', async (t) => {
  const { control, store } = await createBench(t);
  const gone = await control.tunnels.create({ name: 'gone' });
  const here = await control.tunnels.create({ name: 'here' });
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: gone.id });
  await control.routes.ip.create({ network: '10.0.0.0/7', tunnel_id: here.id });
  // As a process leaves it that dies between deleting a tunnel and its routes.
  const { value, revision } = (await store.get(tunnelKey(gone.id)))!;
  await store.put(tunnelKey(gone.id), { ...(value as object), secret: null, deleted_at: '2026-01-01' }, { revision });
  await control.networks.create({ name: 'anything, to have seen that' });
  assert.equal(control.table.forAddress(undefined, '10.0.0.1')?.tunnelId, here.id);
  assert.deepEqual(control.table.announced(gone.id).cidrs, []);
  await control.routes.ip.create({ network: '10.0.0.0/8', tunnel_id: here.id });
  assert.equal(control.table.forAddress(undefined, '10.0.0.1')?.match, '10.0.0.0/8');
});

test('a control that missed more changes than are kept reads everything again', async (t) => {
  const folder = await temporaryFolder(t);
  const { control } = await openControl(t, folder);
  const gone = await control.tunnels.create({ name: 'gone' });
  // A replica that is held back while the history moves on.
  const hold = new EventEmitter();
  const held = once(hold, 'release');
  const { store: plain } = await openControl(t, folder);
  let calls = 0;
  const late: ControlStore = {
    get: (key) => plain.get(key),
    list: (prefix) => plain.list(prefix),
    revision: () => plain.revision(),
    put: (key, value, options) => plain.put(key, value, options),
    delete: (key, options) => plain.delete(key, options),
    close: () => plain.close(),
    async *watch(options) {
      calls += 1;
      if (calls === 1) await held;
      yield* plain.watch(options);
    },
  };
  const { control: behind } = await openControl(t, folder, { store: late });
  await control.tunnels.delete(gone.id);
  const { id } = await control.tunnels.create({ name: 'new' });
  const short = (await openControl(t, folder, { history: 2 })).store;
  let { revision } = await short.put('other', 0, { revision: absent });
  for (let index = 0; index < 5; index += 1) ({ revision } = await short.put('other', index, { revision }));
  assert.equal(behind.tunnels.find('new'), undefined);
  const deleted = new Promise<void>((resolve) => {
    behind.onChange(({ type }) => type === 'tunnel-deleted' && resolve());
  });
  hold.emit('release');
  await deleted;
  assert.equal((await behind.tunnels.create({ name: 'b' })).name, 'b');
  assert.equal(behind.tunnels.find('new')?.id, id);
});
