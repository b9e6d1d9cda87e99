import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { sourceBytes, sourceHash, startPeer, startRefusing, use } from '../src/index.ts';
import type { Peer } from '../src/index.ts';

function dial(t: TestContext, peer: { host: string; port: number }): Socket {
  const socket = connect({ host: peer.host, port: peer.port, allowHalfOpen: true });
  t.after(() => void socket.destroy());
  return socket;
}

async function codeOf(socket: Socket): Promise<string | undefined> {
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

async function peerOf(t: TestContext, ...parameters: Parameters<typeof startPeer>): Promise<[Peer, Socket]> {
  const peer = await use(t, startPeer(...parameters));
  return [peer, dial(t, peer)];
}

test('echo sends everything back and answers FIN with FIN', async (t) => {
  const [peer, socket] = await peerOf(t, 'echo');
  socket.end('ping');
  assert.equal(await text(socket), 'ping');
  assert.equal((await peer.next('fin')).connection, 0);
  assert.equal(peer.received.toString(), 'ping');
  assert.equal(peer.connections, 1);
});

test('echo carries more than any buffer holds', async (t) => {
  const [peer, socket] = await peerOf(t, 'echo');
  const sent = Buffer.alloc(8 * 1024 * 1024, sourceBytes(0, 65_521));
  socket.end(sent);
  assert.ok((await buffer(socket)).equals(sent));
  assert.equal(peer.bytesReceived, sent.length);
  assert.equal(peer.received.length, 1024 * 1024);
});

test('sink reports how many bytes it read, and their hash', async (t) => {
  const [peer, socket] = await peerOf(t, 'sink');
  socket.end(sourceBytes(0, 60_000));
  const report = await peer.next('report');
  assert.deepEqual(JSON.parse(await text(socket)), { bytes: 60_000, sha256: sourceHash(60_000) });
  assert.equal(report.sha256, sourceHash(60_000));
});

test('source sends exactly the bytes it was asked for, then FIN', async (t) => {
  const [, socket] = await peerOf(t, 'source', { bytes: 1_000_003 });
  const sink = await use(t, startPeer('sink'));
  socket.pipe(dial(t, sink));
  const { bytes, sha256 } = await sink.next('report');
  assert.deepEqual({ bytes, sha256 }, { bytes: 1_000_003, sha256: sourceHash(1_000_003) });
});

test('fin-first ends at once and reads on', async (t) => {
  const [peer, socket] = await peerOf(t, 'fin-first');
  await once(socket.resume(), 'end');
  socket.write('still there?');
  await peer.receives(12);
  assert.equal(peer.received.toString(), 'still there?');
});

test('fin-after sends its data, then ends and reads on', async (t) => {
  const [peer, socket] = await peerOf(t, 'fin-after', { data: 'bye' });
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'bye');
  await once(socket, 'end');
  socket.write('x');
  await peer.next('data');
});

test('reset resets at once', async (t) => {
  const [, socket] = await peerOf(t, 'reset');
  assert.equal(await codeOf(socket), 'ECONNRESET');
});

test('reset-after-data delivers its data before the reset', async (t) => {
  const [, socket] = await peerOf(t, 'reset-after-data', { data: 'last words' });
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'last words');
  socket.write('go on');
  assert.equal(await codeOf(socket), 'ECONNRESET');
});

test('reset-after-bytes resets when it has received its fill', async (t) => {
  const [peer, socket] = await peerOf(t, 'reset-after-bytes', { bytes: 10 });
  socket.write('12345');
  await peer.receives(5);
  socket.write('67890');
  assert.equal(await codeOf(socket), 'ECONNRESET');
});

test('never-reads lets the window fill up', async (t) => {
  const [peer, socket] = await peerOf(t, 'never-reads');
  await peer.next('connection');
  while (socket.write(Buffer.alloc(1024 * 1024))) await once(socket, 'drain');
  for (let turn = 0; turn < 10; turn += 1) socket.write(Buffer.alloc(1024 * 1024));
  assert.ok(socket.writableLength > 0);
  assert.equal(peer.bytesReceived, 0);
});

test('slow sends one byte at a time, then FIN', async (t) => {
  const [, socket] = await peerOf(t, 'slow', { data: 'abc', interval: 1 });
  assert.equal(await text(socket), 'abc');
});

test('silent reads, records, and does not even answer FIN', async (t) => {
  const [peer, socket] = await peerOf(t, 'silent');
  socket.end('hello?');
  await peer.next('fin');
  assert.equal(peer.received.toString(), 'hello?');
  assert.equal(socket.readableEnded, false);
});

test('a reset by the client is an event', async (t) => {
  const [peer, socket] = await peerOf(t, 'silent');
  await peer.next('connection');
  socket.resetAndDestroy();
  assert.equal((await peer.next('reset')).error.code, 'ECONNRESET');
  await peer.next('close');
  assert.deepEqual(peer.open, []);
});

test('a peer may be a function', async (t) => {
  const [, socket] = await peerOf(t, (accepted) => void accepted.end('made to measure'));
  assert.equal(await text(socket), 'made to measure');
});

test('nobody listens on a refusing port, and the system gives it to nobody', async (t) => {
  const refusing = await use(t, startRefusing());
  assert.equal(await codeOf(dial(t, refusing)), 'ECONNREFUSED');
  assert.ok(refusing.port < 32_768);
});

test('closing a peer rejects whoever waits for its next event', async () => {
  const peer = await startPeer('echo');
  const waiting = assert.rejects(peer.next('fin'), /closed before its next 'fin'/);
  const counting = assert.rejects(peer.receives(1), /closed after 0 bytes/);
  await peer.close();
  await Promise.all([waiting, counting]);
});
