// Answers that no HTTP server may send on: the client gets one that it can read, and the edge goes on.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/dev-bench.ts';
import { startFront } from '../support/front-bench.ts';

test('an answer with a status or words that HTTP forbids brings nothing down', { timeout: 20_000 }, async (t) => {
  const bench = await startFront(t);
  const path = join(await temporaryFolder(t), 'odd.sock');
  let first = '';
  const odd = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.end(
        `HTTP/1.1 ${first}\r\nConnection: ${first.startsWith('101') ? 'Upgrade' : 'close'}\r\nContent-Length: 2\r\n\r\nhi`,
      ),
    );
  });
  await new Promise<void>((resolve) => {
    odd.listen(path, resolve);
  });
  t.after(() => void odd.close());
  bench.backend.use({ socketPath: path, triggersSocketPath: path });
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  for (const [status, expected] of [
    ['200 O\u0001K\u007f', 200],
    ['404 n\u00e9ant', 404],
    ['099 early', 502],
    ['000 none', 502],
  ] as const) {
    first = status;
    for (const fields of ['Connection: close\r\n', upgrade]) {
      const answer = await bench.raw(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
      assert.equal(answer.split(' ')[1], String(expected), JSON.stringify([status, fields, answer]));
    }
  }
  first = '101 unasked\r\nUpgrade: x';
  const unasked = await bench.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(unasked, /^HTTP\/1\.1 503 [\s\S]*It ended the request without an answer/);
});
