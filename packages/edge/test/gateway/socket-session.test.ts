import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { startPeer, startRefusing, startStartTlsPeer, testAuthority, use } from '@sallyport/testkit';
import { assert as check, asyncProperty, boolean, uint8Array } from 'fast-check';
import { frameType } from '@sallyport/sockets/internal';
import { probeInterval } from '../../src/gateway/socket-session.ts';
import { type SocketClient, startTestGateway } from './support/client.ts';

const authority = await testAuthority();
const findTrust = (): { ca: string } => ({ ca: authority.ca });

interface Failed {
  code: string;
  message: string;
  cause?: string;
}

async function protocolError(session: SocketClient): Promise<string> {
  const { code, message } = (await session.hears('failed')) as Failed;
  assert.equal(code, 'connection_failed');
  assert.match(message, /^Gateway protocol error: /);
  await session.client.ended;
  return message;
}

test('a session carries bytes and ends in both directions, in order', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dialSocket, events, gateway } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port).send('data', Buffer.from('early')).send('end');
  const info = (await session.hears('opened')) as { remoteAddress: string };
  assert.equal(info.remoteAddress, peer.address);
  await session.hears('end');
  assert.equal(session.data.toString(), 'early');
  session.client.socket.end();
  await session.client.ended;
  assert.equal(events.length, 1);
  assert.equal(events[0]?.code, undefined);
  await gateway.close();
});

test('a refused connection comes back with code, remedy and cause', async (t) => {
  const refusing = await use(t, startRefusing());
  const { dialSocket, events } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(refusing.port);
  const failed = (await session.hears('failed')) as Failed;
  assert.equal(failed.code, 'connection_refused');
  assert.equal(failed.message, 'proxy request failed, cannot connect to the specified address');
  assert.equal(events[0]?.code, 'connection_refused');
  await session.client.ended;
});

test('a TLS handshake that fails is reported, though the dial succeeded', async (t) => {
  const peer = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('expired') } }));
  const { dialSocket, events } = await startTestGateway(t, { findTrust });
  const session = await dialSocket();
  session.open(peer.port, { secureTransport: 'on' });
  assert.equal(((await session.hears('failed')) as Failed).code, 'tls_expired');
  assert.deepEqual(
    events.map(({ code }) => code),
    ['tls_expired'],
  );
});

test('a certificate with very many names is refused by what is wrong with it', async (t) => {
  const names = Array.from({ length: 600 }, (_, index) => `service-${index}.a-rather-long-name.example.com`);
  const peer = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('good', { names }) } }));
  const { dialSocket } = await startTestGateway(t, { findTrust });
  const session = await dialSocket();
  session.open(peer.port, { hostname: 'localhost', secureTransport: 'on' });
  assert.equal(((await session.hears('failed')) as Failed).code, 'tls_name_mismatch');
});

test('frames out of order end the session with a protocol error', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dialSocket } = await startTestGateway(t);
  const data = Buffer.from('x');
  const wrongs: [string, (session: SocketClient) => void][] = [
    ['data before open', (session) => session.send('data', data)],
    ['end before open', (session) => session.send('end')],
    ['startTls before open', (session) => session.send('startTls', {})],
    ['open twice', (session) => session.open(peer.port).open(peer.port)],
    ['end twice', (session) => session.open(peer.port).send('end').send('end')],
    ['data after end', (session) => session.open(peer.port).send('end').send('data', data)],
    ['startTls on off', (session) => session.open(peer.port).send('startTls', {})],
    ['startTls before opened', (session) => session.open(peer.port, starttls).send('startTls', {})],
    ['opened', (session) => session.send('opened', {})],
    ['failed', (session) => session.open(peer.port).send('failed', {})],
    ['secured', (session) => session.open(peer.port).send('secured', {})],
    ['unknown type', (session) => session.client.say(new Uint8Array([99, 0, 0, 0]))],
    ['oversized control', (session) => session.client.say(new Uint8Array([1, 4, 0, 1]))],
    ['not JSON', (session) => session.send('open', Buffer.from('{"hostname":'))],
    ['not UTF-8', (session) => session.send('open', Buffer.from([0xff, 0xfe]))],
  ];
  for (const [name, say] of wrongs) {
    const session = await dialSocket();
    say(session);
    assert.ok(await protocolError(session), name);
  }
});

const starttls = { secureTransport: 'starttls' };

test('startTls twice ends the session with a protocol error', async (t) => {
  const peer = await use(t, startStartTlsPeer({ certificate: await authority.issue('good') }));
  const { dialSocket } = await startTestGateway(t, { findTrust });
  const session = await dialSocket();
  session.open(peer.port, starttls);
  await session.until(() => session.data.includes('ready'));
  session.send('data', Buffer.from('STARTTLS\r\n'));
  await session.until(() => session.data.includes('go'));
  session.send('startTls', {});
  await session.hears('secured');
  session.send('startTls', {});
  await protocolError(session);
});

test('control frames with hostile content are refused by name', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dialSocket } = await startTestGateway(t);
  const contents: [string, Record<string, unknown>][] = [
    ['hostname', { hostname: 'a'.repeat(256) }],
    ['hostname', { hostname: 'a\r\nX: y' }],
    ['hostname', { hostname: { toString: 'x' } }],
    ['hostname', { hostname: ['127.0.0.1'] }],
    ['port', { port: '1' }],
    ['port', { port: 1e308 }],
    ['port', { port: -1 }],
    ['port', { port: 1.5 }],
    ['secureTransport', { secureTransport: 'ON' }],
    ['connectTimeout', { connectTimeout: -1 }],
    ['connectTimeout', { connectTimeout: null }],
    ['name', { tls: { sni: 'a\0b' } }],
    ['name', { tls: { expectedServerHostname: 'a\nb' } }],
    ['alpn', { tls: { alpn: Array.from({ length: 1_000 }, () => 'h2') } }],
    ['alpn', { tls: { alpn: ['x'.repeat(256)] } }],
    ['alpn', { tls: { alpn: [''] } }],
    ['object', { tls: 1 }],
  ];
  for (const [part, content] of contents) {
    const session = await dialSocket();
    session.open(peer.port, content);
    assert.match(await protocolError(session), new RegExp(part), JSON.stringify(content));
  }
  for (const text of ['null', '1', '[]', '"x"', '{"__proto__":{"hostname":"127.0.0.1","port":1}}']) {
    const session = await dialSocket();
    session.send('open', Buffer.from(text));
    await protocolError(session);
  }
  assert.equal(peer.connections, 0);
});

