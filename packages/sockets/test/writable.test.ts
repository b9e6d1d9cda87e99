import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPeer, startRefusing, use } from '@sallyport/testkit';
import { connect } from '../src/index.ts';
import { bytes, closing, failureOf, finish, hear, hearAll, reasonOf, say, turn } from './support/sockets.ts';

test('writing may begin before the connection is open', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = closing(t, connect(peer.address));
  const writer = socket.writable.getWriter();
  void writer.write(bytes('a'));
  void writer.write(bytes('b'));
  await writer.close();
  assert.equal(await hearAll(socket), 'ab');
  await socket.closed;
});

test('every kind of bytes is accepted, and sent as it is', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = closing(t, connect(peer.address));
  const writer = socket.writable.getWriter();
  const all = bytes('0123456789');
  await writer.write(all.subarray(0, 2));
  await writer.write(new DataView(all.buffer, 2, 2));
  await writer.write(new Uint16Array(all.buffer, 4, 1));
  await writer.write(all.slice(6, 8).buffer);
  await writer.write(Buffer.from('89'));
  await writer.write(new Uint8Array(0));
  await writer.close();
  assert.equal(await hearAll(socket), '0123456789');
});

test('whatever is not bytes is refused with the documented error, and the stream stays usable', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = closing(t, connect(peer.address));
  const writer = socket.writable.getWriter() as WritableStreamDefaultWriter<unknown>;
  await assert.rejects(writer.write('text'), { name: 'TypeError', message: /received a string.*TextEncoder\.$/ });
  for (const chunk of [1, null, undefined, {}, [1], true, 1n, Symbol('x'), new Blob(['x'])]) {
    await assert.rejects(writer.write(chunk), { name: 'TypeError', message: /non-ArrayBuffer\/ArrayBufferView/ });
  }
  await writer.write(bytes('fine'));
  writer.releaseLock();
  assert.equal(await hear(socket), 'fine');
});

test('a buffer may be used again as soon as write() has returned', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = closing(t, connect(peer.address));
  const writer = socket.writable.getWriter();
  for (const chunk of [bytes('one '), Buffer.from('two '), Buffer.from('xxthree ').subarray(2), bytes('four')]) {
    void writer.write(chunk);
    chunk.fill(0);
  }
  await writer.close();
  assert.equal(await hearAll(socket), 'one two three four');
});

test('desiredSize counts bytes, and ready waits for a peer that reads', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = closing(t, connect(peer.address, { highWaterMark: 10 }));
  const writer = socket.writable.getWriter();
  assert.equal(writer.desiredSize, 10);
  const first = writer.write(bytes('1234'));
  assert.equal(writer.desiredSize, 6);
  const second = writer.write(bytes('12345678'));
  assert.equal(writer.desiredSize, -2);
  let isReady = false;
  void writer.ready.then(() => (isReady = true));
  await turn();
  assert.equal(peer.bytesReceived > 0 || !isReady, true);
  await Promise.all([first, second, writer.ready]);
  assert.equal(writer.desiredSize, 10);
});

test('a peer that never reads holds the writer back, and close() ends it in bounded time', async (t) => {
  const peer = await use(t, startPeer('never-reads'));
  const socket = closing(t, connect(peer.address));
  const writer = socket.writable.getWriter();
  const chunk = new Uint8Array(1024 * 1024);
  let stalled: Promise<void> | undefined;
  for (let count = 0; count < 64 && stalled === undefined; count += 1) {
    const write = writer.write(chunk);
    const done = await Promise.race([
      write.then(() => true),
      turn()
        .then(turn)
        .then(turn)
        .then(() => false),
    ]);
    if (!done) stalled = write;
  }
  assert.ok(stalled !== undefined, '64 MiB went into nowhere');
  // abort() does not wait for the peer either.
  const reason = new Error('enough');
  const write = reasonOf(stalled);
  await writer.abort(reason);
  assert.equal(await write, reason);
  await socket.readable.cancel();
  assert.equal(await reasonOf(socket.closed), reason);
});

