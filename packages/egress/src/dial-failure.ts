// From the errors of the operating system to this package's codes.
import type { EgressErrorCode } from './errors.ts';

const codes: Readonly<Record<string, EgressErrorCode>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ETIMEDOUT: 'connection_timeout',
  EHOSTUNREACH: 'host_unreachable',
  EHOSTDOWN: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  ENETDOWN: 'host_unreachable',
  EAFNOSUPPORT: 'host_unreachable',
  EADDRNOTAVAIL: 'out_of_resources',
  EMFILE: 'out_of_resources',
  ENFILE: 'out_of_resources',
  ENOBUFS: 'out_of_resources',
  ENOMEM: 'out_of_resources',
};

/** From most to least telling: a host that refuses says more than a family that this machine does not have. */
const telling: readonly EgressErrorCode[] = [
  'out_of_resources',
  'connection_refused',
  'connection_reset',
  'connection_timeout',
  'connection_failed',
  'host_unreachable',
];

/** The code for a failed dial; of several addresses, the most telling one. */
export function toDialFailureCode(error: unknown): EgressErrorCode {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const found = new Set(errors.map((each) => codes[systemCode(each)] ?? 'connection_failed'));
  return telling.find((code) => found.has(code)) ?? 'connection_failed';
}

/** One line per failed address. */
export function describeDialFailure(error: unknown): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
