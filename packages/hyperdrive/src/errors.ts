// The error registry of this package: what clients are told, with the documented texts, and what operators read.
import { WireError } from '@sallyport/postgres-wire';
import type { ErrorReport } from '@sallyport/postgres-wire';

/** The stable codes of this package's errors. */
export type HyperdriveErrorCode =
  | 'unknown_configuration'
  | 'pool_exhausted'
  | 'connect_failed'
  | 'tls_unsupported'
  | 'tls_failed'
  | 'tls_expired'
  | 'tls_not_yet_valid'
  | 'tls_self_signed'
  | 'tls_unknown_authority'
  | 'tls_name_mismatch'
  | 'tls_client_certificate'
  | 'origin_refused'
  | 'origin_protocol'
  | 'test_query_failed'
  | 'connection_lost'
  | 'query_timeout'
  | 'idle_in_transaction'
  | 'message_stalled'
  | 'sequence_memory'
  | 'authentication_failed'
  | 'unknown_database'
  | 'unsupported'
  | 'too_many_statements'
  | 'protocol_violation'
  | 'login_timeout'
  | 'shutting_down'
  | 'internal_error';

interface Row {
  /** SQLSTATE; 58000 is what Hyperdrive has for failures of its own. */
  sqlstate: string;
  remedy: string;
}

const registry: Readonly<Record<HyperdriveErrorCode, Row>> = {
  unknown_configuration: {
    sqlstate: '58000',
    remedy:
      "Create it with `sallyport hyperdrive create NAME --connection-string=postgres://…`, and write its id in the project's configuration.",
  },
  pool_exhausted: {
    sqlstate: '58000',
    remedy: 'Make transactions shorter, raise the connection limit, or let statements of one transaction run together.',
  },
  connect_failed: { sqlstate: '58000', remedy: 'Check that the database runs and can be reached from here.' },
  tls_unsupported: { sqlstate: '58000', remedy: 'Turn on TLS at the database: sslmode asks for it.' },
  tls_failed: { sqlstate: '58000', remedy: 'Check the certificate of the database and the CA it is checked against.' },
  tls_expired: { sqlstate: '58000', remedy: 'Renew the certificate of the database.' },
  tls_not_yet_valid: { sqlstate: '58000', remedy: 'Check the clocks here and at the database.' },
  tls_self_signed: {
    sqlstate: '58000',
    remedy:
      'Name the certificate as an authority: with sslrootcert in a local connection string, else with `sallyport cert upload certificate-authority` and --ca-certificate-id. Or use sslmode require without one.',
  },
  tls_unknown_authority: {
    sqlstate: '58000',
    remedy:
      'Name the certificate of the authority that issued it: with sslrootcert in a local connection string, else with `sallyport cert upload certificate-authority` and --ca-certificate-id.',
  },
  tls_name_mismatch: {
    sqlstate: '58000',
    remedy: 'Use a host name that the certificate has, or sslmode verify-ca, which does not compare names.',
  },
  tls_client_certificate: {
    sqlstate: '58000',
    remedy:
      'Show a client certificate that the database trusts: with sslcert and sslkey in a local connection string, else with `sallyport cert upload mtls-certificate` and --mtls-certificate-id.',
  },
  test_query_failed: {
    sqlstate: '58000',
    remedy: 'Look at the cause: the login went well, then an empty query failed.',
  },
  origin_refused: { sqlstate: '58000', remedy: 'The database said why; check user, password and database name.' },
  origin_protocol: { sqlstate: '58000', remedy: 'Check that a PostgreSQL answers at that address.' },
  connection_lost: {
    sqlstate: '08006',
    remedy: 'Connect again; whether an open transaction was committed is not known.',
  },
  query_timeout: {
    sqlstate: '57014',
    remedy: 'Make the statement faster or ask for less at a time, or raise the query timeout of the pool.',
  },
  idle_in_transaction: {
    sqlstate: '25P03',
    remedy: 'End each transaction without waiting for anything else, or raise the idle-in-transaction timeout.',
  },
  message_stalled: { sqlstate: '08006', remedy: 'Send each message without a pause, or use COPY for much data.' },
  sequence_memory: {
    sqlstate: '55000',
    remedy: 'Use INSERT … RETURNING, or put both statements in one transaction.',
  },
  authentication_failed: { sqlstate: '28P01', remedy: 'Use the connection string of the binding as it is.' },
  unknown_database: { sqlstate: '3D000', remedy: 'Use the connection string of the binding as it is.' },
  unsupported: { sqlstate: '0A000', remedy: 'Connect to the database itself for this.' },
  too_many_statements: { sqlstate: '54000', remedy: 'Close prepared statements, or use the unnamed one.' },
  protocol_violation: { sqlstate: '08P01', remedy: 'The client and the pooler are out of step: connect again.' },
  login_timeout: { sqlstate: '08006', remedy: 'Send the StartupMessage and the password right after connecting.' },
  internal_error: { sqlstate: '58000', remedy: 'This is our mistake: please report it with the stack in the log.' },
  shutting_down: { sqlstate: '57P01', remedy: 'Connect again in a moment.' },
};

/** Every code, for tables in documentation and tests. */
export const hyperdriveErrorCodes: readonly HyperdriveErrorCode[] = Object.keys(registry) as HyperdriveErrorCode[];

export interface HyperdriveErrorOptions {
  cause?: unknown;
  /** What the database said, when it did: clients get this instead. */
  report?: ErrorReport;
  /** What to do, where more is known than the code says. */
  remedy?: string;
}

/** What a client is told of any error at all. The message of an internal one is the documented text. */
export function toClientError(error: unknown): HyperdriveError | WireError {
  if (error instanceof HyperdriveError || error instanceof WireError) return error;
  return new HyperdriveError('internal_error', 'Internal error.', { cause: error });
}

export class HyperdriveError extends Error {
  override readonly name = 'HyperdriveError';
  readonly code: HyperdriveErrorCode;
  readonly remedy: string;
  /** What a client gets as ErrorResponse. */
  readonly report: ErrorReport;

  constructor(code: HyperdriveErrorCode, message: string, { cause, report, remedy }: HyperdriveErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    const { sqlstate, remedy: general } = registry[code];
    this.code = code;
    this.remedy = remedy ?? general;
    this.report = report ?? { sqlstate, message, hint: this.remedy };
  }
}

/** The documented error of a pool whose connections are all in use. */
export function poolExhausted(): HyperdriveError {
  return new HyperdriveError('pool_exhausted', 'Failed to acquire a connection from the pool.');
}

/** A database that did not let us in while somebody waited for it. */
export function originSilent(): HyperdriveError {
  return new HyperdriveError('connect_failed', 'Server connection attempt failed: timed_out');
}

/** Said to who cancels a request that no connection of its own runs. */
export const cancelledReport = { sqlstate: '57014', message: 'canceling statement due to user request' } as const;

export function queryTimedOut(limit: number): HyperdriveError {
  return new HyperdriveError('query_timeout', `canceling statement due to the pool's query timeout of ${limit} ms`);
}

export function sequenceMemoryLost(): HyperdriveError {
  const message =
    'currval() and lastval() tell what their own session took, which a pooled client has for a transaction only';
  return new HyperdriveError('sequence_memory', message);
}
