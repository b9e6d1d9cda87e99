// Changes on disk, as editors make them.
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchProject } from '../../src/index.ts';
import { temporaryFolder } from '../workbench.ts';

interface Changes {
  next(): Promise<string[]>;
  note(paths: string[]): void;
  count: number;
}

function createChanges(): Changes {
  const seen: string[][] = [];
  const waiting: ((paths: string[]) => void)[] = [];
  return {
    count: 0,
    next: () =>
      new Promise((resolve) => {
        const known = seen.shift();
        if (known) resolve(known);
        else waiting.push(resolve);
      }),
    note(paths) {
      this.count += 1;
      const first = waiting.shift();
      if (first) first(paths);
      else seen.push(paths);
    },
  };
}

test('watchProject() reports writes, atomic renames and files that appear', async (t) => {
  const folder = await temporaryFolder(t);
  const [a, b, later] = ['a.ts', 'b.ts', 'later.ts'].map((name) => join(folder, name)) as [string, string, string];
  await Promise.all([writeFile(a, '1'), writeFile(b, '1')]);
  const changes = createChanges();
  await using watcher = await watchProject([a, later], (paths) => changes.note(paths));
  await writeFile(a, '2');
  assert.deepEqual(await changes.next(), [a]);
  await writeFile(`${a}.tmp`, '3');
  await rename(`${a}.tmp`, a);
  assert.deepEqual(await changes.next(), [a]);
  await writeFile(later, '1');
  assert.deepEqual(await changes.next(), [later]);
  watcher.update([b]);
  await writeFile(a, '4');
  await writeFile(b, '2');
  assert.deepEqual(await changes.next(), [b]);
});

test('watchProject() joins the events of one save, and what changes during a rebuild', async (t) => {
  const folder = await temporaryFolder(t);
  const files = ['a.ts', 'b.ts'].map((name) => join(folder, name));
  await Promise.all(files.map((file) => writeFile(file, '1')));
  const changes = createChanges();
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await using _ = await watchProject(files, (paths) => {
    changes.note(paths.sort());
    return changes.count === 1 ? held : undefined;
  });
  await Promise.all(files.map((file) => writeFile(file, '2')));
  assert.deepEqual(await changes.next(), files);
  await Promise.all(files.map((file) => writeFile(file, '3')));
  release();
  assert.ok((await changes.next()).length > 0);
});