test('a timeout beyond the longest timer does not fire at once', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dialSocket } = await startTestGateway(t);
  for (const connectTimeout of [1e12, 2 ** 40, 0]) {
    const session = await dialSocket();
    session.open(peer.port, { connectTimeout });
    await session.hears('opened');
  }
});

test('a connection that ends without an end frame resets the origin', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port).send('data', Buffer.from('half a message'));
  await peer.receives(14);
  session.client.socket.destroy();
  const { error } = await peer.next('reset');
  assert.equal(error.code, 'ECONNRESET');
});

test('a Worker that has ended and gone is not kept for an origin that never ends; what it sent arrives', async (t) => {
  const peer = await use(t, startPeer('never-reads'));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  const bytes = 8_000_000;
  session.open(peer.port).send('data', Buffer.alloc(bytes)).send('end');
  await Promise.all([session.hears('opened'), peer.next('connection')]);
  session.client.socket.end();
  const origin = peer.open[0]!;
  let received = 0;
  origin.on('data', (chunk: Buffer) => (received += chunk.byteLength)).resume();
  await once(origin, 'end');
  assert.equal(received, bytes);
  await session.client.ended;
  // Nobody is there to take it.
  while (!origin.destroyed) await new Promise((resolve) => origin.write('late', resolve));
});

test('a frame cut in the middle resets the origin', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port);
  await session.hears('opened');
  session.client.say(new Uint8Array([4, 0, 0, 9, 1]));
  await peer.receives(1);
  session.client.socket.end();
  await peer.next('reset');
});

test('what the origin sent before it reset arrives before the failure', async (t) => {
  const peer = await use(t, startPeer('reset-after-data', { data: 'last words' }));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port);
  await session.until(() => session.data.byteLength === 10);
  session.send('data', Buffer.from('x'));
  assert.equal(((await session.hears('failed')) as Failed).code, 'connection_reset');
  assert.equal(session.data.toString(), 'last words');
  await session.client.ended;
});

test('a Worker that sends thousands of tiny frames to a stalled origin is only slowed down', async (t) => {
  const peer = await use(t, startPeer('never-reads'));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port);
  await session.hears('opened');
  const tiny = Buffer.concat(Array.from({ length: 13_000 }, () => Buffer.from([4, 0, 0, 1, 0])));
  const { socket } = session.client;
  let taken = true;
  for (let count = 0; count < 2_000 && taken; count += 1) taken = socket.write(tiny);
  assert.equal(taken, false);
});

test('a Worker that left unsent bytes to a stalled origin is not kept', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const peer = await use(t, startPeer('never-reads'));
  const { dialSocket, gateway } = await startTestGateway(t);
  const session = await dialSocket();
  session.open(peer.port);
  await session.hears('opened');
  const { socket } = session.client;
  const frame = Buffer.concat([Buffer.from([frameType.data, 1, 0, 0]), Buffer.alloc(65_536)]);
  // Everything on the way is full when nothing leaves over many turns of the loop.
  for (let turns = 0; turns < 50; turns = socket.writableLength > 0 ? turns + 1 : 0) {
    if (socket.writableLength === 0) socket.write(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // One that is there is only asked.
  t.mock.timers.tick(probeInterval);
  await session.client.hears('\x04\0\0\0');
  assert.equal(gateway.connections, 1);
  socket.destroy();
  await once(socket, 'close');
  t.mock.timers.tick(probeInterval);
  while (gateway.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a Worker that does not read stops the origin', async (t) => {
  const peer = await use(t, startPeer('source', { bytes: 64 * 1024 * 1024 }));
  const { dialSocket } = await startTestGateway(t);
  const session = await dialSocket();
  session.client.socket.pause();
  const before = process.memoryUsage.rss();
  session.open(peer.port);
  const { socket } = await peer.next('connection');
  // The peer has filled everything on the way when its own buffer stays full over many turns of the loop.
  for (let turns = 0; turns < 50; turns = socket.writableLength > 0 ? turns + 1 : 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(socket.bytesWritten < 32 * 1024 * 1024, `${socket.bytesWritten} bytes were taken`);
  assert.ok(process.memoryUsage.rss() - before < 48 * 1024 * 1024);
});

test('any garbage in place of frames ends the session and nothing else', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dialSocket, gateway } = await startTestGateway(t);
  await check(
    asyncProperty(uint8Array({ minLength: 1, maxLength: 2_000 }), boolean(), async (garbage, isOpen) => {
      const session = await dialSocket();
      if (isOpen) session.open(peer.port);
      session.client.say(garbage);
      session.client.socket.end();
      await session.client.ended;
    }),
    { numRuns: 150 },
  );
  for (let count = 0; count < 50; count += 1) {
    const session = await dialSocket();
    session.client.say(randomBytes(65_536)).socket.end();
    await session.client.ended;
  }
  const session = await dialSocket();
  session.open(peer.port);
  await session.hears('opened');
  assert.ok(gateway.connections >= 1);
});
