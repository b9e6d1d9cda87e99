// What a program gives to `tls.connect()`, as a request to whoever makes the handshake.
import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import { materialLength, maxMaterialLength, type TlsMaterial, type TlsRequest } from '../../tls-request.ts';
import { isProtocolName, isServerName } from '../../options.ts';
import type { ConnectOptions } from './connect-arguments.ts';
import { invalidArgument } from './node-errors.ts';

type Pem = string | Uint8Array;
type PemOrObject = Pem | { pem?: Pem; buf?: Pem; passphrase?: string };

export interface SecureContextOptions {
  ca?: Pem | Pem[];
  cert?: Pem | Pem[];
  key?: PemOrObject | PemOrObject[];
  pfx?: PemOrObject | PemOrObject[];
  passphrase?: string;
  minVersion?: string;
  maxVersion?: string;
  secureProtocol?: string;
  ciphers?: string;
  crl?: unknown;
}

/** `tls.createSecureContext()`: remembers what it was made of, because the handshake is made elsewhere. */
export class SecureContext {
  readonly context: object = {};
  readonly #options: SecureContextOptions;

  constructor(options: SecureContextOptions = {}) {
    this.#options = options;
  }

  /** @internal */
  static optionsOf(context: SecureContext): SecureContextOptions {
    return context.#options;
  }
}

export interface TlsConnectOptions extends ConnectOptions, SecureContextOptions {
  socket?: unknown;
  servername?: string;
  rejectUnauthorized?: boolean;
  checkServerIdentity?: (hostname: string, certificate: object) => Error | undefined;
  ALPNProtocols?: (string | Uint8Array)[] | Uint8Array;
  secureContext?: unknown;
  isServer?: boolean;
}

/** The request, and the name that the server's certificate has to be for. */
export interface HandshakeRequest {
  request: TlsRequest;
  name: string;
}

export function toHandshake(options: TlsConnectOptions, connectedTo: string | null): HandshakeRequest {
  const name = options.servername || options.host || connectedTo || 'localhost';
  const request: TlsRequest = { describe: true };
  const verified = name.replace(/\.$/, '');
  if (!isServerName(verified))
    throw invalidArgument(`The property 'options.servername' is invalid. Received '${name}'`);
  request.expectedServerHostname = verified;
  if (options.servername && isIP(options.servername) === 0) request.sni = verified;
  const alpn = toProtocols(options.ALPNProtocols);
  if (alpn.length > 0) request.alpn = alpn;
  const { secureContext } = options;
  const given =
    secureContext instanceof SecureContext ? { ...options, ...SecureContext.optionsOf(secureContext) } : options;
  const material = toMaterial(given);
  if (Object.keys(material).length > 0) request.material = material;
  if (options.checkServerIdentity !== undefined) {
    if (typeof options.checkServerIdentity !== 'function') {
      throw invalidArgument(
        'The "options.checkServerIdentity" property must be of type function.',
        'ERR_INVALID_ARG_TYPE',
      );
    }
    request.ownNameCheck = true;
  }
  return { request, name };
}

function toMaterial(options: SecureContextOptions): TlsMaterial {
  // Left out without a word, a revoked certificate would be taken for a good one.
  if (options.crl !== undefined) {
    throw invalidArgument("The option 'crl' cannot be used in a Worker.", 'ERR_OPTION_NOT_IMPLEMENTED');
  }
  const material: TlsMaterial = {};
  if (options.ca) material.ca = list(options.ca).map(toText);
  if (options.cert) material.cert = list(options.cert).map(toText).join('\n');
  const [key, ...others] = options.key ? list(options.key) : [];
  if (others.length > 0) throw invalidArgument('One private key can be given in a Worker, not several.');
  if (key !== undefined) material.key = toText(toPem(key));
  const [pfx] = options.pfx ? list(options.pfx) : [];
  if (pfx !== undefined) material.pfx = Buffer.from(toPem(pfx) as Uint8Array).toString('base64');
  const passphrase = options.passphrase ?? passphraseOf(key) ?? passphraseOf(pfx);
  if (passphrase) material.passphrase = passphrase;
  if (options.minVersion) material.minVersion = options.minVersion;
  if (options.maxVersion) material.maxVersion = options.maxVersion;
  if (options.ciphers) material.ciphers = options.ciphers;
  const length = materialLength(material);
  if (length > maxMaterialLength) {
    const text = `The certificates and keys given are ${length} characters long; at most ${maxMaterialLength} can be used. Give only the authority that the server needs, or let the host trust it.`;
    throw invalidArgument(text, 'ERR_OUT_OF_RANGE');
  }
  return material;
}

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

function toPem(value: PemOrObject): Pem {
  return typeof value === 'string' || value instanceof Uint8Array ? value : (value.pem ?? value.buf ?? '');
}

function passphraseOf(value: PemOrObject | undefined): string | undefined {
  return value === undefined || typeof value === 'string' || value instanceof Uint8Array ? undefined : value.passphrase;
}

function toText(value: Pem): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
}

/** A list of names, or names each behind its length [RFC 7301 3.1]. */
function toProtocols(given: TlsConnectOptions['ALPNProtocols']): string[] {
  if (given === undefined) return [];
  if (Array.isArray(given)) return given.map((name) => toText(name)).filter((name) => isProtocolName(name));
  const names: string[] = [];
  const bytes = Buffer.from(given);
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!)
    names.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]!));
  return names.filter((name) => isProtocolName(name));
}
