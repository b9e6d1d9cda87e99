// The second argument of `connect()`, checked and completed.
import type { TlsRequest } from './tls-request.ts';

export type SecureTransport = 'off' | 'on' | 'starttls';

export interface SocketOptions {
  /** `off` (default): plain TCP. `on`: TLS from the start. `starttls`: plain until `startTls()`. */
  secureTransport?: SecureTransport;
  /** Keep the writable side open after the other side ended its own. Default false. */
  allowHalfOpen?: boolean;
  /** Bytes that may be queued on the writable side before `ready` waits. Default 64 KiB; 0 counts as 1. */
  highWaterMark?: number | bigint;
  /** Aborts connecting, and closes the socket when it fires later. */
  signal?: AbortSignal;
  /** Milliseconds until a connection (TLS handshake included) must be up. Default 30 000; 0 waits for ever. */
  connectTimeout?: number;
  /** Name sent in the TLS handshake. Default: the hostname, unless it is an IP address. */
  sni?: string;
  /** Protocols offered in the TLS handshake; the server's choice is `SocketInfo.alpn`. */
  alpn?: string[];
  /** Name the server's certificate must be for (and `sni` unless given). Default: the hostname. */
  expectedServerHostname?: string;
}

/** Argument of `startTls()`. What is absent is taken from the options of `connect()`. */
export interface TlsOptions {
  expectedServerHostname?: string;
  sni?: string;
  alpn?: string[];
}

export interface CheckedOptions {
  secureTransport: SecureTransport;
  allowHalfOpen: boolean;
  highWaterMark: number;
  signal: AbortSignal | undefined;
  connectTimeout: number;
  tls: TlsRequest;
}

export const defaults = { highWaterMark: 65_536, connectTimeout: 30_000, lingerTimeout: 5_000 } as const;

const transports = new Set<string>(['off', 'on', 'starttls']);

/** More protocols than anybody speaks, and few enough for a control frame. */
export const maxProtocols = 32;

const connectArgument = { call: "'connect' on 'SocketsModule': parameter 2", type: 'SocketOptions' };
export const startTlsArgument = { call: "'startTls' on 'Socket': parameter 1", type: 'TlsOptions' } as const;

const texts = {
  bigint:
    'The value cannot be converted because it is either negative and this API expects a positive bigint, or the value would be truncated.',
  alpn: `alpn must be an array of at most ${maxProtocols} protocol names, each 1 to 255 bytes long.`,
  name: 'must be a host name or an IP address.',
};

/** Whether a text may be sent as the name of a server in a TLS handshake. */
export function isServerName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9\-._[\]:*]{1,255}$/.test(name);
}

/** Whether a text may be offered as a protocol in a TLS handshake [RFC 7301 3.1]. */
export function isProtocolName(id: unknown): id is string {
  return typeof id === 'string' && /^[\x20-\x7e]{1,255}$/.test(id);
}

/** @throws TypeError with the documented text */
export function checkOptions(input: unknown, scheme: 'tcp' | 'tls' | undefined): CheckedOptions {
  const options = toDictionary<SocketOptions>(input, connectArgument);
  const asked = options.secureTransport;
  const secureTransport = asked === undefined ? (scheme === 'tls' ? 'on' : 'off') : `${asked}`;
  if (!transports.has(secureTransport)) {
    throw new TypeError(`Unsupported value in secureTransport socket option: ${secureTransport}`);
  }
  if (scheme === 'tls' && secureTransport !== 'on') {
    throw new TypeError(`A tls:// address means secureTransport 'on', but the option says '${secureTransport}'.`);
  }
  const signal = options.signal;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal.');
  return {
    secureTransport: secureTransport as SecureTransport,
    allowHalfOpen: Boolean(options.allowHalfOpen),
    highWaterMark: toByteCount(options.highWaterMark),
    signal,
    connectTimeout: toMilliseconds(options.connectTimeout),
    tls: checkTlsOptions(options),
  };
}

/** @throws TypeError when a member has the wrong type */
export function checkTlsOptions(input: TlsOptions): TlsOptions {
  const { expectedServerHostname, sni, alpn } = input;
  const checked: TlsOptions = {};
  if (expectedServerHostname) {
    checked.expectedServerHostname = toServerName('expectedServerHostname', expectedServerHostname);
  }
  if (sni) checked.sni = toServerName('sni', sni);
  if (alpn !== undefined) {
    const valid = Array.isArray(alpn) && alpn.length <= maxProtocols && alpn.every(isProtocolName);
    if (!valid) throw new TypeError(texts.alpn);
    checked.alpn = [...alpn];
  }
  return checked;
}

/** WebIDL's conversion of an optional dictionary: undefined and functions are empty, null and primitives are errors. */
export function toDictionary<T extends object>(input: unknown, argument: { call: string; type: string }): Partial<T> {
  if (input === undefined || typeof input === 'function') return {};
  if (input === null) {
    throw new TypeError(`Cannot initialize ${argument.type} with required members from an undefined or null value.`);
  }
  if (typeof input !== 'object') {
    throw new TypeError(`Failed to execute ${argument.call} is not of type '${argument.type}'.`);
  }
  return input as Partial<T>;
}

function toServerName(option: string, value: unknown): string {
  if (!isServerName(value)) throw new TypeError(`${option} ${texts.name}`);
  return value;
}

function toByteCount(value: unknown): number {
  if (value === undefined) return defaults.highWaterMark;
  if (typeof value === 'bigint' && BigInt.asUintN(64, value) !== value) throw new TypeError(texts.bigint);
  const number = Number(value);
  if (!Number.isFinite(number)) throw new TypeError('The value cannot be converted because it is not an integer.');
  if (number < 0) {
    throw new TypeError('The value cannot be converted because it is negative and this API expects a positive bigint.');
  }
  // With 0 nothing could ever be piped into the stream: a pipe writes only while there is room.
  return Math.max(1, Math.trunc(number));
}

function toMilliseconds(value: unknown): number {
  if (value === undefined) return defaults.connectTimeout;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new TypeError('connectTimeout must be a number of milliseconds, 0 or more.');
  }
  return value;
}
