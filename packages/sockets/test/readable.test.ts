import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sourceHash, startPeer, use } from '@sallyport/testkit';
import { connect } from '../src/index.ts';
import { closing, failureOf, hear, hearAll, say, turn } from './support/sockets.ts';

test('readable is a byte stream: BYOB views are filled and handed back', async (t) => {
  const peer = await use(t, startPeer('greets', { data: 'hello' }));
  const socket = closing(t, connect(peer.address));
  const reader = socket.readable.getReader({ mode: 'byob' });
  const view = new Uint8Array(2);
  const first = await reader.read(view);
  assert.equal(view.byteLength, 0);
  assert.equal(Buffer.from(first.value!).toString(), 'he');
  assert.equal(Buffer.from((await reader.read(new Uint8Array(64))).value!).toString(), 'llo');
});

test('a BYOB read at the end of the stream is done, with an empty view', async (t) => {
  const peer = await use(t, startPeer('fin-first'));
  const socket = closing(t, connect(peer.address));
  const { done, value } = await socket.readable.getReader({ mode: 'byob' }).read(new Uint8Array(8));
  assert.equal(done, true);
  assert.equal(value?.byteLength, 0);
  await socket.closed;
});

test('a peer that ends inside an element of a wide view breaks the read, not the process', async (t) => {
  const peer = await use(t, startPeer('fin-after', { data: 'abc' }));
  const socket = closing(t, connect(peer.address));
  const reader = socket.readable.getReader({ mode: 'byob' });
  assert.equal((await reader.read(new Uint16Array(4))).value?.byteLength, 2);
  await assert.rejects(reader.read(new Uint16Array(4)), TypeError);
  await socket.closed;
});

test('chunks are as large as the system delivers them, up to 64 KiB, and complete', async (t) => {
  const size = 8 * 1024 * 1024;
  const peer = await use(t, startPeer('source', { bytes: size }));
  const socket = closing(t, connect(peer.address));
  const hash = createHash('sha256');
  let largest = 0;
  let total = 0;
  for await (const chunk of socket.readable as unknown as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    largest = Math.max(largest, chunk.byteLength);
    total += chunk.byteLength;
  }
  assert.equal(total, size);
  assert.equal(hash.digest('hex'), sourceHash(size));
  assert.ok(largest > 4_096 && largest <= 65_536, `${largest}`);
  await socket.closed;
});

test('a peer that floods a socket nobody reads is stopped, and costs no memory', async (t) => {
  const peer = await use(t, startPeer('source', { bytes: 256 * 1024 * 1024 }));
  const socket = closing(t, connect(peer.address));
  await socket.opened;
  const { socket: flooding } = await peer.next('connection');
  const before = process.memoryUsage();
  assert.equal((await socket.readable.getReader({ mode: 'byob' }).read(new Uint8Array(1))).value?.byteLength, 1);
  // Everything on the way is full when the peer's own buffer stays full over many turns of the loop.
  for (let turns = 0; turns < 50; turns = flooding.writableLength > 0 ? turns + 1 : 0) await turn();
  assert.ok(flooding.bytesWritten < 32 * 1024 * 1024, `${flooding.bytesWritten} bytes were taken`);
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  assert.ok(arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed < 16 * 1024 * 1024);
});

test('what arrived before a reset can still be read; then comes the error', async (t) => {
  const peer = await use(t, startPeer('reset-after-data', { data: 'last words' }));
  const socket = closing(t, connect(peer.address));
  const reader = socket.readable.getReader({ mode: 'byob' });
  assert.equal(Buffer.from((await reader.read(new Uint8Array(4))).value!).toString(), 'last');
  reader.releaseLock();
  await say(socket, 'go on');
  await peer.next('close');
  // Nobody reads, so the reset is noticed by a write.
  while (
    await say(socket, 'x').then(
      () => true,
      () => false,
    )
  )
    await turn();
  const error = await failureOf(socket.closed);
  assert.equal(error.code, 'connection_reset');
  assert.equal(error.message, 'Network connection lost.');
  assert.equal(error.retryable, true);
  assert.equal(await hear(socket), ' words');
  assert.equal(await failureOf(hear(socket)), error);
});

test('a reset rejects the read that waits, and closed, with one error', async (t) => {
  const peer = await use(t, startPeer('reset-after-bytes', { bytes: 1 }));
  const socket = closing(t, connect(peer.address));
  const read = hear(socket);
  await say(socket, 'x');
  const error = await failureOf(read);
  assert.equal(error.code, 'connection_reset');
  assert.equal(await failureOf(socket.closed), error);
});

test('cancel() ends the readable half alone', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = closing(t, connect(peer.address));
  await socket.readable.cancel('enough');
  await say(socket, 'still writing');
  await socket.writable.close();
  await socket.closed;
  await peer.receives(13);
});

test('the stream works with what the platform offers: for await, tee, Response, pipeThrough', async (t) => {
  const peer = await use(t, startPeer('fin-after', { data: 'text' }));
  const open = () => closing(t, connect(peer.address));
  assert.equal(await new Response(open().readable as never).text(), 'text');
  const [one, two] = open().readable.tee();
  assert.deepEqual(await Promise.all([one, two].map((half) => new Response(half as never).text())), ['text', 'text']);
  const decoded = open().readable.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>;
  let text = '';
  for await (const piece of decoded) text += piece;
  assert.equal(text, 'text');
  assert.equal(await hearAll(open()), 'text');
});
