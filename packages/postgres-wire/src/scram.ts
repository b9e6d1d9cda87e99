// What both sides of SCRAM-SHA-256 share: keys, proofs, attributes [RFC 5802, RFC 7677, pg 55.3].
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { WireError } from './errors.ts';
import { maxScramIterations, maxScramMessage } from './limits.ts';
import { toPrepared } from './sasl-prep.ts';

export const scramMechanism = 'SCRAM-SHA-256';
/** With channel binding: the exchange also proves that nobody ended TLS in between. */
export const scramPlusMechanism = 'SCRAM-SHA-256-PLUS';

/** What a server keeps of a password: enough to check a proof, not enough to make one. */
export interface ScramVerifier {
  iterations: number;
  salt: Buffer;
  storedKey: Buffer;
  serverKey: Buffer;
}

const derive = promisify(pbkdf2);

export function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function xor(one: Uint8Array, other: Uint8Array): Buffer {
  return Buffer.from(one.map((byte, index) => byte ^ other[index]!));
}

/** The slow step, off the main thread. */
export function toSaltedPassword(password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return derive(toPrepared(password), salt, iterations, 32, 'sha256');
}

/** What to keep of a password. PostgreSQL's own number of rounds is 4096. */
export async function toScramVerifier(
  password: string,
  { salt, iterations = 4096 }: { salt: Buffer; iterations?: number },
): Promise<ScramVerifier> {
  const salted = await toSaltedPassword(password, salt, iterations);
  return { iterations, salt, storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') };
}

export function refuse(message: string): WireError {
  return new WireError('authentication_failed', message);
}

/** `r=…,s=…` as a map; the order is checked by whoever needs it. Base64 holds `=` too. */
export function parseAttributes(text: string): Map<string, string> {
  if (text.length > maxScramMessage) throw refuse(`a SCRAM message of ${text.length} characters`);
  const attributes = new Map<string, string>();
  for (const part of text.split(',')) {
    if (!/^[a-z]=/i.test(part)) throw refuse('a SCRAM message holds something that is no attribute');
    attributes.set(part[0]!, part.slice(2));
  }
  // `m` announces extensions that must be understood [RFC 5802 5.1].
  if (attributes.has('m')) throw refuse('a SCRAM message needs an extension that is not supported');
  return attributes;
}

export function decodeBase64(text: string | undefined, what: string): Buffer {
  const bytes = Buffer.from(text ?? '', 'base64');
  if (text === undefined || text === '' || bytes.toString('base64') !== text) throw refuse(`SCRAM: no valid ${what}`);
  return bytes;
}

export function parseIterations(text: string | undefined): number {
  const iterations = /^[1-9]\d{0,9}$/.test(text ?? '') ? Number(text) : 0;
  if (iterations < 1 || iterations > maxScramIterations) {
    throw refuse(`SCRAM: ${text ?? 'no'} iterations, and 1 to ${maxScramIterations} are accepted`);
  }
  return iterations;
}
