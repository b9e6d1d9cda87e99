// What the operating system's error codes mean in this package's terms.
import type { SocketErrorCode } from '../errors.table.ts';
import { SocketError, toConnectError } from '../socket-error.ts';

const byErrno: Record<string, SocketErrorCode> = {
  ECONNREFUSED: 'connection_refused',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  EHOSTDOWN: 'host_unreachable',
  EADDRNOTAVAIL: 'host_unreachable',
  EINVAL: 'host_unreachable',
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  EAI_FAIL: 'dns_error',
  EAI_NODATA: 'dns_error',
};

/** A connection could not be made. An error that is already ours (a host's dialler threw it) passes through. */
export function fromConnectFailure(error: unknown, port: number): SocketError {
  if (error instanceof SocketError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  return toConnectError((typeof code === 'string' && byErrno[code]) || 'connection_failed', port, error);
}

/** An established connection broke. */
export function fromBrokenConnection(error: unknown): SocketError {
  if (error instanceof SocketError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  return new SocketError(code === 'ECONNRESET' || code === 'EPIPE' ? 'connection_reset' : 'connection_lost', {
    cause: error,
  });
}
