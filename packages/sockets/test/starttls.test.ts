import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { injectedLine, startPeer, startRefusing, startStartTlsPeer, testAuthority, use } from '@sallyport/testkit';
import type { CertificateKind, Peer, StartTlsVariant } from '@sallyport/testkit';
import { createConnect, type Socket, withInvocation } from '../src/index.ts';
import { bytes, closing, failureOf, hear, reasonOf, say, turn } from './support/sockets.ts';

const authority = await testAuthority();
const connect = createConnect({ tls: () => ({ ca: authority.ca }) });

async function startServer(t: TestContext, variant: StartTlsVariant = 'upgrade', kind: CertificateKind = 'good') {
  return use(t, startStartTlsPeer({ certificate: await authority.issue(kind), alpn: ['smtp', 'echo'] }, { variant }));
}

function open(t: TestContext, peer: Peer, options = {}): Socket {
  return closing(t, connect(peer.address, { secureTransport: 'starttls', ...options }));
}

/** Asks for TLS in the clear and reads the server's consent. */
async function negotiate(socket: Socket): Promise<void> {
  assert.equal(await hear(socket), '220 ready\r\n');
  await say(socket, 'STARTTLS\r\n');
  assert.match((await hear(socket)) ?? '', /^220 go\r\n/);
}

test('startTls() upgrades behind the plaintext that was exchanged', async (t) => {
  const peer = await startServer(t);
  const plain = open(t, peer);
  await negotiate(plain);
  const secure = closing(t, plain.startTls({ alpn: ['echo'] }));
  assert.equal(secure.secureTransport, 'on');
  assert.equal(secure.upgraded, false);
  const { alpn, remoteAddress } = await secure.opened;
  assert.equal(alpn, 'echo');
  assert.equal(remoteAddress, peer.address);
  await plain.closed;
  assert.equal(plain.upgraded, true);
  assert.equal(plain.secureTransport, 'starttls');
  assert.notEqual(secure.readable, plain.readable);
  await say(secure, 'hello');
  assert.equal(await hear(secure), 'hello');
  await plain.close();
  await say(secure, 'still there');
  assert.equal(await hear(secure), 'still there');
});

test('what is written to the secure socket at once never travels in the clear', async (t) => {
  const peer = await startServer(t);
  const plain = open(t, peer);
  await negotiate(plain);
  const before = peer.bytesReceived;
  const secure = closing(t, plain.startTls());
  const writer = secure.writable.getWriter();
  const written = writer.write(bytes('secret'));
  const heard = hear(secure);
  await written;
  assert.equal(await heard, 'secret');
  // The peer counts what TLS delivers after the handshake; in the clear nothing came after STARTTLS.
  assert.equal(peer.received.subarray(before).toString(), 'secret');
  assert.equal(peer.pending('tls-error'), 0);
});

test('startTls() before the connection is open takes effect behind what was written', async (t) => {
  const peer = await startPeer((socket) => {
    socket.once('data', (chunk) => {
      assert.equal(chunk.toString().startsWith('go'), true);
      // A ClientHello may share the segment; what is behind the two bytes belongs to TLS.
      socket.pause();
      socket.unshift(chunk.subarray(2));
      void authority
        .issue('good')
        .then((certificate) => peer.secure(socket, { certificate }))
        .then((secured) => secured?.pipe(secured));
    });
  });
  await use(t, peer);
  const plain = open(t, peer);
  const writer = plain.writable.getWriter();
  const written = writer.write(bytes('go'));
  writer.releaseLock();
  const secure = closing(t, plain.startTls());
  await Promise.all([written, secure.opened]);
  await say(secure, 'x');
  assert.equal(await hear(secure), 'x');
});

test('startTls() refuses locked streams, naming the remedy, and the socket stays usable', async (t) => {
  const peer = await startServer(t);
  const plain = open(t, peer);
  await negotiate(plain);
  const writer = plain.writable.getWriter();
  assert.throws(() => plain.startTls(), { name: 'TypeError', message: /locked to a writer.*releaseLock\(\)/ });
  writer.releaseLock();
  const reader = plain.readable.getReader();
  assert.throws(() => plain.startTls(), { name: 'TypeError', message: /locked to a reader.*releaseLock\(\)/ });
  reader.releaseLock();
  const secure = closing(t, plain.startTls());
  await secure.opened;
});

test('startTls() refuses sockets that cannot be upgraded', async (t) => {
  const echo = await use(t, startPeer('echo'));
  const off = closing(t, connect(echo.address));
  assert.throws(() => off.startTls(), {
    name: 'TypeError',
    message: "The `secureTransport` socket option must be set to 'starttls' for startTls to be used.",
  });
  const on = closing(t, connect(echo.address, { secureTransport: 'on' }));
  assert.throws(() => on.startTls(), { name: 'TypeError', message: 'Cannot startTls on a TLS socket.' });
  const gone = open(t, echo);
  await gone.close();
  assert.throws(() => gone.startTls(), {
    name: 'TypeError',
    message: 'The connection was closed before startTls could be started.',
  });
  const twice = open(t, echo);
  closing(t, twice.startTls());
  assert.throws(() => twice.startTls(), { name: 'TypeError', message: /^startTls has already been called/ });
  const wrong = open(t, echo);
  assert.throws(() => wrong.startTls('x' as never), TypeError);
  assert.throws(() => wrong.startTls({ alpn: 'x' as never }), TypeError);
  assert.equal(wrong.startTls(null as never).secureTransport, 'on');
});

