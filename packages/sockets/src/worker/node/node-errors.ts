// The socket API's errors as Node.js has them: drivers decide by `code`, and people search for the messages. What was
// really said (documented text, remedy, cause) is the `cause`.
import type { SocketErrorCode } from '../../errors.table.ts';
import { SocketError } from '../../socket-error.ts';

export interface NodeError extends Error {
  code?: string;
  errno?: number;
  syscall?: string;
  hostname?: string;
  address?: string;
  port?: number;
}

/** Where a connection was to lead. */
export interface Peer {
  host: string;
  port: number;
}

const errnos: Readonly<Record<string, number>> = {
  EACCES: -13,
  EMFILE: -24,
  EPIPE: -32,
  EADDRNOTAVAIL: -99,
  ENETUNREACH: -101,
  ECONNABORTED: -103,
  EISCONN: -106,
  ECONNRESET: -104,
  ETIMEDOUT: -110,
  ECONNREFUSED: -111,
  EHOSTUNREACH: -113,
  EALREADY: -114,
  EAI_AGAIN: -3001,
  ENOTFOUND: -3008,
};

/** What the system would have said. A policy says what a firewall does. */
const codes: Partial<Record<SocketErrorCode, string>> = {
  connection_failed: 'ECONNREFUSED',
  connection_refused: 'ECONNREFUSED',
  connection_timeout: 'ETIMEDOUT',
  host_unreachable: 'EHOSTUNREACH',
  dns_error: 'ENOTFOUND',
  dns_timeout: 'EAI_AGAIN',
  dns_busy: 'EAI_AGAIN',
  out_of_resources: 'EMFILE',
  tunnel_unavailable: 'ENETUNREACH',
  invalid_destination: 'ENOTFOUND',
  destination_denied: 'EACCES',
  port_25: 'EACCES',
  tcp_loop: 'EACCES',
  gateway_lost: 'ENETUNREACH',
  slot_timeout: 'EMFILE',
  aborted: 'ECONNABORTED',
  connection_lost: 'ECONNRESET',
  connection_reset: 'ECONNRESET',
  tls_timeout: 'ETIMEDOUT',
  tls_closed: 'ECONNRESET',
};

const whileConnecting = new Set<SocketErrorCode>(['connection_failed', 'connection_reset', 'host_unreachable']);

/** Adds what Node's errors carry. */
export function toNodeError(message: string, code: string, more: Partial<NodeError> & { cause?: unknown }): NodeError {
  const { cause, ...rest } = more;
  const error: NodeError = new Error(message, cause === undefined ? undefined : { cause });
  const errno = errnos[code];
  return Object.assign(error, errno === undefined ? {} : { errno }, { code }, rest);
}

/** An error of a connection; `connecting` until it is up. */
export function fromSocketError(error: unknown, { host, port }: Peer, connecting: boolean): NodeError {
  if (!(error instanceof SocketError)) return error as NodeError;
  if (error.code.startsWith('tls_')) return fromTlsError(error, { host, port });
  const told = (error.cause as NodeError | undefined)?.code;
  // The host is not what is wrong then; the system refuses such a port.
  const noPort = error.code === 'invalid_destination' && port === 0;
  const known = noPort ? 'ECONNREFUSED' : (codes[error.code] ?? 'ECONNRESET');
  if (!connecting) return toNodeError(`read ${known}`, known, { syscall: 'read', cause: error });
  if (known === 'ENOTFOUND' || known === 'EAI_AGAIN') {
    return toNodeError(`getaddrinfo ${known} ${host}`, known, { syscall: 'getaddrinfo', hostname: host, cause: error });
  }
  const code = whileConnecting.has(error.code) && told !== undefined && told in errnos ? told : known;
  const why = code === 'EACCES' || code === 'EMFILE' || code === 'ENETUNREACH' ? ` (${detailOf(error)})` : '';
  return toNodeError(`connect ${code} ${host}:${port}${why}`, code, {
    syscall: 'connect',
    address: host,
    port,
    cause: error,
  });
}

function detailOf({ code, message, cause }: SocketError): string {
  return code !== 'port_25' && cause instanceof Error ? cause.message : message;
}

/** What to say to a program that asked not to verify, when verifying failed. */
const notYours =
  "'rejectUnauthorized: false' is not honoured in a Worker: whether a server is verified is decided by whoever runs the host. Give the driver the authority's certificate as 'ca', or let the host trust it.";

/** Where only our own code is known. */
const tlsCodes: Partial<Record<SocketErrorCode, string>> = {
  tls_expired: 'CERT_HAS_EXPIRED',
  tls_not_yet_valid: 'CERT_NOT_YET_VALID',
  tls_self_signed: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  tls_unknown_authority: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  tls_name_mismatch: 'ERR_TLS_CERT_ALTNAME_INVALID',
  tls_not_tls: 'ERR_SSL_WRONG_VERSION_NUMBER',
};

/** OpenSSL's own code and words, which the gateway tells along. */
function fromTlsError(error: SocketError, { host, port }: Peer): NodeError {
  const { code, message } = (error.cause ?? {}) as { code?: string; message?: string };
  const known = code ?? tlsCodes[error.code] ?? codes[error.code] ?? 'ERR_SSL_HANDSHAKE_FAILURE';
  if (error.code === 'tls_closed') {
    const text = 'Client network socket disconnected before secure TLS connection was established';
    return toNodeError(text, 'ECONNRESET', { host, port, cause: error } as Partial<NodeError>);
  }
  return toNodeError(message ?? error.message, known, { cause: error });
}

/** Adds to a failed verification that it could not be waived. */
export function explainVerification(error: NodeError): NodeError {
  if (error.cause instanceof SocketError && /^(?:CERT|DEPTH|SELF|UNABLE|ERR_TLS_CERT)/.test(error.code ?? '')) {
    error.message += `. ${notYours}`;
  }
  return error;
}

/** A wrong argument, with Node's code. */
export function invalidArgument(message: string, code = 'ERR_INVALID_ARG_VALUE'): TypeError {
  return Object.assign(new TypeError(message), { code });
}
