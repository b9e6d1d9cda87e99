// Requests and answers that do not take turns.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/dev-bench.ts';
import { startFront } from '../support/front-bench.ts';

test('an answer is not lost when the runtime hangs up on the rest of the body', async (t) => {
  const bench = await startFront(t);
  const path = join(await temporaryFolder(t), 'rude.sock');
  const answer = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\nno thanks';
  const rude = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      socket.write(answer, () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => {
    rude.listen(path, resolve);
  });
  t.after(() => void rude.close());
  bench.backend.use({ socketPath: path, triggersSocketPath: path });
  for (let round = 0; round < 50; round += 1) {
    const response = await fetch(bench.front.url, { method: 'POST', body: Buffer.alloc(1024 * 1024) });
    assert.deepEqual([response.status, await response.text()], [413, 'no thanks'], `round ${round}`);
  }
});

test('a runtime that is gone is said at once, also to a request with a body', async (t) => {
  const bench = await startFront(t);
  const path = join(await temporaryFolder(t), 'absent.sock');
  bench.backend.use({ socketPath: path, triggersSocketPath: path });
  const response = await fetch(bench.front.url, { method: 'POST', body: Buffer.alloc(1024 * 1024) });
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^The Worker did not answer\n\nconnect ENOENT/);
});

test('the answer to a request on a connection that was used before is its own', async (t) => {
  const bench = await startFront(t, (request, response) => {
    request.resume();
    request.once('end', () => response.end(request.headers['x-number']));
  });
  bench.use();
  const ask = async (number: number): Promise<void> => {
    const response = await fetch(bench.front.url, {
      method: number % 3 === 0 ? 'POST' : 'GET',
      headers: { 'x-number': String(number) },
      ...(number % 3 === 0 && { body: 'x'.repeat(number) }),
    });
    assert.equal(await response.text(), String(number));
  };
  for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 30 }, (_, index) => ask(index)));
});
