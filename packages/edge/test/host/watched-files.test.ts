// Which files are watched, and which were read too early.
import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { WatchedFiles } from '../../src/host/watched-files.ts';
import { temporaryFolder, writeFiles } from '../support/dev-bench.ts';

const since = Date.UTC(2026, 0, 1);
const before = new Date(since - 1_000);
const after = new Date(since + 1_000);

test('a file saved after it was read and before it was watched is told once', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { a: '', b: '' });
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  await utimes(a, before, before);
  await utimes(b, after, after);
  const told: string[][] = [];
  const files = new WatchedFiles((paths) => told.push([...paths]));
  assert.equal(await files.update([a], { since, generates: false }), false);
  assert.equal(await files.update([a, b, join(folder, 'absent')], { since, generates: false }), true);
  assert.equal(await files.update([a, b], { since, generates: false }), false, 'the watcher told already');
  assert.deepEqual(told, [[a], [a, b, join(folder, 'absent')], [a, b]]);
});

test('what the build step has written is neither watched nor stale', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { source: '', output: '' });
  const [source, output] = [join(folder, 'source'), join(folder, 'output')];
  await utimes(source, before, before);
  await utimes(output, after, after);
  const told: string[][] = [];
  const files = new WatchedFiles((paths) => told.push([...paths]));
  assert.equal(await files.update([source, output, folder], { since, generates: true }), false);
  assert.deepEqual(told, [[source, folder]]);
});
