// What the control frames say, and how each end reads what the other wrote.
import { isProtocolName, isServerName, maxProtocols, type SecureTransport } from '../options.ts';
import { isSocketErrorCode, SocketError } from '../socket-error.ts';
import { maxMaterialLength, materialLength, readMaterial, type TlsRequest } from '../tls-request.ts';
import { FrameError } from './frame-parser.ts';

/** Payload of `open`. */
export interface OpenMessage {
  hostname: string;
  port: number;
  secureTransport: SecureTransport;
  /** Milliseconds; 0 waits for ever. */
  connectTimeout: number;
  tls: TlsRequest;
}

/** Payload of `resolve`. */
export interface NameQuestion {
  name: string;
  /** What connections would be made to, or the type of record. */
  type: 'address' | RecordType;
}

export const recordTypes = ['CAA', 'CNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;
export type RecordType = (typeof recordTypes)[number];

/** Payload of `failed`: a SocketError without its stack. */
export interface FailedMessage {
  code: string;
  message: string;
  remedy: string;
  retryable: boolean;
  cause?: string;
  /** What the network or TLS library called it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, … */
  causeCode?: string;
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

/** @throws FrameError when the value is not a TlsRequest */
export function parseTls(value: unknown): TlsRequest {
  const { expectedServerHostname, sni, alpn, material, ownNameCheck, describe } = toRecord(value);
  const options: TlsRequest = {};
  if (material !== undefined) {
    const read = readMaterial(material);
    if (read === undefined || materialLength(read) > maxMaterialLength) throw new FrameError('tls: bad material');
    options.material = read;
  }
  if (ownNameCheck === true) options.ownNameCheck = true;
  if (describe === true) options.describe = true;
  if (expectedServerHostname !== undefined) options.expectedServerHostname = toServerName(expectedServerHostname);
  if (sni !== undefined) options.sni = toServerName(sni);
  if (alpn !== undefined) {
    if (!Array.isArray(alpn) || alpn.length > maxProtocols || !alpn.every(isProtocolName))
      throw new FrameError('tls: bad alpn');
    options.alpn = alpn;
  }
  return options;
}

/** @throws FrameError when the value is not a NameQuestion */
export function parseQuestion(value: unknown): NameQuestion {
  const { name, type } = toRecord(value);
  if (typeof name !== 'string' || !/^[A-Za-z0-9\-._:]{1,255}$/.test(name)) throw new FrameError('resolve: bad name');
  const known = ['address', ...recordTypes].find((candidate) => candidate === type);
  if (known === undefined) throw new FrameError('resolve: bad type');
  return { name, type: known as NameQuestion['type'] };
}

/** Most characters of each text, so that the frame has room for all: a server chooses how many names its certificate has. */
const maxText = 1_000;

const clip = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText)}…` : text);

export function toFailed(error: SocketError): FailedMessage {
  const { code, retryable, cause } = error;
  const failed = { code, message: clip(error.message), remedy: clip(error.remedy), retryable };
  if (!(cause instanceof Error)) return failed;
  const causeCode = systemCodeOf(cause);
  return { ...failed, cause: clip(cause.message), ...(causeCode !== undefined && { causeCode }) };
}

/** The first code behind an error that a system or library gave, which are upper-case; ours are not. */
function systemCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
  }
  return undefined;
}

export function fromFailed(value: unknown): SocketError {
  const { code, message, remedy, retryable, cause, causeCode } = toRecord(value) as Partial<FailedMessage>;
  return new SocketError(isSocketErrorCode(code) ? code : 'connection_failed', {
    ...(message === undefined ? {} : { message }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(cause === undefined
      ? {}
      : { cause: Object.assign(new Error(cause), causeCode === undefined ? {} : { code: causeCode }) }),
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
