// What a Worker is told when a private service cannot be reached: Cloudflare's codes, as the response they come in
// [Workers VPC: troubleshooting]. What exactly happened is for the log, since a Worker may pass the response on to anybody.
import { tlsStatus, type HttpFailure } from '../gateway/http-errors.ts';
import { codeOf, reasonOf } from '../gateway/egress-dial.ts';
import { proxyErrors, type ProxyErrorCode } from './proxy-errors.table.ts';

const byCode: Readonly<Record<string, ProxyErrorCode>> = {
  connection_refused: 'connection_refused',
  connection_reset: 'connection_terminated',
  connection_lost: 'connection_terminated',
  connection_timeout: 'connection_timeout',
  connection_failed: 'destination_unavailable',
  host_unreachable: 'destination_ip_unroutable',
  out_of_resources: 'connection_limit_reached',
  tunnel_unavailable: 'destination_unavailable',
  destination_denied: 'destination_ip_prohibited',
  port_25: 'destination_ip_prohibited',
  tcp_loop: 'proxy_loop_detected',
  dns_error: 'dns_error',
  dns_busy: 'dns_error',
  dns_timeout: 'dns_timeout',
  invalid_destination: 'destination_not_found',
  vpc_service_unknown: 'destination_not_found',
  vpc_scheme: 'http_request_denied',
  vpc_type: 'http_request_denied',
  aborted: 'http_request_error',
};

/** The errors of sockets that end, by their system's code. */
const bySystemCode: Readonly<Record<string, ProxyErrorCode>> = {
  ECONNRESET: 'connection_terminated',
  EPIPE: 'connection_terminated',
  ETIMEDOUT: 'connection_timeout',
};

export function toProxyErrorCode(error: unknown, kind: 'fetch' | 'websocket' = 'fetch'): ProxyErrorCode {
  const code = codeOf(error);
  if (code === 'connection_lost' && kind === 'websocket') return 'http_upgrade_failed';
  if (code !== undefined) return fromCode(code);
  const { code: system = '' } = error as { code?: string };
  if (system.startsWith('HPE_')) return 'http_protocol_error';
  if (system.startsWith('ERR_SSL_')) return 'tls_protocol_error';
  if (kind === 'websocket') return 'http_upgrade_failed';
  return bySystemCode[system] ?? 'http_request_error';
}

/** From one of our own codes. */
export function fromCode(code: string): ProxyErrorCode {
  if (code.startsWith('tls_')) return tlsStatus(code) === 526 ? 'tls_certificate_error' : 'tls_protocol_error';
  return byCode[code] ?? 'proxy_internal_error';
}

/** From a code that the log has: one of our own, or a ProxyError's. */
export function toResult(code: string): ProxyErrorCode {
  return Object.hasOwn(proxyErrors, code) ? (code as ProxyErrorCode) : fromCode(code);
}

export function toProxyFailure(error: unknown, kind: 'fetch' | 'websocket'): HttpFailure {
  const code = toProxyErrorCode(error, kind);
  return { status: 500, code: codeOf(error) ?? code, body: `ProxyError: ${code}` };
}

/** For the log: our own code where there is one, and a remedy always. */
export function explain(error: unknown, kind: 'fetch' | 'websocket'): { code: string; remedy: string } {
  const proxyCode = toProxyErrorCode(error, kind);
  const { remedy = '' } = reasonOf(error);
  return { code: codeOf(error) ?? proxyCode, remedy: remedy || remedyOf(proxyCode) };
}

/** For the log. */
export function remedyOf(code: ProxyErrorCode): string {
  return proxyErrors[code].remedy;
}
