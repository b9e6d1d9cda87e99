// What people write, in the one form under which it is stored and compared.
import { parseIp, toCanonicalHost } from '@sallyport/egress';
import { ControlError } from '../errors.ts';

/** Longest name of a tunnel or virtual network, in characters. */
export const maxNameLength = 100;
/** Longest comment, in characters. */
export const maxCommentLength = 500;
/** Fewest and most bytes of a tunnel's secret. */
export const minSecretLength = 32;
export const maxSecretLength = 512;

const uuidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
// oxlint-disable-next-line no-control-regex -- control characters are what is being refused
const controls = /[\u0000-\u001f\u007f-\u009f]/;

/** Text that could not be written as UTF-8 and read back. */
const loneSurrogate = /\p{Surrogate}/u;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** @throws ControlError `invalid_value` */
export function checkName(noun: string, name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw invalid(`the name of a ${noun} may not be empty`);
  if (name.length > maxNameLength) throw invalid(`the name of a ${noun} has at most ${maxNameLength} characters`);
  if (controls.test(name) || name !== name.trim() || loneSurrogate.test(name)) {
    throw invalid(`the name ${JSON.stringify(name)} starts or ends with a space, or holds a control character`);
  }
  if (isUuid(name)) throw invalid(`a ${noun} cannot be called ${name}: a name may not look like an id`);
  return name;
}

/** @throws ControlError `invalid_value` */
export function checkComment(comment: unknown): string {
  if (comment === undefined || comment === null) return '';
  if (typeof comment !== 'string' || comment.length > maxCommentLength || loneSurrogate.test(comment)) {
    throw invalid(`a comment is a text of at most ${maxCommentLength} characters`);
  }
  return comment;
}

/** @throws ControlError `invalid_value`, which never shows the secret */
export function checkSecret(secret: Uint8Array): Uint8Array {
  if (secret.length >= minSecretLength && secret.length <= maxSecretLength) return secret;
  throw invalid(`a tunnel's secret has from ${minSecretLength} to ${maxSecretLength} bytes, not ${secret.length}`);
}

/** A block of addresses. */
export interface Cidr {
  /** `10.0.0.0/8`, `fd00::/8`. */
  text: string;
  family: 4 | 6;
  /** The address as a number, host bits zero. */
  base: bigint;
  length: number;
}

/**
 * Reads `10.1.2.3/16`, `fd00::/8` or one address. Host bits are made zero, and a block of IPv4-mapped addresses is the
 * IPv4 block it stands for.
 * @throws ControlError `invalid_value`
 */
export function parseCidr(text: unknown): Cidr {
  const refuse = (): ControlError => invalid(`${describe(text)} is not a network such as 10.0.0.0/8 or fd00::/8`);
  if (typeof text !== 'string') throw refuse();
  const [address = '', written, ...rest] = text.split('/');
  const ip = toAddress(address);
  if (ip === undefined || rest.length > 0 || (written !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(written))) {
    throw refuse();
  }
  const width = widths[ip.family];
  const mapped = ip.family === 4 && address.includes(':');
  const length = written === undefined ? width : Number(written) - (mapped ? 96 : 0);
  if (length < 0 || length > width) throw refuse();
  const base = toPrefix(ip, length);
  return { text: `${toAddressText({ family: ip.family, value: base })}/${length}`, family: ip.family, base, length };
}

export interface AddressNumber {
  family: 4 | 6;
  value: bigint;
}

export const widths = { 4: 32, 6: 128 } as const;

/** An address in strict notation as a number; undefined when it is none. An IPv4-mapped address is an IPv4 address. */
export function toAddress(text: string): AddressNumber | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  const bytes = Buffer.from(ip.value.toByteArray());
  return { family: ip.value.kind() === 'ipv4' ? 4 : 6, value: BigInt(`0x${bytes.toString('hex')}`) };
}

/** The first `length` bits of an address, the others zero. */
export function toPrefix({ family, value }: AddressNumber, length: number): bigint {
  const rest = BigInt(widths[family] - length);
  return (value >> rest) << rest;
}

function toAddressText({ family, value }: AddressNumber): string {
  const hex = value.toString(16).padStart(widths[family] / 4, '0');
  if (family === 4) return [...Buffer.from(hex, 'hex')].join('.');
  return parseIp(hex.match(/.{4}/g)!.join(':'))!.text;
}

/**
 * Reads a host name, or `*.` and one, into canonical form: lower-case, ASCII, no trailing dot.
 * @throws ControlError `invalid_value`
 */
export function parseHostnamePattern(text: unknown): string {
  if (typeof text !== 'string') throw invalid(`${describe(text)} is not a host name`);
  const wildcard = text.startsWith('*.');
  const host = toCanonicalHost(wildcard ? text.slice(2) : text);
  if ('problem' in host) throw invalid(`the host name ${describe(text)} ${host.problem}`);
  if (host.kind === 'address') throw invalid(`${describe(text)} is an address; make an IP route for ${host.text}`);
  return wildcard ? `*.${host.text}` : host.text;
}

function describe(value: unknown): string {
  return String(JSON.stringify(value) ?? value).slice(0, 300);
}

function invalid(detail: string): ControlError {
  return new ControlError('invalid_value', detail);
}
