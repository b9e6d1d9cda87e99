// The embedded driver: the compliance suite, then what only processes and files can show.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testControlStore } from '../src/compliance/index.ts';
import { absent, ControlError, presencePrefix, startLease, startSqliteStore } from '../src/index.ts';

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'sallyport-control-'));

testControlStore('sqlite', async () => {
  const folder = await temporary();
  return {
    open: async () => startSqliteStore({ file: join(folder, 'control.db') }),
    remove: () => rm(folder, { recursive: true }),
  };
});

async function fileFor(t: TestContext): Promise<string> {
  const folder = await temporary();
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'control.db');
}

const writer = fileURLToPath(new URL('support/writer.ts', import.meta.url));
const run = (...parameters: string[]): ChildProcess =>
  spawn(process.execPath, [...process.execArgv.filter((flag) => !flag.startsWith('--test')), writer, ...parameters], {
    stdio: 'pipe',
  });

/** Waits for its end; what it said on standard error is the failure's message. */
async function succeeds(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, said);
}

test('kill -9 amid writing leaves whole documents, every acknowledged write, and revisions that go on', async (t) => {
  const file = await fileFor(t);
  let newest = 0;
  for (const lines of [1, 7, 23]) {
    const child = run(file, 'stream');
    const exit = once(child, 'exit');
    let acknowledged = newest;
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout! })) {
      acknowledged = Number(line);
      seen += 1;
      if (seen === lines) child.kill('SIGKILL');
    }
    await exit;
    assert.equal(child.signalCode, 'SIGKILL');
    const store = startSqliteStore({ file });
    const { value, revision } = (await store.get('stream'))!;
    const { round, body } = value as { round: number; body: string };
    assert.equal(body, String(round).repeat(20_000));
    assert.ok(revision >= acknowledged, `${revision} is older than the acknowledged ${acknowledged}`);
    assert.equal(await store.revision(), revision);
    newest = (await store.put('stream', value, { revision })).revision;
    assert.ok(newest > revision);
    await store.close();
  }
});

test('two processes that compare and set one counter lose no increment', async (t) => {
  const file = await fileFor(t);
  const children = [run(file, 'race', '200'), run(file, 'race', '200')];
  for (const child of children) child.stdout!.resume();
  await Promise.all(children.map(succeeds));
  const store = startSqliteStore({ file });
  assert.equal((await store.get('counter'))?.value, 400);
  assert.equal(await store.revision(), 400);
  await store.close();
});

test('processes that open one new store at the same moment all get it', async (t) => {
  const file = await fileFor(t);
  const children = [run(file, 'open'), run(file, 'open')];
  const ends = children.map(succeeds);
  const lines = children.map((child) => createInterface({ input: child.stdout! })[Symbol.asyncIterator]());
  for (let round = 0; round < 100; round += 1) {
    for (const child of children) child.stdin!.write(`${round}\n`);
    const done = await Promise.all(lines.map((each) => each.next()));
    if (done.some((line) => line.done === true)) break;
    const store = startSqliteStore({ file: `${file}.${round}` });
    assert.equal((await store.get('counter'))?.value, 2);
    await store.close();
  }
  for (const child of children) child.stdin!.end();
  await Promise.all(ends);
});

const isCompacted = (error: unknown): boolean => error instanceof ControlError && error.code === 'revision_compacted';

test('a watch that asks for more history than is kept is told to list again', async (t) => {
  const store = startSqliteStore({ file: await fileFor(t), history: 2 });
  for (const key of ['a', 'b', 'c', 'd']) await store.put(key, 1, { revision: absent });
  await assert.rejects(store.watch({ after: 1 })[Symbol.asyncIterator]().next(), isCompacted);
  const { value } = await store.watch({ after: 2 })[Symbol.asyncIterator]().next();
  assert.equal(value.key, 'c');
  await store.close();
});

test('heartbeats push nothing out of the history', async (t) => {
  const store = startSqliteStore({ file: await fileFor(t), history: 10 });
  const first = await store.put('a', 1, { revision: absent });
  const second = await store.put('b', 1, { revision: absent });
  const lease = await startLease(store, { key: `${presencePrefix}edge`, value: null, timeToLive: 1000 });
  for (let beat = 0; beat < 200; beat += 1) await lease.beat();
  const third = await store.put('c', 1, { revision: absent });
  const seen: string[] = [];
  for await (const { key } of store.watch({ after: first.revision })) {
    seen.push(key);
    if (key === 'c') break;
  }
  assert.deepEqual(seen, ['b', 'presence/edge', 'c']);
  assert.equal(third.revision, second.revision + 202);
  await store.close();
});

test('a history that was trimmed before says so after a restart', async (t) => {
  const file = await fileFor(t);
  const before = startSqliteStore({ file, history: 2 });
  for (const key of ['a', 'b', 'c', 'd']) await before.put(key, 1, { revision: absent });
  await before.close();
  const store = startSqliteStore({ file });
  await assert.rejects(store.watch({ after: 1 })[Symbol.asyncIterator]().next(), isCompacted);
  assert.equal((await store.watch({ after: 2 })[Symbol.asyncIterator]().next()).value.key, 'c');
  await store.close();
});

test('the file is readable by its owner only', async (t) => {
  const file = await fileFor(t);
  await startSqliteStore({ file }).close();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a file that is no database is refused with its name', async (t) => {
  const folder = join(await fileFor(t), 'missing', 'control.db');
  assert.throws(
    () => startSqliteStore({ file: folder }),
    (error) => error instanceof ControlError && error.code === 'store_failed' && error.message.includes(folder),
  );
});
