// A test process that dies must leave nothing behind, however it dies.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs, serverNames } from '../src/index.ts';
import { startProcess, ServerDirectory, ServerStartError } from '../src/servers/process.ts';

const starter = fileURLToPath(new URL('fixtures/start-server.ts', import.meta.url));
const runner = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));

interface Started {
  port: number;
  directory: string;
}

/** Starts a process that starts a server and never stops it; resolves once the server is ready. */
async function startElsewhere(t: TestContext, server: string): Promise<{ child: ChildProcess; started: Started }> {
  const { sourceFlags } = (await import(runner)) as { sourceFlags: string[] };
  const child = spawn(process.execPath, [...sourceFlags, starter, server], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that starts ${server} ended with code ${code} before it was ready`);
  });
  const lines = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const [line] = await Promise.race([lines, ended]);
  return { child, started: JSON.parse(line) as Started };
}

/** Resolves when the directory was removed, which is the last thing a guardian does. */
async function removed(directory: string): Promise<void> {
  const watcher = watch(dirname(directory));
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!existsSync(directory)) resolve();
    };
    watcher.on('change', look);
    look();
  });
  watcher.close();
}

for (const server of serverNames) {
  test(`kill -9 of the process that started ${server} leaves neither server nor directory`, async (t) => {
    if (!needs(t, server)) return;
    const { child, started } = await startElsewhere(t, server);
    const held = connect(started.port, '127.0.0.1');
    await once(held, 'connect');
    held.on('error', () => {}).resume();
    assert.equal(existsSync(started.directory), true);
    child.kill('SIGKILL');
    await Promise.all([removed(started.directory), once(held, 'close')]);
    await assert.rejects(once(connect(started.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  });
}

test('a server that ends before it is ready is an error with its last output, and leaves no directory', async () => {
  const directory = new ServerDirectory('broken');
  const starting = startProcess({
    directory,
    command: 'sh',
    arguments: ['-c', 'echo no such luck >&2; exit 3'],
    ready: /ready/,
  });
  await assert.rejects(starting, (error) => {
    assert.ok(error instanceof ServerStartError);
    assert.match(error.message, /sh ended with code 3; its last output:\nno such luck/);
    assert.equal(error.portTaken, false);
    return true;
  });
  assert.equal(existsSync(directory.path), false);
});

test('stop() also ends what the server started', async () => {
  const server = await startProcess({
    directory: new ServerDirectory('family'),
    command: 'sh',
    arguments: ['-c', 'sleep 1000 & echo ready; wait'],
    ready: /ready/,
  });
  // The sleep holds the server's output open, and stop() waits for its end: this would take 1,000 seconds.
  await server.stop();
  assert.equal(existsSync(server.directory), false);
});
