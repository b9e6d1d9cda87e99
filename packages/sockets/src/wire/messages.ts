// What the control frames say, and how each end reads what the other wrote.
import { isProtocolName, isServerName, maxProtocols, type SecureTransport, type TlsOptions } from '../options.ts';
import { isSocketErrorCode, SocketError } from '../socket-error.ts';
import { FrameError } from './frame-parser.ts';

/** Payload of `open`. */
export interface OpenMessage {
  hostname: string;
  port: number;
  secureTransport: SecureTransport;
  /** Milliseconds; 0 waits for ever. */
  connectTimeout: number;
  tls: TlsOptions;
}

/** Payload of `failed`: a SocketError without its stack. */
export interface FailedMessage {
  code: string;
  message: string;
  remedy: string;
  retryable: boolean;
  cause?: string;
}

/** @throws FrameError when the value is not an OpenMessage */
export function parseOpen(value: unknown): OpenMessage {
  const message = toRecord(value);
  const { hostname, port, secureTransport, connectTimeout } = message;
  // What connect() lets through; the empty name too, which fails when it is dialled.
  if (typeof hostname !== 'string' || !/^[A-Za-z0-9\-._[\]:]{0,255}$/.test(hostname))
    throw new FrameError('open: bad hostname');
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) > 65_535)
    throw new FrameError('open: bad port');
  if (secureTransport !== 'off' && secureTransport !== 'on' && secureTransport !== 'starttls') {
    throw new FrameError('open: bad secureTransport');
  }
  if (typeof connectTimeout !== 'number' || !(connectTimeout >= 0)) throw new FrameError('open: bad connectTimeout');
  return { hostname, port: port as number, secureTransport, connectTimeout, tls: parseTls(message['tls']) };
}

/** @throws FrameError when the value is not TlsOptions */
export function parseTls(value: unknown): TlsOptions {
  const { expectedServerHostname, sni, alpn } = toRecord(value);
  const options: TlsOptions = {};
  if (expectedServerHostname !== undefined) options.expectedServerHostname = toServerName(expectedServerHostname);
  if (sni !== undefined) options.sni = toServerName(sni);
  if (alpn !== undefined) {
    if (!Array.isArray(alpn) || alpn.length > maxProtocols || !alpn.every(isProtocolName))
      throw new FrameError('tls: bad alpn');
    options.alpn = alpn;
  }
  return options;
}

export function toFailed(error: SocketError): FailedMessage {
  const { code, message, remedy, retryable, cause } = error;
  return { code, message, remedy, retryable, ...(cause instanceof Error ? { cause: cause.message } : {}) };
}

export function fromFailed(value: unknown): SocketError {
  const { code, message, remedy, retryable, cause } = toRecord(value) as Partial<FailedMessage>;
  return new SocketError(isSocketErrorCode(code) ? code : 'connection_failed', {
    ...(message === undefined ? {} : { message }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}

function toRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new FrameError('control frame without an object');
  return value as Record<string, unknown>;
}

function toServerName(value: unknown): string {
  if (!isServerName(value)) throw new FrameError('tls: bad name');
  return value;
}