test('plaintext behind the consent is an attack, and the upgrade fails', async (t) => {
  const peer = await startServer(t, 'inject');
  const plain = open(t, peer);
  assert.equal(await hear(plain), '220 ready\r\n');
  await say(plain, 'STARTTLS\r\n');
  const reader = plain.readable.getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint8Array(8));
  reader.releaseLock();
  assert.equal(new TextDecoder().decode(value), '220 go\r\n');
  assert.ok(injectedLine.length > 0);
  const secure = closing(t, plain.startTls());
  const error = await failureOf(secure.opened);
  assert.ok(['tls_early_plaintext', 'tls_not_tls'].includes(error.code), error.code);
  assert.equal(await failureOf(secure.closed), error);
});

test('a chunk that a read gave up on counts as early plaintext', async (t) => {
  const peer = await startServer(t);
  const plain = open(t, peer);
  const reader = plain.readable.getReader();
  const abandoned = reader.read();
  reader.releaseLock();
  await assert.rejects(abandoned, TypeError);
  await plain.opened;
  await peer.next('connection');
  const again = plain.readable.getReader({ mode: 'byob' });
  assert.equal((await again.read(new Uint8Array(3))).value?.byteLength, 3);
  again.releaseLock();
  const error = await failureOf(closing(t, plain.startTls()).opened);
  assert.equal(error.code, 'tls_early_plaintext');
  assert.match(error.message, /^TLS Handshake Failed\. bytes that were received in the clear/);
});

test('a failed handshake says why, on every promise of the secure socket', async (t) => {
  const expected: [CertificateKind, string][] = [
    ['expired', 'tls_expired'],
    ['not-yet-valid', 'tls_not_yet_valid'],
    ['self-signed', 'tls_self_signed'],
    ['unknown-ca', 'tls_unknown_authority'],
    ['wrong-name', 'tls_name_mismatch'],
  ];
  for (const [kind, code] of expected) {
    const peer = await startServer(t, 'upgrade', kind);
    const plain = open(t, peer);
    await negotiate(plain);
    const secure = closing(t, plain.startTls());
    const writer = secure.writable.getWriter();
    const outcomes = [secure.opened, secure.closed, writer.write(bytes('secret')), secure.readable.getReader().read()];
    const errors = await Promise.all(outcomes.map(failureOf));
    for (const error of errors) assert.equal(error, errors[0]);
    assert.equal(errors[0]!.code, code, kind);
    assert.match(errors[0]!.message, /^TLS Handshake Failed\./);
    assert.ok(!peer.received.toString().includes('secret'), `${kind}: the server saw what was meant for another`);
    await plain.closed;
  }
});

test('servers that get the upgrade wrong are told apart', async (t) => {
  const garbage = open(t, await startServer(t, 'garbage'));
  await negotiate(garbage);
  assert.ok(['tls_not_tls', 'tls_early_plaintext'].includes((await failureOf(garbage.startTls().opened)).code));
  const drop = open(t, await startServer(t, 'drop'));
  await negotiate(drop);
  assert.equal((await failureOf(drop.startTls().opened)).code, 'tls_closed');
});

test('a connection that cannot be made fails both sockets of a startTls() that was called before', async (t) => {
  const refusing = await use(t, startRefusing());
  const plain = connect(refusing.address, { secureTransport: 'starttls' });
  const secure = plain.startTls();
  const write = secure.writable.getWriter().write(bytes('x'));
  const outcomes = [plain.opened, plain.closed, secure.opened, secure.closed, write];
  for (const error of await Promise.all(outcomes.map(failureOf))) assert.equal(error.code, 'connection_refused');
  assert.equal(plain.upgraded, false);
});

test('closing either socket before the upgrade is done ends both', async (t) => {
  const peer = await startServer(t, 'hang');
  const first = connect(peer.address, { secureTransport: 'starttls' });
  const secured = first.startTls();
  await first.close();
  assert.equal((await failureOf(secured.opened)).message, 'The connection was closed before startTls completed.');
  await reasonOf(secured.closed);

  const second = connect(peer.address, { secureTransport: 'starttls' });
  const abandoned = second.startTls();
  await abandoned.close();
  assert.equal((await failureOf(second.opened)).code, 'closed');
  await Promise.all([second.closed, abandoned.closed]);

  const third = connect(peer.address, { secureTransport: 'starttls' });
  await negotiate(third);
  const handshaking = third.startTls();
  await turn();
  await handshaking.close();
  assert.equal((await failureOf(handshaking.opened)).code, 'closed');
  await Promise.all([third.closed, handshaking.closed]);
});

test('the signal of connect() ends a pending upgrade and the secure socket after it', async (t) => {
  const peer = await startServer(t, 'hang');
  const abort = new AbortController();
  const plain = open(t, peer, { signal: abort.signal });
  await negotiate(plain);
  const secure = plain.startTls();
  await plain.closed;
  abort.abort(new Error('enough'));
  const error = await failureOf(secure.opened);
  assert.equal(error.code, 'aborted');
  assert.equal((error.cause as Error).message, 'enough');
});

test('an upgraded socket keeps its one slot', async (t) => {
  const peer = await startServer(t);
  await withInvocation(
    async () => {
      const plain = open(t, peer);
      await negotiate(plain);
      const secure = plain.startTls();
      await secure.opened;
      const waiting = connect(peer.address);
      let opened = false;
      void waiting.opened.then(() => (opened = true));
      await say(secure, 'x');
      await hear(secure);
      assert.equal(opened, false);
      await secure.close();
      await waiting.opened;
      await waiting.close();
    },
    { sockets: 1 },
  );
});
