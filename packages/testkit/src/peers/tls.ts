// The server's side of TLS on a socket that a peer already accepted, from the first byte or after STARTTLS.
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { SecureVersion, TLSSocket } from 'node:tls';
import type { Certificate } from '../certificates.ts';

export interface PeerTls {
  certificate: Certificate;
  /** Requires a client certificate signed by this authority (PEM). */
  clientCa?: string;
  /** Protocols it is willing to speak, in its order of preference. */
  alpn?: readonly string[];
  minVersion?: SecureVersion;
  /** `TLSv1.1` and older also lower OpenSSL's security level, without which OpenSSL 3 refuses them. */
  maxVersion?: SecureVersion;
}

const obsolete = new Set<SecureVersion | undefined>(['TLSv1', 'TLSv1.1']);

/** Resolves when the handshake is done; rejects with the server's view of why it failed. */
export function acceptTls(raw: Socket, options: PeerTls): Promise<TLSSocket> {
  const { certificate, clientCa, alpn, minVersion, maxVersion } = options;
  return new Promise((resolve, reject) => {
    // A tls.Server that never listens: it brings client certificate checks, ALPN and SNI, which a bare TLSSocket lacks.
    const server = createServer({
      ...certificate,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      ...(obsolete.has(maxVersion) ? { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
    });
    server.once('secureConnection', resolve);
    server.once('tlsClientError', (error, socket) => {
      // Never the raw socket: Node 20 crashes when the socket under a TLSSocket is destroyed before it.
      socket.destroy();
      reject(error);
    });
    raw.once('close', () => reject(new Error('the connection ended before the handshake did')));
    server.emit('connection', raw);
  });
}
