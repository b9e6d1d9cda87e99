// What a Worker's `fetch()` gets when the origin cannot be reached: the status codes that Cloudflare's edge uses for the
// same cause, so that code written for it keeps working, with our code and remedy in the body.
import { SocketError } from '@sallyport/sockets/internal';
import { Refusal } from './egress-dial.ts';

const statusOf: Record<string, number> = {
  connection_refused: 521,
  connection_timeout: 522,
  host_unreachable: 523,
  dns_error: 530,
  destination_denied: 403,
  port_25: 403,
  tcp_loop: 508,
};

export interface HttpFailure {
  status: number;
  code: string;
  body: string;
}

export function toHttpFailure(error: unknown): HttpFailure {
  if (!(error instanceof SocketError || error instanceof Refusal)) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: 520, code: 'bad_response', body: `error code: 520\nThe origin's answer was broken: ${message}\n` };
  }
  const status = statusOf[error.code] ?? (error.code.startsWith('tls_') ? tlsStatus(error.code) : 520);
  const body = `error code: ${status}\n${error.message}\n${error.code}: ${error.remedy}\n`;
  return { status, code: error.code, body };
}

/** 526: the certificate is not acceptable; 525: the handshake failed otherwise. */
export function tlsStatus(code: string): number {
  const handshake = new Set(['tls_not_tls', 'tls_version', 'tls_alpn', 'tls_timeout', 'tls_closed', 'tls_failed']);
  return handshake.has(code) ? 525 : 526;
}
