// The one class for everything the network does to a socket. Misuse by the caller is a plain TypeError instead.
import { cannotConnect, considerFetch, errorTable, type SocketErrorCode } from './errors.table.ts';

const brand = Symbol.for('sallyport.SocketError');

export interface SocketErrorOptions {
  cause?: unknown;
  /** Replaces the table's message (an error that a gateway described). */
  message?: string;
  remedy?: string;
  retryable?: boolean;
}

/**
 * A connection could not be made, or ended otherwise than by an orderly close.
 *
 * `message` is the documented text; `code` is stable, `remedy` says what to do, `retryable` whether trying again may
 * help, and `cause` holds what the network or TLS library said. `instanceof` also works across copies of the package.
 */
export class SocketError extends Error {
  override readonly name: string = 'SocketError';
  readonly code: SocketErrorCode;
  readonly remedy: string;
  readonly retryable: boolean;

  constructor(code: SocketErrorCode, options: SocketErrorOptions = {}) {
    const known = errorTable[code];
    super(options.message ?? known.message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.remedy = options.remedy ?? known.remedy;
    this.retryable = options.retryable ?? known.retryable;
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** True for a code this version knows; a newer gateway may send others. */
export function isSocketErrorCode(code: unknown): code is SocketErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code);
}

/** The error for a connection to `port` that could not be made, with the runtime's hint for HTTP ports. */
export function toConnectError(code: SocketErrorCode, port: number, cause: unknown): SocketError {
  const base = errorTable[code].message;
  const hint = base === cannotConnect && (port === 80 || port === 443) ? considerFetch : '';
  return new SocketError(code, { message: base + hint, cause });
}

/** Node 24 adds advice on its own command line; what helps here is in the remedy. */
const nodeAdvice = /; if the root CA is installed locally, .*$/;

/**
 * The error for a TLS handshake that failed. While connecting the documented text comes first, so that code which
 * matches on it keeps working; the reason follows, because "cannot connect" alone hides that it was TLS.
 */
export function toTlsError(
  code: SocketErrorCode,
  phase: 'connect' | 'startTls',
  cause: unknown,
  remedy?: string,
): SocketError {
  const reason = errorTable[code].message;
  // OpenSSL's message is a line of its error stack; its reason is the part for people.
  const { reason: because, message: text } = (cause ?? {}) as { reason?: string; message?: string };
  const said = (because || text)?.replace(nodeAdvice, '').trim();
  const detail = said ? `${reason} (${said})` : reason;
  const message =
    phase === 'connect' ? `${cannotConnect}. TLS handshake failed: ${detail}` : `TLS Handshake Failed. ${detail}`;
  return new SocketError(code, { message, cause, ...(remedy === undefined ? {} : { remedy }) });
}
