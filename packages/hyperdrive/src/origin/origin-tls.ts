// TLS to an origin as its `sslmode` asks: what is checked of the server's certificate, and a failure in a code of ours.
//
// As libpq has it: `require` encrypts and checks nothing, unless there is an authority to check against, which makes it
// `verify-ca`; `verify-ca` checks the chain; `verify-full` also the name.
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect } from 'node:tls';
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import { HyperdriveError } from '../errors.ts';
import type { HyperdriveErrorCode } from '../errors.ts';
import type { Origin } from './origin.ts';

export interface OriginTlsOptions {
  sslmode: 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** The host as the configuration names it: what the server is asked for, and what `verify-full` compares. */
  host: string;
  /** Authorities, PEM; Node's own when left out. */
  ca?: string | readonly string[] | undefined;
  /** A client certificate and its key, PEM. */
  certificate?: string | undefined;
  key?: string | undefined;
  /** All of these as TLS reads them, instead of them; `hasAuthority` then says whether there is one in it. */
  secureContext?: SecureContext | undefined;
  hasAuthority?: boolean | undefined;
}

/** What `Origin.startTls` wants. Its promise rejects with a `HyperdriveError` whose code starts with `tls_`. */
export function createOriginTls(options: OriginTlsOptions): NonNullable<Origin['startTls']> {
  const { sslmode, ca, certificate, key, secureContext, hasAuthority = ca !== undefined } = options;
  // Neither a name in a certificate nor one in a ClientHello has a trailing dot [RFC 6066 3].
  const host = options.host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const settings: ConnectionOptions = {
    servername: isIP(host) === 0 ? host : '',
    rejectUnauthorized: sslmode.startsWith('verify') || (sslmode === 'require' && hasAuthority),
    checkServerIdentity: (_name, peer) => (sslmode === 'verify-full' ? checkServerIdentity(host, peer) : undefined),
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(secureContext === undefined ? {} : { secureContext }),
  };
  return async (plain: Duplex) => {
    try {
      const stream = connect({ ...settings, socket: plain as Socket });
      await handshake(stream, plain);
      return { stream, serverCertificate: stream.getPeerX509Certificate()?.raw };
    } catch (error) {
      plain.destroy();
      throw toTlsError(error);
    }
  };
}

function handshake(stream: TLSSocket, plain: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays: what the other side says later, such as that our certificate is not good enough, ends the stream.
    stream.on('error', reject);
    stream.once('secureConnect', resolve);
    const closed = (): void => reject(new Error('the connection ended during the handshake'));
    stream.once('close', closed);
    plain.once('close', closed);
  });
}

const byNodeCode: Readonly<Record<string, [code: HyperdriveErrorCode, text: string]>> = {
  CERT_HAS_EXPIRED: ['tls_expired', 'the certificate has expired'],
  CERT_NOT_YET_VALID: ['tls_not_yet_valid', 'the certificate is not valid yet'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls_self_signed', 'the certificate is self-signed and not trusted'],
  ...Object.fromEntries(
    [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_SIGNATURE_FAILURE',
    ].map((code) => [
      code,
      ['tls_unknown_authority', 'the certificate was issued by an authority that is not trusted'],
    ]),
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls_name_mismatch', 'the certificate is not for this name'],
  ...Object.fromEntries(
    [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
      'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
      'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
    ].map((code) => [code, ['tls_client_certificate', 'the server did not accept our client certificate']]),
  ),
};

/** The error for what went wrong in or after a handshake. */
export function toTlsError(error: unknown): HyperdriveError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [known, text] = byNodeCode[code] ?? ['tls_failed' as const, undefined];
  // Node's text for a wrong name says which names the certificate has.
  const detail = text === undefined || known === 'tls_name_mismatch' ? message : text;
  return new HyperdriveError(known, `Server connection attempt failed: TLS handshake failed: ${detail}`, {
    cause: error,
  });
}

/** Whether an error is what TLS reports of an established connection, such as a late alert. */
export function isTlsAlert(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_SSL_');
}
