// The error registry of this package: what the bytes of the other side did wrong, and what that is in SQLSTATE.

/** The stable codes of this package's errors. */
export type WireErrorCode =
  | 'invalid_length'
  | 'unknown_message'
  | 'malformed_message'
  | 'invalid_startup'
  | 'unsupported_protocol'
  | 'invalid_options'
  | 'data_before_tls'
  | 'unexpected_reply'
  | 'pipeline_too_long'
  | 'authentication_failed'
  | 'unsupported_authentication';

interface Row {
  /** What a PostgreSQL would say in its ErrorResponse [pg Appendix A]. */
  sqlstate: string;
  remedy: string;
}

const outOfStep = 'The two sides are out of step: close this connection, and check what sits in between.';

const registry: Readonly<Record<WireErrorCode, Row>> = {
  invalid_length: { sqlstate: '08P01', remedy: outOfStep },
  unknown_message: { sqlstate: '08P01', remedy: outOfStep },
  malformed_message: { sqlstate: '08P01', remedy: outOfStep },
  invalid_startup: { sqlstate: '08P01', remedy: 'Check that the client speaks the PostgreSQL protocol to this port.' },
  unsupported_protocol: { sqlstate: '0A000', remedy: 'Use a client that speaks version 3 of the protocol.' },
  invalid_options: { sqlstate: '22023', remedy: 'Give `options` as `-c name=value`, separated by spaces.' },
  data_before_tls: {
    sqlstate: '08P01',
    remedy: 'A client waits for the answer to its SSLRequest. If this one does, someone in between injects bytes.',
  },
  unexpected_reply: { sqlstate: '08P01', remedy: outOfStep },
  pipeline_too_long: { sqlstate: '54000', remedy: 'Read the answers to earlier requests before sending more.' },
  authentication_failed: { sqlstate: '28P01', remedy: 'Check user name and password.' },
  unsupported_authentication: {
    sqlstate: '28000',
    remedy: 'Let the server ask for scram-sha-256, md5, password or trust.',
  },
};

/** Every code, for tables in documentation and tests. */
export const wireErrorCodes: readonly WireErrorCode[] = Object.keys(registry) as WireErrorCode[];

/** Everything this package throws. A connection whose bytes caused one cannot go on. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;
  /** For the ErrorResponse to the side that is at fault. */
  readonly sqlstate: string;
  /** What the reader can do about it. */
  readonly remedy: string;

  constructor(code: WireErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.sqlstate = registry[code].sqlstate;
    this.remedy = registry[code].remedy;
  }
}
