// What every control store promises, as tests any driver runs: `testControlStore('nats', openStore)`.
//
// `open` is called several times for the same storage within one test: stores must see each other's writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControlError, type ControlErrorCode } from '../errors.ts';
import { PresenceReader, startLease } from '../presence.ts';
import { absent, type ControlEvent, type ControlStore } from '../store.ts';

export interface ComplianceDriver {
  /** Another store over the storage of this test. */
  open: () => Promise<ControlStore>;
  /** Takes the storage away; every store is closed by then. */
  remove: () => Promise<void>;
}

/** Registers the suite. `prepare` makes fresh, empty storage for one test. */
export function testControlStore(name: string, prepare: () => Promise<ComplianceDriver>): void {
  const check = (title: string, body: (open: () => Promise<ControlStore>) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const driver = await prepare();
      const stores: ControlStore[] = [];
      try {
        await body(async () => {
          const store = await driver.open();
          stores.push(store);
          return store;
        });
      } finally {
        for (const store of stores) await store.close();
        await driver.remove();
      }
    });
  };

  check('a document is written only against the revision it has', async (open) => {
    const store = await open();
    assert.equal(await store.get('a/b'), undefined);
    assert.equal(await store.revision(), 0);
    const first = await store.put('a/b', { n: 1 }, { revision: absent });
    assert.deepEqual(await store.get('a/b'), first);
    await assert.rejects(store.put('a/b', 2, { revision: absent }), code('revision_conflict'));
    const second = await store.put('a/b', [null, 'é'], { revision: first.revision });
    assert.ok(second.revision > first.revision);
    await assert.rejects(store.put('a/b', 3, { revision: first.revision }), code('revision_conflict'));
    await assert.rejects(store.delete('a/b', { revision: first.revision }), code('revision_conflict'));
    await assert.rejects(store.delete('none', { revision: absent }), code('revision_conflict'));
    const deleted = await store.delete('a/b', { revision: second.revision });
    assert.ok(deleted > second.revision);
    assert.equal(await store.revision(), deleted);
    assert.equal(await store.get('a/b'), undefined);
    const again = await store.put('a/b', 4, { revision: absent });
    assert.ok(again.revision > deleted);
  });

  check('list() gives the documents of a prefix in order of keys', async (open) => {
    const store = await open();
    for (const key of ['b/2', 'a/2', 'a_1', 'a/1', 'A/1']) await store.put(key, key, { revision: absent });
    assert.deepEqual(
      (await store.list('a/')).map(({ key }) => key),
      ['a/1', 'a/2'],
    );
    assert.equal((await store.list('')).length, 5);
    assert.deepEqual(await store.list('%'), []);
  });

  check('keys and values that cannot be stored are refused', async (open) => {
    const store = await open();
    for (const key of ['', '/a', 'a/', 'a//b', 'a b', '*', 'a'.repeat(513)]) {
      await assert.rejects(store.put(key, 1, { revision: absent }), code('invalid_document'), key);
    }
    await assert.rejects(store.put('a', 'x'.repeat(1024 * 1024), { revision: absent }), code('invalid_document'));
    assert.equal(await store.revision(), 0);
  });

  check('a watch resumes after any revision, in order, without gap or repetition', async (open) => {
    const store = await open();
    const watcher = await open();
    const first = await store.put('a/1', 1, { revision: absent });
    await store.put('b/1', 'other', { revision: absent });
    const third = await store.put('a/1', 2, { revision: first.revision });
    const all = take(watcher, { prefix: 'a/', after: 0, count: 4 });
    const rest = take(watcher, { prefix: 'a/', after: first.revision, count: 3 });
    const deleted = await store.delete('a/1', { revision: third.revision });
    const last = await store.put('a/2', 3, { revision: absent });
    const expected: ControlEvent[] = [
      { type: 'put', ...first },
      { type: 'put', ...third },
      { type: 'delete', key: 'a/1', revision: deleted },
      { type: 'put', ...last },
    ];
    assert.deepEqual(await all, expected);
    assert.deepEqual(await rest, expected.slice(1));
  });

  check('a watch ends when it is aborted and when the store closes', async (open) => {
    const store = await open();
    const abort = new AbortController();
    const aborted = take(store, { prefix: '', after: 0, count: 1, signal: abort.signal });
    const closed = take(store, { prefix: '', after: 0, count: 1 });
    abort.abort();
    assert.deepEqual(await aborted, []);
    await store.close();
    await store.close();
    assert.deepEqual(await closed, []);
    await assert.rejects(store.get('a'), code('store_closed'));
  });

  check('of two stores that write against one revision, exactly one wins', async (open) => {
    const stores = [await open(), await open()];
    let { revision } = await stores[0]!.put('a', 0, { revision: absent });
    for (let round = 0; round < 50; round += 1) {
      const before = revision;
      const results = await Promise.allSettled(stores.map((store) => store.put('a', round, { revision: before })));
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.revision] : []));
      assert.equal(won.length, 1);
      revision = won[0]!;
    }
  });

  check('presence ends with the last heartbeat, by the clock of its reader', async (open) => {
    const store = await open();
    let now = 0;
    const reader = new PresenceReader(await open(), { clock: { now: () => now } });
    const names = async (): Promise<string[]> => (await reader.present('presence/')).map(({ key }) => key);
    const steady = await startLease(store, { key: 'presence/a', value: { name: 'a' }, timeToLive: 1000 });
    const silent = await startLease(store, { key: 'presence/b', value: null, timeToLive: 1000 });
    assert.deepEqual(await names(), ['presence/a', 'presence/b']);
    now = 999;
    await steady.beat();
    assert.deepEqual(await names(), ['presence/a', 'presence/b']);
    now = 1000;
    assert.deepEqual(await names(), ['presence/a']);
    await silent.beat();
    assert.deepEqual(await names(), ['presence/a', 'presence/b']);
    await steady.release();
    await steady.release();
    assert.deepEqual(await names(), ['presence/b']);
    await startLease(store, { key: 'presence/b', value: 'taken', timeToLive: 1000 });
    await assert.rejects(silent.beat(), code('revision_conflict'));
  });
}

function code(wanted: ControlErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ControlError && error.code === wanted;
}

async function take(
  store: ControlStore,
  { count, ...options }: { prefix: string; after: number; count: number; signal?: AbortSignal },
): Promise<ControlEvent[]> {
  const events: ControlEvent[] = [];
  for await (const event of store.watch(options)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}
