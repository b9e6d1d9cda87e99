import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { leftOpenBy, startPeer, startRefusing, use } from '@sallyport/testkit';
import { connect, createConnect, type Dial, Socket } from '../src/index.ts';
import { manualClock } from './support/manual-clock.ts';
import { bytes, closing, failureOf, hear, reasonOf, say, turn } from './support/sockets.ts';

test('close() sends what was written, then the end', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = connect(peer.address);
  await socket.opened;
  const writer = socket.writable.getWriter();
  void writer.write(bytes('a'));
  void writer.write(bytes('b'));
  await socket.close();
  await socket.closed;
  await writer.closed;
  assert.equal((await peer.next('report')).bytes, 2);
});

test('close() while connecting sends what was written once connected', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const socket = connect(peer.address);
  void socket.writable.getWriter().write(bytes('early'));
  await socket.close();
  assert.equal((await peer.next('report')).bytes, 5);
});

test('close() while connecting with nothing to send cancels the connect at once', async () => {
  let signal: AbortSignal | undefined;
  const dial: Dial = (_address, options) => {
    ({ signal } = options);
    return new Promise(() => {});
  };
  const socket = createConnect({ dial })('h:1');
  await socket.close();
  await socket.closed;
  assert.equal(signal?.aborted, true);
  assert.equal((await failureOf(socket.opened)).code, 'closed');
});

test('a connection that a dialler brings too late is destroyed', async () => {
  let bring: ((stream: Duplex) => void) | undefined;
  const socket = createConnect({ dial: () => new Promise((resolve) => (bring = resolve)) })('h:1');
  await socket.close();
  const late = new PassThrough();
  bring?.(late);
  await turn();
  assert.equal(late.destroyed, true);
});

test('close() of a stalled connection resets it after the linger time', async (t) => {
  const peer = await use(t, startPeer('never-reads'));
  const clock = manualClock();
  const socket = createConnect({ clock, lingerTimeout: 700 })(peer.address);
  await socket.opened;
  assert.deepEqual(clock.waiting, []);
  const write = reasonOf(socket.writable.getWriter().write(new Uint8Array(64 * 1024 * 1024)));
  const closed = socket.close();
  await turn();
  assert.deepEqual(clock.waiting, [700]);
  clock.advance(700);
  await closed;
  const error = await failureOf(socket.closed);
  assert.equal(error.code, 'linger_timeout');
  assert.equal(await write, error);
  assert.deepEqual(clock.waiting, []);
});

test('close() twice, after a failure and after everything resolves each time', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const socket = connect(peer.address);
  await socket.opened;
  const promises = [socket.close(), socket.close()];
  assert.notEqual(promises[0], promises[1]);
  await Promise.all(promises);
  await socket.close();
  await socket[Symbol.asyncDispose]();
  const refusing = await use(t, startRefusing());
  const failed = connect(refusing.address);
  await reasonOf(failed.opened);
  await failed.close();
  assert.equal((await failureOf(failed.closed)).code, 'connection_refused');
});

test('close() ends a read that waits, and later use is refused', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const socket = connect(peer.address);
  const read = hear(socket);
  await socket.opened;
  await socket.close();
  assert.equal(await read, undefined);
  await assert.rejects(say(socket, 'x'), TypeError);
  assert.equal(await hear(socket), undefined);
});

test('closed settles when both halves are over, however they ended', async (t) => {
  const echo = await use(t, startPeer('echo'));
  const first = await use(t, startPeer('fin-first'));
  const endings: [string, string, boolean, (socket: Socket) => Promise<unknown>][] = [
    ['close then read', echo.address, false, async (socket) => (await socket.writable.close(), hear(socket))],
    ['read then close', first.address, true, async (socket) => (await hear(socket), socket.writable.close())],
    ['read alone', first.address, false, hear],
    [
      'cancel then close',
      echo.address,
      false,
      async (socket) => (await socket.readable.cancel(), socket.writable.close()),
    ],
    [
      'close then cancel',
      echo.address,
      true,
      async (socket) => (await socket.writable.close(), socket.readable.cancel()),
    ],
  ];
  for (const [name, address, allowHalfOpen, end] of endings) {
    const socket = closing(t, connect(address, { allowHalfOpen }));
    let isClosed = false;
    void socket.closed.then(() => (isClosed = true));
    await socket.opened;
    assert.equal(isClosed, false, name);
    await end(socket);
    await socket.closed;
  }
});

test('opened and closed of a socket that nobody awaits raise nothing', async (t) => {
  const refusing = await use(t, startRefusing());
  const raised: unknown[] = [];
  const onRaised = (reason: unknown): void => void raised.push(reason);
  process.on('unhandledRejection', onRaised);
  t.after(() => process.off('unhandledRejection', onRaised));
  connect(refusing.address);
  connect(refusing.address, { secureTransport: 'on' });
  connect(refusing.address, { secureTransport: 'starttls' }).startTls();
  await reasonOf(connect(refusing.address).closed);
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.deepEqual(raised, []);
});

