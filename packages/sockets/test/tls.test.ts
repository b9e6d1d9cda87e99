import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type CertificateKind, type Peer, startPeer, testAuthority, use } from '@sallyport/testkit';
import type { PeerTls } from '@sallyport/testkit';
import { createConnect, type FindTrust, type Socket, type SocketOptions } from '../src/index.ts';
import { bytes, closing, failureOf, finish, hear, hearAll, reasonOf, say } from './support/sockets.ts';

const authority = await testAuthority();
const trusting = createConnect({ tls: () => ({ ca: authority.ca }) });

interface Identity {
  sni: string | false;
  alpn: string | false;
  client: string | null;
  protocol: string;
}

function open(t: TestContext, address: string, options: SocketOptions = {}, connect = trusting): Socket {
  return closing(t, connect(address, { secureTransport: 'on', ...options }));
}

async function serve(t: TestContext, kind: 'echo' | 'identity' | 'greets', tls: Partial<PeerTls> = {}): Promise<Peer> {
  return use(t, startPeer(kind, { tls: { certificate: await authority.issue('good'), ...tls } }));
}

async function identify(
  t: TestContext,
  host: string,
  tls: Partial<PeerTls>,
  options?: SocketOptions,
  connect = trusting,
) {
  const peer = await serve(t, 'identity', tls);
  return JSON.parse(await hearAll(open(t, `${host}:${peer.port}`, options, connect))) as Identity;
}

test('TLS from the start carries bytes written before the handshake, and half-closes', async (t) => {
  const peer = await serve(t, 'echo');
  const socket = open(t, `localhost:${peer.port}`);
  void say(socket, 'early ')
    .then(() => say(socket, 'late'))
    .then(() => finish(socket));
  assert.equal(await hearAll(socket), 'early late');
  await socket.closed;
  assert.equal((await socket.opened).remoteAddress, peer.address);
});

test('a TLS server that ends first can still be written to when half-open is allowed', async (t) => {
  const peer = await use(t, startPeer('fin-first', { tls: { certificate: await authority.issue('good') } }));
  const socket = open(t, peer.address, { allowHalfOpen: true });
  assert.equal(await hear(socket), undefined);
  await say(socket, 'after');
  await finish(socket);
  await socket.closed;
  await peer.receives(5);
});

test('every certificate that is wrong is refused, and says how', async (t) => {
  const expected: [CertificateKind, string, RegExp][] = [
    ['expired', 'tls_expired', /expired/],
    ['not-yet-valid', 'tls_not_yet_valid', /not valid yet/],
    ['self-signed', 'tls_self_signed', /self-signed/],
    ['unknown-ca', 'tls_unknown_authority', /authority/],
    ['wrong-name', 'tls_name_mismatch', /not for this name/],
  ];
  for (const [kind, code, text] of expected) {
    const peer = await serve(t, 'echo', { certificate: await authority.issue(kind) });
    const socket = open(t, peer.address);
    const written = reasonOf(socket.writable.getWriter().write(bytes('secret')));
    const error = await failureOf(socket.opened);
    assert.equal(error.code, code, kind);
    assert.match(
      error.message,
      /^proxy request failed, cannot connect to the specified address\. TLS handshake failed:/,
    );
    assert.match(error.message, text);
    assert.ok(error.cause instanceof Error);
    assert.equal(await failureOf(socket.closed), error);
    assert.equal(await written, error);
    assert.ok(!peer.received.toString().includes('secret'), kind);
  }
  const untrusting = open(t, (await serve(t, 'echo')).address, {}, createConnect());
  assert.equal((await failureOf(untrusting.opened)).code, 'tls_unknown_authority');
});

test('servers that do not speak our TLS are told apart', async (t) => {
  const plaintext = await use(t, startPeer('plaintext'));
  assert.equal((await failureOf(open(t, plaintext.address).opened)).code, 'tls_not_tls');
  const old = await serve(t, 'echo', { maxVersion: 'TLSv1.1' });
  assert.equal((await failureOf(open(t, old.address).opened)).code, 'tls_version');
  const alpn = await serve(t, 'echo', { alpn: ['h2'] });
  assert.equal((await failureOf(open(t, alpn.address, { alpn: ['imap'] }).opened)).code, 'tls_alpn');
  const gone = await use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.end())),
  );
  assert.equal((await failureOf(open(t, gone.address).opened)).code, 'tls_closed');
  const reset = await use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.resetAndDestroy())),
  );
  assert.equal((await failureOf(open(t, reset.address).opened)).code, 'tls_closed');
});

test('SNI is the host name, nothing for an address, and what was asked for otherwise', async (t) => {
  const named = { certificate: await authority.issue('good', { names: ['db.internal', 'localhost'] }) };
  assert.equal((await identify(t, 'localhost', {})).sni, 'localhost');
  assert.equal((await identify(t, '127.0.0.1', {})).sni, false);
  assert.equal((await identify(t, '127.0.0.1', named, { expectedServerHostname: 'db.internal' })).sni, 'db.internal');
  const both = { expectedServerHostname: 'db.internal', sni: 'other.internal' };
  assert.equal((await identify(t, '127.0.0.1', named, both)).sni, 'other.internal');
  const peer = await serve(t, 'echo', named);
  const mismatch = open(t, peer.address, { expectedServerHostname: 'elsewhere.internal' });
  assert.equal((await failureOf(mismatch.opened)).code, 'tls_name_mismatch');
});

test('ALPN is offered, and the choice is reported', async (t) => {
  const peer = await serve(t, 'echo', { alpn: ['postgresql', 'h2'] });
  assert.equal((await open(t, peer.address, { alpn: ['h2', 'postgresql'] }).opened).alpn, 'postgresql');
  assert.equal((await open(t, peer.address).opened).alpn, null);
});

test('trust and identity are found per destination', async (t) => {
  const client = await authority.issue('client');
  const asked: string[] = [];
  const tls: FindTrust = ({ hostname, port }) => {
    asked.push(`${hostname} ${port > 0}`);
    return { ca: authority.ca, ...client };
  };
  const identity = await identify(t, 'localhost', { clientCa: authority.ca }, {}, createConnect({ tls }));
  assert.equal(identity.client, 'client');
  assert.deepEqual(asked, ['localhost true']);
});

test('a missing client certificate is named, when the handshake or the first read shows it', async (t) => {
  const peer = await serve(t, 'echo', { clientCa: authority.ca });
  const socket = open(t, peer.address);
  await socket.opened;
  const error = await failureOf(hear(socket));
  assert.equal(error.code, 'tls_client_certificate');
  assert.match(error.message, /^Network connection lost\. TLS: /);
});

test('trust that is not PEM, or cannot be found, fails the one connection', async (t) => {
  const peer = await serve(t, 'echo');
  for (const tls of [
    () => ({ cert: 'nonsense', key: 'nonsense' }),
    () => {
      throw new Error('no vault');
    },
  ] satisfies FindTrust[]) {
    const error = await failureOf(open(t, peer.address, {}, createConnect({ tls })).opened);
    assert.equal(error.code, 'tls_failed');
    assert.ok(error.cause instanceof Error);
  }
});
