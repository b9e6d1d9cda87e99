// Requests while there is no runtime: they wait, but not without bound.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { BackendState, maxWaiting } from '../../src/front/backend.ts';
import { startFront } from '../support/front-bench.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Resolves when so many requests wait. */
async function until(backend: BackendState, count: number): Promise<void> {
  while (backend.waiting !== count) await new Promise((resolve) => setImmediate(resolve));
}

test('a thousand requests wait for a runtime, one more is refused, and those of clients that went do not count', async (t) => {
  const bench = await startFront(t);
  const sockets = await Promise.all(Array.from({ length: maxWaiting }, () => bench.dial()));
  for (const socket of sockets) socket.write(get);
  await until(bench.backend, maxWaiting);
  assert.match(await bench.raw(get), /^HTTP\/1\.1 503 [\s\S]*Too many requests are waiting/);
  const [first, ...others] = sockets;
  first!.destroy();
  await until(bench.backend, maxWaiting - 1);
  const answers = others.map((socket) => once(socket, 'data'));
  bench.use();
  for (const [answer] of await Promise.all(answers)) assert.match(String(answer), /^HTTP\/1\.1 200 /);
  assert.equal(bench.reached.length, maxWaiting - 1, 'the client that went is not asked for');
});

test('a failure answers those that wait, as text or as a page', async (t) => {
  const bench = await startFront(t);
  const text = bench.raw(get);
  const page = bench.raw(get.replace('Host', 'Accept: text/html\r\nHost'));
  await until(bench.backend, 2);
  bench.backend.fail({ title: 'No <Worker>', detail: 'because' });
  assert.match(await text, /^HTTP\/1\.1 503 [\s\S]*No <Worker>\n\nbecause/);
  assert.match(await page, /text\/html[\s\S]*No &#60;Worker&#62;/);
});

test('a request is held from the moment it gets the runtime', async () => {
  const backend = new BackendState();
  backend.use({ socketPath: '/nowhere', triggersSocketPath: '/nowhere' });
  const client = { destroyed: false, once: () => undefined };
  const acquired = backend.acquire(client);
  let paused = false;
  const pause = backend.pause(60_000).then(() => {
    paused = true;
  });
  const runtime = await acquired;
  assert.ok(runtime !== undefined && 'release' in runtime);
  assert.equal(paused, false);
  runtime.release();
  runtime.release();
  await pause;
});

test('a pause does not wait longer than its grace', async () => {
  const backend = new BackendState();
  backend.use({ socketPath: '/nowhere', triggersSocketPath: '/nowhere' });
  await backend.acquire({ destroyed: false, once: () => undefined });
  await backend.pause(1);
});

test('an idle connection that the runtime closed is not used again', async (t) => {
  const bench = await startFront(t);
  bench.runtime.keepAliveTimeout = 1;
  bench.use();
  for (let round = 0; round < 50; round += 1) {
    const response = await fetch(bench.front.url, { method: 'POST', body: 'x' });
    assert.equal(response.status, 200);
    await response.text();
  }
});
