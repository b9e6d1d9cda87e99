// Changes on disk, as editors make them.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
  const watcher = watchProject([a, later], (paths) => changes.note(paths));
  t.after(() => watcher.close());
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
  const gate = new EventEmitter();
  const held = once(gate, 'open').then(() => {});
  const watcher = watchProject(files, (paths) => {
    changes.note(paths.sort());
    return changes.count === 1 ? held : undefined;
  });
  t.after(() => watcher.close());
  await Promise.all(files.map((file) => writeFile(file, '2')));
  assert.deepEqual(await changes.next(), files);
  await Promise.all(files.map((file) => writeFile(file, '3')));
  gate.emit('open');
  assert.ok((await changes.next()).length > 0);
});

test('watchProject() sees every one of many quick saves by renaming, and a folder that is replaced', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'src/deep/a.ts');
  const changes = createChanges();
  const watcher = watchProject([file], (paths) => changes.note(paths));
  t.after(() => watcher.close());
  // A folder that appears may be told of in several pieces, before the file in it.
  const isSeen = async (): Promise<void> => {
    let paths: readonly string[] = [];
    while (!paths.includes(file)) paths = await changes.next();
  };
  await mkdir(dirname(file), { recursive: true });
  await changes.next();
  for (let save = 0; save < 20; save++) {
    await writeFile(`${file}.tmp`, String(save));
    await rename(`${file}.tmp`, file);
    await isSeen();
  }
  await rename(dirname(file), join(folder, 'old'));
  await changes.next();
  await mkdir(dirname(file), { recursive: true });
  await changes.next();
  await writeFile(file, 'new');
  await isSeen();
});

test('watchProject() sees a file that appears in a watched folder', async (t) => {
  const folder = await temporaryFolder(t);
  const changes = createChanges();
  const watcher = watchProject([folder], (paths) => changes.note(paths));
  t.after(() => watcher.close());
  await writeFile(join(folder, 'new.ts'), '1');
  assert.deepEqual(await changes.next(), [join(folder, 'new.ts')]);
});
