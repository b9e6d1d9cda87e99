// TLS on Node for both ways in, `secureTransport: 'on'` and `startTls()`: the chain and the name are verified, unless
// whoever runs the host has said otherwise about one destination.
import { isIP, type Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { SocketAddress } from '../address.ts';
import type { SocketErrorCode } from '../errors.table.ts';
import { SocketError, toTlsError } from '../socket-error.ts';
import type { TlsRequest } from '../tls-request.ts';
import { toMaterialSettings } from './tls-material.ts';

/** Trust and identity for one destination, in PEM. */
export interface TlsTrust {
  /** Authorities to trust instead of the system's. */
  ca?: string | Buffer | (string | Buffer)[];
  /** Client certificate and key, for servers that ask for one. */
  cert?: string | Buffer;
  key?: string | Buffer;
  passphrase?: string;
  /**
   * What the server's certificate has to be: for its name and from an authority we trust (the default), only the
   * latter, or anything. Weaker ones are an operator's word about one server, never a Worker's.
   */
  verify?: 'full' | 'authority' | 'nothing';
  /** What to do about a failure with these settings, in the host's words. Default: the remedy of the error's code. */
  explain?: (code: SocketErrorCode) => string;
}

/** Trust for a destination; undefined means the system's authorities and no client certificate. */
export type FindTrust = (destination: SocketAddress) => TlsTrust | undefined;

interface KnownContext {
  material: readonly unknown[];
  context: SecureContext;
}

/** Reading PEM takes longer than a handshake, so settings that stay the same object are read once. */
const contexts = new WeakMap<TlsTrust, KnownContext>();

/** What TLS reads settings into. @throws the library's error for what is no PEM */
export function contextOf(trust: TlsTrust): SecureContext {
  const { ca, cert, key, passphrase } = trust;
  const material = [ca, cert, key, passphrase];
  const known = contexts.get(trust);
  if (known !== undefined && known.material.every((each, index) => each === material[index])) return known.context;
  const context = createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  contexts.set(trust, { material, context });
  return context;
}

/**
 * Starts TLS over a stream that may still be connecting. The caller waits for `secureConnect` or `error`.
 * Verified name: `expectedServerHostname`, else the hostname; SNI: `sni`, else the verified name unless it is an IP.
 */
export function startTlsOver(
  stream: Duplex,
  hostname: string,
  options: TlsRequest,
  trust: TlsTrust | undefined,
): TLSSocket {
  // Neither a name in a certificate nor one in a ClientHello has a trailing dot [RFC 6066 3].
  const name = (options.expectedServerHostname ?? hostname).replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const { verify = 'full', explain: _, ...own } = trust ?? {};
  const checksName = verify === 'full' && !(options.ownNameCheck === true && options.material?.ca !== undefined);
  const isHosts = options.material === undefined;
  const settings: ConnectionOptions = {
    ...(isHosts ? trust && { secureContext: contextOf(trust) } : toMaterialSettings(options.material, own)),
    socket: stream as NetSocket,
    servername: options.sni ?? (isIP(name) === 0 ? name : ''),
    rejectUnauthorized: verify !== 'nothing',
    checkServerIdentity: (_host, certificate) => (checksName ? checkServerIdentity(name, certificate) : undefined),
  };
  if (options.alpn !== undefined) settings.ALPNProtocols = options.alpn;
  const secure = connect(settings);
  secure.allowHalfOpen = true;
  return secure;
}

const byOpenSslCode: Record<string, SocketErrorCode> = {
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_unknown_authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_name_mismatch',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls_not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls_not_tls',
  ERR_SSL_RECORD_LAYER_FAILURE: 'tls_not_tls',
  ERR_SSL_HTTP_REQUEST: 'tls_not_tls',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls_version',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls_version',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'tls_version',
  ERR_SSL_SSL_TLSV1_ALERT_HANDSHAKE_FAILURE: 'tls_version',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'tls_alpn',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'tls_client_certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'tls_client_certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'tls_client_certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'tls_client_certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'tls_client_certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'tls_client_certificate',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'tls_client_certificate',
  ERR_SSL_SSL_TLSV1_ALERT_UNKNOWN_CA: 'tls_client_certificate',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'tls_client_certificate',
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: 'tls_client_certificate',
  ECONNRESET: 'tls_closed',
  EPIPE: 'tls_closed',
};

/** Which of our errors a handshake's failure is. */
export function tlsErrorCode(error: unknown): SocketErrorCode {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return 'tls_failed';
  const known = byOpenSslCode[code];
  if (known !== undefined) return known;
  return /CERT|ISSUER|CRL/.test(code) ? 'tls_bad_certificate' : 'tls_failed';
}

/** True for an error that the TLS layer reports on an established connection, such as a late alert. */
export function isTlsAlert(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && code.startsWith('ERR_SSL_');
}

/** The error for such a report; `trust` is what the connection was made with. */
export function fromTlsAlert(error: unknown, trust?: TlsTrust): SocketError {
  const code = tlsErrorCode(error);
  // OpenSSL's message is a line of its error stack; its reason is the part for people.
  const { reason, message: text } = error as Error & { reason?: string };
  const message = `Network connection lost. TLS: ${reason ?? text}`;
  return new SocketError(code, { message, cause: error, ...toRemedy(code, trust) });
}

/** The error for a handshake that failed, with what the host says of the settings it was made with. */
export function fromHandshake(error: unknown, phase: 'connect' | 'startTls', trust?: TlsTrust): SocketError {
  const code = tlsErrorCode(error);
  return toTlsError(code, phase, error, toRemedy(code, trust).remedy);
}

function toRemedy(code: SocketErrorCode, trust: TlsTrust | undefined): { remedy?: string } {
  return trust?.explain === undefined ? {} : { remedy: trust.explain(code) };
}
