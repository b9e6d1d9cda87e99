// What is said about an origin before its configuration is accepted: the precise cause, from real servers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { before, after, test } from 'node:test';
import { createAuthority, startPostgres, testAuthority, use } from '@sallyport/testkit';
import type { CertificateAuthority, PostgresServer, TestScope } from '@sallyport/testkit';
import { createOriginTls, HyperdriveError, probeOrigin, toOriginProblem } from '../src/index.ts';
import type { Clock, HyperdriveErrorCode, Origin, OriginProblem, OriginTlsOptions } from '../src/index.ts';
import { dialTcp } from './dial.ts';

let authority: CertificateAuthority;
/** Has TLS with a good certificate, and connections without TLS are let in too. */
let server: PostgresServer;

before(async () => {
  authority = await testAuthority();
  server = await startPostgres({ tls: { certificate: await authority.issue('good') } });
});
after(() => server[Symbol.asyncDispose]());

function originAt(port: number, changes: Partial<Origin> = {}): Origin {
  const { user, password, database } = server;
  return { user, password, database, dial: ({ signal }) => dialTcp(port, signal), ...changes };
}

const tls = (options: Partial<OriginTlsOptions> = {}): Pick<Origin, 'startTls'> => ({
  startTls: createOriginTls({ sslmode: 'require', host: 'localhost', ...options }),
});

async function fails(
  origin: Origin,
  [code, problem, text]: [HyperdriveErrorCode, OriginProblem, RegExp],
  clock?: Clock,
): Promise<void> {
  await assert.rejects(probeOrigin(origin, clock === undefined ? {} : { clock }), (error) => {
    assert.ok(error instanceof HyperdriveError);
    assert.deepEqual([error.code, toOriginProblem(error)], [code, problem], error.message);
    assert.match(error.message, text);
    assert.notEqual(error.remedy, '');
    return true;
  });
}

/** A server that does with each connection what it is told. */
async function serverThat(t: TestScope, handle: (socket: Socket) => void): Promise<number> {
  const listener = createServer((socket) => handle(socket.on('error', () => {})));
  t.after(() => void listener.close());
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return (listener.address() as AddressInfo).port;
}

test('an origin that is right is accepted, in the clear and with each sslmode', async () => {
  const { version } = await probeOrigin(originAt(server.port));
  assert.match(version!, /^\d+/);
  const { ca } = authority;
  for (const options of [
    {},
    { sslmode: 'verify-ca', ca },
    { sslmode: 'verify-full', ca, host: '127.0.0.1' },
  ] as const) {
    assert.deepEqual(await probeOrigin(originAt(server.port, { ...tls(options), channelBinding: 'require' })), {
      version,
    });
  }
});

test('a wrong password, user and database are told apart from each other', async () => {
  const { port } = server;
  await fails(originAt(port, { password: 'wrong' }), [
    'origin_refused',
    'origin_credentials',
    /password authentication/,
  ]);
  await fails(originAt(port, { user: 'nobody' }), ['origin_refused', 'origin_credentials', /nobody/]);
  await fails(originAt(port, { database: 'none' }), ['origin_refused', 'origin_database', /"none" does not exist/]);
});

test('a login that does not bind the channel is refused when that is required, before a password is sent', async (t) => {
  const unbound = ['origin_protocol', 'origin_failed', /channel binding is required/] as const;
  await fails(originAt(server.port, { channelBinding: 'require' }), [...unbound]);
  const certificate = await authority.issue('good');
  for (const auth of ['trust', 'password', 'md5'] as const) {
    const weak = await use(t, startPostgres({ auth, tls: { certificate } }));
    await probeOrigin(originAt(weak.port, { ...tls(), channelBinding: 'prefer' }));
    await fails(originAt(weak.port, { ...tls(), channelBinding: 'require', password: 'never sent' }), [...unbound]);
  }
});

test('a server without TLS is refused when sslmode asks for TLS', async (t) => {
  const plain = await use(t, startPostgres());
  await fails(originAt(plain.port, tls()), ['tls_unsupported', 'origin_without_tls', /does not support TLS/]);
});

