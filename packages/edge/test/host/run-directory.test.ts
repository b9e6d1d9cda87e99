// The folder of a run, and those that killed runs left behind.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRunDirectory, gatewaySocket } from '../../src/host/run-directory.ts';
import { temporaryFolder, writeFiles } from '../support/dev-bench.ts';

test('only its owner may enter a run directory', async (t) => {
  const folder = await createRunDirectory(await temporaryFolder(t));
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('a start removes what a killed run left, and nothing that may be in use', async (t) => {
  const parent = await temporaryFolder(t);
  const [dead, alive, young] = ['sallyport-run-dead', 'sallyport-run-alive', 'sallyport-run-young'];
  await writeFiles(parent, { [`${dead}/run-x/module-0`]: 'x', 'sallyport-other/gateway.sock': 'x' });
  // As a run makes it.
  await chmod(join(parent, dead), 0o700);
  // A socket outlives the process that is killed while it listens.
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
    join(parent, dead, gatewaySocket),
  ]);
  await Promise.all([alive, young].map((name) => mkdir(join(parent, name))));
  const server = createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve) => {
    server.listen(join(parent, alive, gatewaySocket), resolve);
  });
  t.after(() => void server.close());
  assert.ok((await readdir(join(parent, dead))).includes(gatewaySocket));
  const made = await createRunDirectory(parent);
  const left = (await readdir(parent)).map((name) => join(parent, name));
  assert.deepEqual(
    left.toSorted(),
    [made, ...[alive, young, 'sallyport-other'].map((name) => join(parent, name))].toSorted(),
  );
});
