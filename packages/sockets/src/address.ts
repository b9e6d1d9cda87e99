// `connect(address)`: every accepted spelling to one hostname and port, with the reference runtime's checks and texts.
//
// Which address a spelling means (127.1, 0x7f000001, …) is not decided here: policy canonicalises, and the socket
// reports what the caller wrote.

/** Where to connect. The hostname of an IPv6 address is in brackets. */
export interface SocketAddress {
  hostname: string;
  /** 1–65535. */
  port: number;
}

/** What `connect()` accepts: `host:port`, `tcp://host:port`, `tls://host:port` (TLS from the start), or an object. */
export type AddressLike = string | SocketAddress | URL;

export interface ParsedAddress extends SocketAddress {
  /** `host:port` as the caller wrote it; reported as `remoteAddress` where the real one is unknown. */
  authority: string;
  /** `tls:` in a URL string asks for `secureTransport: 'on'`. */
  scheme: 'tcp' | 'tls' | undefined;
}

/** 255 bytes, the port included, as the reference runtime counts. */
const maxAuthorityLength = 255;
const allowedCharacters = /^[A-Za-z0-9\-._[\]:]+$/;
const schemePattern = /^(tcp|tls):\/\/([^/]*)\/?$/i;

const texts = {
  unparsable: 'Specified address could not be parsed.',
  noHost: 'Specified address is missing hostname.',
  noPort: 'Specified address is missing port.',
  characters: 'Specified address is empty string, contains unsupported characters or is too long.',
  required:
    'Cannot initialize a SocketAddress with required members from an undefined or null value. Pass "host:port" or { hostname, port }.',
  notInteger: 'The value cannot be converted because it is not an integer.',
  negative: 'The value cannot be converted because it is negative and this API expects a positive number.',
  outOfRange: 'Value out of range. Must be less than or equal to 65535.',
};

/** @throws TypeError with the documented text */
export function parseAddress(address: unknown): ParsedAddress {
  if (address === null || address === undefined) throw new TypeError(texts.required);
  return typeof address === 'object' || typeof address === 'function'
    ? fromObject(address as { hostname?: unknown; port?: unknown })
    : // Not String(): a symbol is to throw.
      fromString(`${address as string}`);
}

function fromString(text: string): ParsedAddress {
  const url = schemePattern.exec(text);
  const scheme = url?.[1]?.toLowerCase() as 'tcp' | 'tls' | undefined;
  const authority = url?.[2] ?? text;
  if (authority === '') throw new TypeError(texts.noHost);
  const parsed = parseUrl(`fake://${authority}`);
  if (parsed.hostname === '') throw new TypeError(texts.noHost);
  if (parsed.port === '') throw new TypeError(texts.noPort);
  checkCharacters(authority);
  const colon = authority.lastIndexOf(':');
  return { hostname: authority.slice(0, colon), port: Number(parsed.port), authority, scheme };
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new TypeError(texts.unparsable);
  }
}

function fromObject(address: { hostname?: unknown; port?: unknown }): ParsedAddress {
  const hostname = String(address.hostname);
  const protocol = address instanceof URL ? address.protocol : '';
  const scheme = protocol === 'tcp:' ? 'tcp' : protocol === 'tls:' ? 'tls' : undefined;
  const port = toPort(address.port);
  const authority = `${hostname}:${port}`;
  checkCharacters(authority);
  return { hostname, port, authority, scheme };
}

function toPort(value: unknown): number {
  // Number() would turn a BigInt into a number silently; unary plus throws the engine's own TypeError.
  const number = typeof value === 'bigint' ? +(value as unknown as number) : Number(value);
  if (!Number.isFinite(number)) throw new TypeError(texts.notInteger);
  const port = Math.trunc(number);
  if (port < 0) throw new TypeError(texts.negative);
  if (port > 65535) throw new TypeError(texts.outOfRange);
  return port;
}

function checkCharacters(authority: string): void {
  if (authority.length > maxAuthorityLength || !allowedCharacters.test(authority)) {
    throw new TypeError(texts.characters);
  }
}