test('an expired certificate, and one of an unknown authority, are refused unless nothing is to be checked', async (t) => {
  const { ca } = authority;
  const certificate = await authority.issue('expired');
  const expired = await use(t, startPostgres({ tls: { certificate } }));
  await probeOrigin(originAt(expired.port, tls()));
  for (const options of [{ ca }, { sslmode: 'verify-ca', ca }] as const) {
    await fails(originAt(expired.port, tls(options)), ['tls_expired', 'origin_failed', /has expired/]);
  }
  const other = (await createAuthority('another')).ca;
  await fails(originAt(server.port, tls({ sslmode: 'verify-full', ca: other })), [
    'tls_unknown_authority',
    'origin_failed',
    /not trusted/,
  ]);
  await fails(originAt(server.port, tls({ sslmode: 'verify-ca' })), [
    'tls_unknown_authority',
    'origin_failed',
    /not trusted/,
  ]);
});

test('verify-full compares the name, and verify-ca does not', async () => {
  const { ca } = authority;
  const host = 'db.example';
  await probeOrigin(originAt(server.port, tls({ sslmode: 'verify-ca', ca, host })));
  await fails(originAt(server.port, tls({ sslmode: 'verify-full', ca, host })), [
    'tls_name_mismatch',
    'origin_failed',
    /db\.example.*localhost/s,
  ]);
});

test('a client certificate is sent, and it is said when the server wants one or another', async (t) => {
  const { ca } = authority;
  const certificate = await authority.issue('good');
  const strict = await use(t, startPostgres({ tls: { certificate, clientCa: ca }, requireTls: true }));
  const { cert, key } = await authority.issue('client', { commonName: 'postgres' });
  await probeOrigin(originAt(strict.port, tls({ sslmode: 'verify-full', ca, certificate: cert, key })));
  await fails(originAt(strict.port, tls()), ['origin_refused', 'origin_credentials', /valid client certificate/]);
  const foreign = await (await createAuthority('another')).issue('client');
  await fails(originAt(strict.port, tls({ certificate: foreign.cert, key: foreign.key })), [
    'tls_client_certificate',
    'origin_failed',
    /client certificate/,
  ]);
});

test('what is no PostgreSQL is told as such', async (t) => {
  const port = await serverThat(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await fails(originAt(port, tls()), ['origin_protocol', 'origin_failed', /not PostgreSQL/]);
  await fails(originAt(port), ['connect_failed', 'origin_failed', /./]);
  const silent = await serverThat(t, (socket) => socket.end());
  await fails(originAt(silent), ['origin_protocol', 'origin_failed', /closed the connection/]);
});

const failing = (code: string): Partial<Origin> => ({
  dial: () => Promise.reject(Object.assign(new Error(code), { code })),
});

test('a port where nothing listens, a name that does not resolve, and silence are told apart', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  await fails(originAt(port), ['connect_failed', 'origin_refused', /connection_refused/]);
  await fails(originAt(0, failing('dns_error')), ['connect_failed', 'origin_unknown_host', /dns_error/]);
  await fails(originAt(0, failing('destination_denied')), ['connect_failed', 'origin_not_allowed', /denied/]);
  await fails(originAt(0, failing('EHOSTUNREACH')), ['connect_failed', 'origin_unreachable', /ehostunreach/]);
  // Time is up as soon as the server, which says nothing, has been spoken to.
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after(_, callback) {
      timers.push(callback);
      return () => {};
    },
  };
  const mute = await serverThat(t, (socket) => void socket.on('data', () => timers.pop()?.()));
  const streams: Duplex[] = [];
  const dial: Origin['dial'] = async ({ signal }) => {
    const stream = await dialTcp(mute, signal);
    streams.push(stream);
    return stream;
  };
  for (const way of [{}, tls()]) {
    await fails(originAt(0, { dial, ...way }), ['connect_failed', 'origin_unreachable', /timed_out/], clock);
  }
  assert.ok(streams.every(({ destroyed }) => destroyed));
});

test('an origin that lets in and then refuses the query is told as such', async (t) => {
  const refusal = Buffer.from('SFATAL\0C57P03\0Mnot now\0\0');
  const error = Buffer.alloc(5);
  error.write('E');
  error.writeInt32BE(refusal.length + 4, 1);
  const ready = Buffer.from('5a0000000549', 'hex');
  const port = await serverThat(t, (socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([Buffer.from('520000000800000000', 'hex'), ready]));
      socket.on('data', () => socket.write(Buffer.concat([error, refusal, ready])));
    });
  });
  await fails(originAt(port), ['test_query_failed', 'origin_query_failed', /not now/]);
});
