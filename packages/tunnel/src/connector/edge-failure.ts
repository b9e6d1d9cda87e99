// Why an edge could not be dialled, told apart by who can mend it: network, trust, clock, or something else listening.
import { TunnelError } from '../link/tunnel-error.ts';

const clockCodes = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

export interface FailedDial {
  /** `host:port` of the edge. */
  address: string;
  /** The code with which its certificate was refused. */
  untrusted: unknown;
  /** Whether TLS stood already. */
  secured: boolean;
}

/** The error of a connection to the edge, by one of our codes. */
export function toEdgeFailure(cause: Error, { address, untrusted, secured }: FailedDial): TunnelError {
  const { code } = cause as NodeJS.ErrnoException;
  const detail = `${address}: ${cause.message}`;
  if (secured) return new TunnelError('link_lost', detail, { cause });
  if (typeof untrusted === 'string' && clockCodes.has(untrusted)) {
    const now = new Date().toISOString();
    return new TunnelError('clock_disagrees', `${detail}; the clock here shows ${now}`, { cause });
  }
  if (untrusted != null) return new TunnelError('edge_untrusted', detail, { cause });
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true) {
    return new TunnelError('protocol_error', `no tunnel listener at ${detail}`, { cause });
  }
  return new TunnelError('edge_unreachable', detail, { cause });
}
