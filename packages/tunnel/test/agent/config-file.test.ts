// Following a file that editors, deployment tools and people replace in their different ways.
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Clock } from '@sallyport/egress';
import { ConfigFile, readConfig } from '../../src/agent/config-file.ts';
import { temporary } from './support.ts';

const config = (service: string): string => `ingress:\n  - service: ${service}\n`;

interface Watched {
  file: string;
  /** The services of the configurations that were applied. */
  applied: string[];
  complaints: string[];
  /** One look at the file. */
  look: () => void;
  watcher: ConfigFile;
}

async function watch(t: TestContext, path?: string): Promise<Watched> {
  const file = path ?? join(await temporary(t), 'config.yml');
  if (path === undefined) await writeFile(file, config('http://one'));
  let due: (() => void) | undefined;
  const clock: Clock = {
    after(_milliseconds, callback) {
      due = callback;
      return () => (due = undefined);
    },
  };
  const applied: string[] = [];
  const complaints: string[] = [];
  const watcher = new ConfigFile(file, readConfig(file), {
    clock,
    log: (level, message, fields = {}) => void (level === 'error' && complaints.push(`${message}: ${fields['error']}`)),
    apply: ({ ingress }) => void applied.push(ingress[0]!.service.text),
    refused: () => {},
  }).watch();
  t.after(() => watcher.close());
  return { file, applied, complaints, look: () => due?.(), watcher };
}

test('a change is taken when two looks in a row saw the same', async (t) => {
  const { file, applied, look } = await watch(t);
  look();
  await writeFile(file, config('http://two'));
  look();
  assert.deepEqual(applied, []);
  look();
  assert.deepEqual(applied, ['http://two']);
  look();
  look();
  assert.deepEqual(applied, ['http://two']);
});

test('a file that is still being written is not taken, and a broken one is told once', async (t) => {
  const { file, applied, complaints, look } = await watch(t);
  const whole = config('http://two');
  for (let length = 0; length < whole.length; length += 1) {
    await writeFile(file, whole.slice(0, length));
    look();
  }
  assert.deepEqual([applied, complaints], [[], []]);
  await writeFile(file, 'ingress: [');
  for (let turn = 0; turn < 5; turn += 1) look();
  assert.equal(complaints.length, 1);
  assert.match(complaints[0]!, /config\.yml:1:/);
  await writeFile(file, whole);
  look();
  look();
  assert.deepEqual(applied, ['http://two']);
});

test('replacing by rename and through a symbolic link is seen', async (t) => {
  const { file, applied, look } = await watch(t);
  await writeFile(`${file}.new`, config('http://two'));
  await rename(`${file}.new`, file);
  look();
  look();
  const folder = await temporary(t);
  for (const version of ['a', 'b']) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'config.yml'), config(`http://${version}`));
  }
  await symlink('a', join(folder, 'current'));
  const linked = await watch(t, join(folder, 'current', 'config.yml'));
  await symlink('b', join(folder, 'next'));
  await rename(join(folder, 'next'), join(folder, 'current'));
  linked.look();
  linked.look();
  assert.deepEqual([applied, linked.applied], [['http://two'], ['http://b']]);
});

test('a file that goes away is told, and taken again when it is back', async (t) => {
  const { file, applied, complaints, look } = await watch(t);
  await rm(file);
  for (let turn = 0; turn < 4; turn += 1) look();
  assert.equal(complaints.length, 1);
  assert.match(complaints[0]!, /cannot be read/);
  await writeFile(file, config('http://two'));
  look();
  look();
  assert.deepEqual(applied, ['http://two']);
});

test('a file that is no text of sane size is refused without being read whole', async (t) => {
  const { file, complaints, watcher } = await watch(t);
  await writeFile(file, Buffer.alloc(8 * 1024 * 1024));
  watcher.reload();
  assert.match(complaints[0]!, /8388608 bytes/);
});