test('abort() errors the writable half, and closed with it when the other half is over', async (t) => {
  const peer = await use(t, startPeer('greets', { data: 'hello' }));
  for (const reason of [new Error('mine'), undefined]) {
    const socket = closing(t, connect(peer.address));
    await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.abort(reason);
    assert.equal(await reasonOf(writer.closed), reason);
    await reasonOf(writer.write(bytes('x')));
    assert.equal(await hear(socket), 'hello');
    await socket.close();
    const closed = await reasonOf(socket.closed);
    if (reason === undefined) assert.equal((closed as { code?: string }).code, 'aborted');
    else assert.equal(closed, reason);
  }
});

test('a pipe into the socket ends it in order', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = closing(t, connect(peer.address));
  const source = new Blob(['a'.repeat(300_000)]).stream() as ReadableStream<Uint8Array>;
  const [text] = await Promise.all([hearAll(socket), source.pipeTo(socket.writable)]);
  assert.equal(text.length, 300_000);
  await socket.closed;
});

test('a pipe that brings something else than bytes fails, and so does closed', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = closing(t, connect(peer.address));
  const source = new ReadableStream({ start: (controller) => controller.enqueue('text') });
  const error = await reasonOf(source.pipeTo(socket.writable as unknown as WritableStream<string>));
  assert.match((error as Error).message, /TextEncoder\.$/);
  await socket.close();
  assert.equal(await reasonOf(socket.closed), error);
});

test('a pipe whose source fails errors the writable half with that reason', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = closing(t, connect(peer.address));
  const reason = new Error('source');
  const source = new ReadableStream({ start: (controller) => controller.error(reason) });
  assert.equal(await reasonOf(source.pipeTo(socket.writable)), reason);
  await socket.close();
  assert.equal(await reasonOf(socket.closed), reason);
});

test('the end of the peer ends our half behind what was queued, whoever holds the lock', async (t) => {
  const peer = await use(t, startPeer('fin-first'));
  const unlocked = closing(t, connect(peer.address));
  assert.equal(await hearAll(unlocked), '');
  await unlocked.closed;
  await peer.next('fin');
  await assert.rejects(say(unlocked, 'x'), { name: 'TypeError', message: 'This WritableStream has been closed.' });

  const locked = closing(t, connect(peer.address));
  const writer = locked.writable.getWriter();
  const size = 4 * 1024 * 1024;
  const before = peer.bytesReceived;
  for (let count = 0; count < 4; count += 1) void writer.write(new Uint8Array(size / 4));
  assert.equal(await hearAll(locked), '');
  await Promise.all([locked.closed, writer.closed]);
  await peer.receives(before + size);
  await assert.rejects(writer.write(bytes('x')), { message: 'This WritableStream has been closed.' });
  await assert.rejects(writer.close(), { message: 'This WritableStream has been closed.' });

  const piped = closing(t, connect(peer.address));
  let count = 0;
  const source = new ReadableStream({
    pull: async (controller) => {
      await turn();
      controller.enqueue(bytes('piece'));
      count += 1;
    },
  });
  const pipe = reasonOf(source.pipeTo(piped.writable));
  assert.equal(await hearAll(piped), '');
  await piped.closed;
  assert.match(((await pipe) as Error).message, /This WritableStream has been closed\./);
  assert.ok(count > 0);
});

test('writes that wait for a connection reject with its failure', async (t) => {
  const refusing = await use(t, startRefusing());
  const socket = connect(refusing.address);
  const writer = socket.writable.getWriter();
  const outcomes = [writer.write(bytes('x')), writer.write(bytes('y')), writer.close(), writer.closed, socket.closed];
  const errors = await Promise.all(outcomes.map(failureOf));
  for (const error of errors) assert.equal(error, errors[0]);
  assert.equal(errors[0]!.code, 'connection_refused');
  assert.equal((errors[0]!.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
});

test('a half-open socket writes on after the peer has ended, and closed waits for both', async (t) => {
  const peer = await use(t, startPeer('fin-first'));
  const socket = closing(t, connect(peer.address, { allowHalfOpen: true }));
  assert.equal(await hear(socket), undefined);
  await say(socket, 'after the end');
  await peer.receives(13);
  let isClosed = false;
  void socket.closed.then(() => (isClosed = true));
  await turn();
  assert.equal(isClosed, false);
  await finish(socket);
  await socket.closed;
});
