// Each kind is judged by node:tls itself: what a client that trusts only our authority says about it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { createAuthority, startPeer, testAuthority, use } from '../src/index.ts';
import type { CertificateKind } from '../src/index.ts';

function handshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ servername: 'localhost', ...options });
    socket.once('secureConnect', () => {
      resolve('accepted');
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const verdicts: Record<Exclude<CertificateKind, 'client'>, string> = {
  good: 'accepted',
  'self-signed': 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'unknown-ca': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  expired: 'CERT_HAS_EXPIRED',
  'not-yet-valid': 'CERT_NOT_YET_VALID',
  'wrong-name': 'ERR_TLS_CERT_ALTNAME_INVALID',
};

for (const [kind, verdict] of Object.entries(verdicts)) {
  test(`a client that trusts our authority answers a certificate of kind ${kind} with ${verdict}`, async (t) => {
    const authority = await testAuthority();
    const certificate = await authority.issue(kind as CertificateKind);
    const peer = await use(t, startPeer('echo', { tls: { certificate } }));
    assert.equal(await handshake({ host: peer.host, port: peer.port, ca: authority.ca }), verdict);
  });
}

test('a good certificate is also valid for the loopback addresses', async (t) => {
  const { ca, issue } = await testAuthority();
  const peer = await use(t, startPeer('echo', { tls: { certificate: await issue('good') } }));
  const check = { host: peer.host, port: peer.port, ca, servername: '' };
  assert.equal(await handshake(check), 'accepted');
});

test('two authorities do not trust each other', async (t) => {
  const [one, other] = await Promise.all([createAuthority('one'), createAuthority('other')]);
  const peer = await use(t, startPeer('echo', { tls: { certificate: await one.issue('good') } }));
  assert.notEqual(await handshake({ host: peer.host, port: peer.port, ca: other.ca }), 'accepted');
});
