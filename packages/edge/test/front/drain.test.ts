// Stopping: what runs is answered, and no connection is kept for more.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { deferred } from '../support/deferred.ts';
import { startFront } from '../support/front-bench.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** All that comes on a connection until it closes. */
async function heardOn(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await once(socket, 'close');
  return heard;
}

test('a drain answers what runs, and ends each connection behind its answer', { timeout: 20_000 }, async (t) => {
  const responses: ServerResponse[] = [];
  const arrived = deferred();
  const bench = await startFront(t, (_request, response) => {
    responses.push(response);
    if (responses.length === 2) arrived.resolve();
  });
  bench.use();
  const [waiting, begun] = [await bench.dial(), await bench.dial()];
  const waited = heardOn(waiting);
  waiting.write(get);
  await once(bench.runtime, 'request');
  const head = once(begun, 'data');
  const went = heardOn(begun);
  begun.write(get);
  await arrived.promise;
  responses[1]!.write('first ');
  await head;

  const startedAt = performance.now();
  const drained = bench.front.drain(15_000);
  for (const response of responses) response.end('last');
  assert.match(await waited, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*last/);
  assert.match(await went, /^HTTP\/1\.1 200 OK\r\n[\s\S]*first [\s\S]*last/);
  await drained;
  assert.ok(performance.now() - startedAt < 3_000, 'an idle connection is not waited for');
});
