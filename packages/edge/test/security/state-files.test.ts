// What an edge keeps on disk, prepared by somebody else: links, pipes, readable files, folders of other users.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ownerProblem, privacyProblem, startKeyRing } from '@sallyport/control';
import { createRunDirectory, gatewaySocket } from '../../src/host/run-directory.ts';
import { openAuthority } from '../../src/tunnels/authority.ts';
import { openControlToken, openStateDirectory, writeDiscovery } from '../../src/tunnels/state-directory.ts';
import { temporaryFolder } from '../support/dev-bench.ts';

/** The files of a state directory with a secret in them, and what opens each. */
const secrets: [name: string, open: (folder: string) => Promise<unknown>][] = [
  ['control.token', (folder) => openControlToken(folder)],
  ['ca.key', (folder) => openAuthority(folder)],
  ['secrets.key', async (folder) => startKeyRing({ file: join(folder, 'secrets.key') })],
];

const stranger = 54_321;
const isRoot = process.geteuid?.() === 0;

/** A listener that is killed leaves its socket behind. */
function abandon(path: string): void {
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script, path]);
}

test('a secret that others may read is refused by each that has one, whichever of them may', async (t) => {
  for (const [name, open] of secrets) {
    const folder = await temporaryFolder(t);
    await open(folder);
    for (const mode of [0o640, 0o604, 0o620, 0o602]) {
      await chmod(join(folder, name), mode);
      await assert.rejects(open(folder), /others may read/, `${name} ${mode.toString(8)}`);
    }
    await chmod(join(folder, name), 0o600);
    await open(folder);
  }
});

test('a pipe or a folder in place of a secret is refused, and nobody waits for it', { timeout: 20_000 }, async (t) => {
  for (const [name, open] of secrets) {
    const folder = await temporaryFolder(t);
    await open(folder);
    const file = join(folder, name);
    await rm(file);
    assert.equal(spawnSync('mkfifo', ['-m', '600', file]).status, 0);
    await assert.rejects(open(folder), /is no file/, name);
    await rm(file);
    await mkdir(file, { mode: 0o700 });
    await assert.rejects(open(folder), /is no file|could not be read/, name);
  }
});

test('a secret or a state directory of another user is refused', async (t) => {
  assert.equal(privacyProblem('/x', { uid: process.geteuid!(), mode: 0o100600 }), undefined);
  assert.match(ownerProblem('/x', stranger) ?? '', /\/x belongs to another user/);
  if (!isRoot) return t.skip('only root can give files away');
  for (const [name, open] of secrets) {
    const folder = await temporaryFolder(t);
    await open(folder);
    await chown(join(folder, name), stranger, stranger);
    await assert.rejects(open(folder), /belongs to another user/, name);
  }
  const theirs = await temporaryFolder(t);
  await chown(theirs, stranger, stranger);
  const { mode } = await stat(theirs);
  await assert.rejects(openStateDirectory(theirs), { code: 'state_unusable', message: /belongs to another user/ });
  assert.equal((await stat(theirs)).mode, mode, 'and is left as it was');
  await assert.rejects(openStateDirectory(await linkOf(t, theirs)), /belongs to another user/);
});

/** A link to a folder, in a folder of its own. */
async function linkOf(t: TestContext, target: string): Promise<string> {
  const path = join(await temporaryFolder(t), 'link');
  await symlink(target, path);
  return path;
}

test('a link that another user left where the state would be is not followed', async (t) => {
  if (!isRoot) return t.skip('only root can give links away');
  const [parent, target] = [await temporaryFolder(t), await temporaryFolder(t)];
  const folder = join(parent, 'state');
  await symlink(target, folder);
  spawnSync('chown', ['-h', String(stranger), folder]);
  await assert.rejects(openStateDirectory(folder), /belongs to another user/);
  assert.deepEqual(await readdir(target), []);
});

test('a state directory is private from the moment it is there, and made private when it was not', async (t) => {
  const parent = await temporaryFolder(t);
  const mask = process.umask(0);
  try {
    await openStateDirectory(join(parent, 'a/b'));
  } finally {
    process.umask(mask);
  }
  for (const name of ['a', 'a/b']) assert.equal((await stat(join(parent, name))).mode & 0o777, 0o700, name);
  const wide = join(parent, 'wide');
  await mkdir(wide, { mode: 0o755 });
  await openStateDirectory(wide);
  assert.equal((await stat(wide)).mode & 0o777, 0o700);
});

test('where the control API listens is written anew, not through a link or into a file with another name', async (t) => {
  const [folder, outside] = [await temporaryFolder(t), await temporaryFolder(t)];
  const [file, bait] = [join(folder, 'control.json'), join(outside, 'bait')];
  const discovery = { url: 'http://127.0.0.1:1', token: 'a secret that nobody reads', account: 'default' };
  for (const place of [symlink, link]) {
    await writeFile(bait, 'bait');
    await place(bait, file);
    await writeDiscovery(folder, discovery);
    assert.equal(await readFile(bait, 'utf8'), 'bait');
    const written = await lstat(file);
    assert.ok(written.isFile() && (written.mode & 0o777) === 0o600);
    await rm(file);
  }
});

test('what is swept at a start is this user’s alone, and never what a link leads to', async (t) => {
  const [parent, outside] = [await temporaryFolder(t), await temporaryFolder(t)];
  const [wide, target] = [join(parent, 'sallyport-run-wide'), join(outside, 'target')];
  for (const folder of [wide, target]) {
    await mkdir(folder, { mode: 0o700 });
    abandon(join(folder, gatewaySocket));
  }
  await chmod(wide, 0o770);
  await symlink(target, join(parent, 'sallyport-run-link'));
  const theirs = join(parent, 'sallyport-run-theirs');
  await mkdir(theirs, { mode: 0o700 });
  abandon(join(theirs, gatewaySocket));
  if (isRoot) await chown(theirs, stranger, stranger);
  else await rename(theirs, join(parent, 'other'));
  await createRunDirectory(parent);
  for (const folder of isRoot ? [wide, target, theirs] : [wide, target]) {
    assert.deepEqual(await readdir(folder), [gatewaySocket], folder);
  }
});