test('an aborted signal fails the socket in every phase, and is not listened to afterwards', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const reason = new Error('enough');
  let dialled = 0;
  const dial: Dial = () => {
    dialled += 1;
    return new Promise(() => {});
  };
  const before = createConnect({ dial })('h:1', { signal: AbortSignal.abort(reason) });
  const error = await failureOf(before.opened);
  assert.deepEqual([error.code, error.cause, dialled], ['aborted', reason, 0]);
  const phases: [(signal: AbortSignal) => Socket, () => Promise<unknown>][] = [
    [(signal) => createConnect({ dial })('h:1', { signal }), turn],
    [(signal) => connect(peer.address, { signal, secureTransport: 'on' }), () => peer.next('data')],
    [(signal) => connect(peer.address, { signal }), () => peer.next('connection')],
  ];
  for (const [open, reached] of phases) {
    const abort = new AbortController();
    const socket = open(abort.signal);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
    await reached();
    abort.abort(reason);
    assert.equal((await failureOf(socket.closed)).cause, reason);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  }
  const { signal } = new AbortController();
  const orderly = connect(peer.address, { signal });
  await orderly.opened;
  await orderly.close();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('connectTimeout covers dialling and the handshake, each with its own error', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const clock = manualClock();
  const dialling = createConnect({ clock, dial: () => new Promise(() => {}) })('h:1', { connectTimeout: 50 });
  assert.deepEqual(clock.waiting, [50]);
  clock.advance(50);
  assert.equal((await failureOf(dialling.opened)).code, 'connection_timeout');

  const real = createConnect({ clock });
  const handshaking = real(peer.address, { secureTransport: 'on' });
  assert.deepEqual(clock.waiting, [30_000]);
  await peer.next('data');
  clock.advance(30_000);
  assert.equal((await failureOf(handshaking.opened)).code, 'tls_timeout');

  const plain = real(peer.address, { secureTransport: 'starttls', connectTimeout: 70 });
  await plain.opened;
  assert.deepEqual(clock.waiting, []);
  const secure = plain.startTls();
  await peer.next('data');
  assert.deepEqual(clock.waiting, [70]);
  clock.advance(70);
  assert.equal((await failureOf(secure.opened)).code, 'tls_timeout');

  const forever = real(peer.address, { connectTimeout: 0 });
  assert.deepEqual(clock.waiting, []);
  await forever.close();
});

test('a host may dial any Duplex; its chunks are copied, its failures are ours', async () => {
  const toUs = new PassThrough();
  const stream = Duplex.from({ readable: toUs, writable: new PassThrough() });
  const socket = createConnect({ dial: () => stream })('inner:1');
  assert.deepEqual(await socket.opened, { remoteAddress: 'inner:1', localAddress: null, alpn: null });
  const shared = Buffer.from(new Uint8Array(bytes('shared')).buffer);
  toUs.write(shared);
  assert.equal(await hear(socket), 'shared');
  assert.equal(shared.toString(), 'shared');
  stream.destroy();
  const error = await failureOf(socket.closed);
  assert.equal(error.code, 'connection_lost');
  const odd = createConnect({ dial: () => Promise.reject(new Error('odd')) })('h:443');
  const failure = await failureOf(odd.opened);
  assert.equal(failure.code, 'connection_failed');
  assert.match(failure.message, /consider using fetch instead$/);
  assert.equal((failure.cause as Error).message, 'odd');
});

test('every way to end leaves no handle behind', async (t) => {
  const echo = await use(t, startPeer('echo'));
  const refusing = await use(t, startRefusing());
  const left = await leftOpenBy(async () => {
    const used = connect(echo.address);
    await say(used, 'x');
    assert.equal(await hear(used), 'x');
    await used.close();
    await connect(echo.address).close();
    await reasonOf(connect(refusing.address).closed);
    const aborted = connect(echo.address, { signal: AbortSignal.abort() });
    await reasonOf(aborted.closed);
    for (let turns = 0; echo.open.length > 0 && turns < 1_000; turns += 1) await turn();
  });
  assert.deepEqual(left, []);
});

test('a Socket cannot be constructed, and says what it is', async (t) => {
  const peer = await use(t, startPeer('echo'));
  assert.throws(() => new (Socket as unknown as new () => Socket)(), { message: 'Illegal constructor' });
  const socket = closing(t, connect(peer.address));
  assert.equal(String(socket), '[object Socket]');
  assert.equal(JSON.stringify(socket), '{}');
  assert.equal(socket.opened, socket.opened);
  assert.equal(socket.closed, socket.closed);
  assert.equal(socket.readable, socket.readable);
  assert.equal(socket.writable, socket.writable);
  const { remoteAddress, localAddress } = await socket.opened;
  assert.equal(remoteAddress, peer.address);
  assert.match(localAddress ?? '', /^127\.0\.0\.1:\d+$/);
});

test('streams first asked for after the end are what they would have become', async (t) => {
  const peer = await use(t, startPeer('sink'));
  const ended = connect(peer.address);
  await ended.opened;
  await ended.close();
  assert.equal((await ended.readable.getReader().read()).done, true);
  await ended.writable.getWriter().closed;

  const refused = connect((await use(t, startRefusing())).address);
  const error = await failureOf(refused.closed);
  assert.equal(await reasonOf(refused.readable.getReader().read()), error);
  assert.equal(await reasonOf(refused.writable.getWriter().write(bytes('late'))), error);
});
