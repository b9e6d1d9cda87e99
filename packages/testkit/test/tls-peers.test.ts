import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { injectedLine, startPeer, startStartTlsPeer, testAuthority, use } from '../src/index.ts';
import type { Peer, PeerTls, StartTlsVariant } from '../src/index.ts';

async function goodTls(more: Partial<PeerTls> = {}): Promise<PeerTls> {
  return { certificate: await (await testAuthority()).issue('good'), ...more };
}

async function dial(t: TestContext, peer: Peer, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { ca } = await testAuthority();
  const socket = connect({ host: peer.host, port: peer.port, ca, servername: 'localhost', ...options });
  t.after(() => void socket.destroy());
  return socket;
}

test('a peer inside TLS behaves as it does in the clear', async (t) => {
  const peer = await use(t, startPeer('echo', { tls: await goodTls() }));
  const socket = await dial(t, peer);
  socket.end('sealed');
  assert.equal(await text(socket), 'sealed');
  assert.equal(peer.received.toString(), 'sealed');
  await peer.next('secure');
  await peer.next('fin');
});

test('identity reports SNI, ALPN and the client certificate', async (t) => {
  const { ca, issue } = await testAuthority();
  const tls = await goodTls({ alpn: ['postgresql', 'h2'], clientCa: ca });
  const peer = await use(t, startPeer('identity', { tls }));
  const client = await issue('client', { commonName: 'alice' });
  const socket = await dial(t, peer, { ...client, ALPNProtocols: ['h2', 'postgresql'] });
  assert.deepEqual(JSON.parse(await text(socket)), {
    sni: 'localhost',
    alpn: 'postgresql',
    authorized: true,
    client: 'alice',
    protocol: 'TLSv1.3',
  });
});

test('a peer that requires a client certificate refuses a client without one', async (t) => {
  const { ca } = await testAuthority();
  const peer = await use(t, startPeer('echo', { tls: await goodTls({ clientCa: ca }) }));
  const socket = await dial(t, peer);
  await once(socket, 'error');
  const { error } = await peer.next('tls-error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
});

test('a peer limited to TLS 1.1 is refused by a client that wants TLS 1.2', async (t) => {
  const peer = await use(t, startPeer('echo', { tls: await goodTls({ maxVersion: 'TLSv1.1' }) }));
  const modern = await dial(t, peer);
  const [error] = (await once(modern, 'error')) as [NodeJS.ErrnoException];
  assert.match(error.code!, /PROTOCOL/);
  const old = await dial(t, peer, { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' });
  await once(old, 'secureConnect');
  assert.equal(old.getProtocol(), 'TLSv1.1');
});

test('a plaintext peer makes a TLS client fail', async (t) => {
  const peer = await use(t, startPeer('plaintext', { data: '500 what?\r\n' }));
  const [error] = (await once(await dial(t, peer), 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ERR_SSL_WRONG_VERSION_NUMBER');
});

test('closing a peer ends a handshake that a client never began', async (t) => {
  const peer = await startPeer('echo', { tls: await goodTls() });
  const socket = connectPlain(peer.port, peer.host);
  t.after(() => void socket.destroy());
  socket.resume();
  await peer.next('connection');
  await Promise.all([peer.close(), once(socket, 'close')]);
});

async function startTlsPeer(t: TestContext, variant: StartTlsVariant): Promise<[Peer, Socket]> {
  const peer = await use(t, startStartTlsPeer(await goodTls(), { variant }));
  // Closing the peer ends it; destroying it here, under a TLSSocket, crashes Node 20.
  const socket = connectPlain(peer.port, peer.host);
  assert.equal(String((await once(socket, 'data'))[0]), '220 ready\r\n');
  return [peer, socket];
}

async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\r\n`);
  return String((await once(socket, 'data'))[0]);
}

async function upgraded(t: TestContext, socket: Socket): Promise<TLSSocket> {
  const { ca } = await testAuthority();
  const secure = connect({ socket, ca, servername: 'localhost' });
  t.after(() => void secure.destroy());
  return secure;
}

test('STARTTLS: answers lines in the clear, upgrades, then echoes', async (t) => {
  const [peer, socket] = await startTlsPeer(t, 'upgrade');
  assert.equal(await ask(socket, 'EHLO me'), '250 EHLO me\r\n');
  assert.equal(await ask(socket, 'STARTTLS'), '220 go\r\n');
  const secure = await upgraded(t, socket);
  assert.equal(await ask(secure, 'secret'), 'secret\r\n');
  assert.equal((await peer.next('line')).line, 'EHLO me');
  assert.equal((await peer.next('line')).line, 'STARTTLS');
  assert.equal((await peer.next('secure')).connection, 0);
  secure.end();
  await peer.next('fin');
});

test('STARTTLS: refuse stays in the clear', async (t) => {
  const [, socket] = await startTlsPeer(t, 'refuse');
  assert.equal(await ask(socket, 'STARTTLS'), '502 no\r\n');
  assert.equal(await ask(socket, 'NOOP'), '250 NOOP\r\n');
});

test('STARTTLS: inject puts plaintext into the segment of the go line', async (t) => {
  const [, socket] = await startTlsPeer(t, 'inject');
  assert.equal(await ask(socket, 'STARTTLS'), `220 go\r\n${injectedLine}`);
  const secure = await upgraded(t, socket);
  await once(secure, 'secureConnect');
});

test('STARTTLS: drop ends the connection after the go line', async (t) => {
  const [, socket] = await startTlsPeer(t, 'drop');
  const ended = once(socket, 'end');
  assert.equal(await ask(socket, 'STARTTLS'), '220 go\r\n');
  await ended;
});

test('STARTTLS: garbage makes the handshake fail', async (t) => {
  const [, socket] = await startTlsPeer(t, 'garbage');
  socket.write('STARTTLS\r\n');
  await once(socket, 'data');
  await once(await upgraded(t, socket), 'error');
});

test('STARTTLS: hang reads the handshake and never answers', async (t) => {
  const [peer, socket] = await startTlsPeer(t, 'hang');
  assert.equal(await ask(socket, 'STARTTLS'), '220 go\r\n');
  const before = peer.bytesReceived;
  const secure = await upgraded(t, socket);
  await peer.receives(before + 100);
  assert.equal(secure.getProtocol() === 'TLSv1.3' && secure.authorized, false);
});
