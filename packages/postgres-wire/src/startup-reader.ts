// The first packets of a connection, which have no type byte: TLS and GSS requests, cancel requests, StartupMessage
// [pg 55.2.1, 55.7]. One packet at a time, because what follows depends on the answer.
import { WireError } from './errors.ts';
import { maxCancelKey, maxStartupLength } from './limits.ts';
import { MessageBody } from './message-body.ts';

export type StartupRequest =
  | { kind: 'ssl' }
  | { kind: 'gss' }
  /** A TLS ClientHello with no SSLRequest before it [pg 55.2.11 direct SSL]; it stays in `rest()`. */
  | { kind: 'direct-tls' }
  | { kind: 'cancel'; processId: number; secretKey: Buffer }
  | { kind: 'startup'; major: number; minor: number; parameters: ReadonlyMap<string, string> };

/** The numbers in place of a version that ask for something else. */
export const requestCodes = { cancel: 80877102, ssl: 80877103, gss: 80877104 } as const;

/** TLS record type: handshake. As a length it would announce 369 MB, so it cannot be one. */
const tlsHandshake = 0x16;

function parseParameters(body: MessageBody): Map<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = body.text();
    if (name === '') break;
    parameters.set(name, body.text());
  }
  if (body.remaining > 0) {
    throw new WireError('invalid_startup', 'invalid startup packet layout: expected terminator as last byte');
  }
  if ((parameters.get('user') ?? '') === '') {
    throw new WireError('invalid_startup', 'no PostgreSQL user name specified in startup packet');
  }
  return parameters;
}

/** Reads one whole packet, its length included. */
export function parseStartupPacket(packet: Buffer): StartupRequest {
  const body = new MessageBody(packet, 4);
  const code = body.uint32();
  switch (code) {
    case requestCodes.ssl:
    case requestCodes.gss:
      if (body.remaining > 0) throw new WireError('invalid_startup', 'a TLS or GSS request is longer than 8 bytes');
      return { kind: code === requestCodes.ssl ? 'ssl' : 'gss' };
    case requestCodes.cancel: {
      const processId = body.int32();
      const secretKey = Buffer.from(body.rest());
      // 3.0 has exactly 4 bytes; 3.2 has 4 to 256.
      if (secretKey.length < 4 || secretKey.length > maxCancelKey) {
        throw new WireError('invalid_startup', `a cancel key of ${secretKey.length} bytes`);
      }
      return { kind: 'cancel', processId, secretKey };
    }
    default: {
      const major = code >>> 16;
      const minor = code & 0xffff;
      if (major !== 3) {
        throw new WireError(
          'unsupported_protocol',
          `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.2`,
        );
      }
      return { kind: 'startup', major, minor, parameters: parseParameters(body) };
    }
  }
}

export class StartupReader {
  #held: Buffer = Buffer.alloc(0);
  #asked = new Set<string>();
  #over = false;

  /**
   * Reads a chunk (none, to go on after an answer) and returns the next request once it is whole. After `startup`,
   * `cancel` and `direct-tls` nothing more may come here: a second StartupMessage would be a second login.
   */
  push(chunk?: Buffer): StartupRequest | undefined {
    if (this.#over) throw new WireError('invalid_startup', 'a start-up packet after the start-up phase');
    if (chunk !== undefined) this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#held.length === 0) return undefined;
    if (this.#held[0] === tlsHandshake && this.#asked.size === 0) {
      this.#over = true;
      return { kind: 'direct-tls' };
    }
    // The first byte of any length that is allowed is zero: a client of another protocol is told so at once.
    if (this.#held[0] !== 0) throw this.#invalidLength(this.#held[0]! * 0x100_0000);
    if (this.#held.length < 4) return undefined;
    const length = this.#held.readUInt32BE(0);
    if (length < 8 || length > maxStartupLength) throw this.#invalidLength(length);
    if (this.#held.length < length) return undefined;
    const request = parseStartupPacket(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
    if (request.kind === 'ssl' || request.kind === 'gss') {
      // One of each, in either order, as PostgreSQL has it: otherwise a client could ask for ever.
      if (this.#asked.has(request.kind)) throw new WireError('invalid_startup', `a second ${request.kind} request`);
      this.#asked.add(request.kind);
    } else {
      this.#over = true;
    }
    return request;
  }

  /** To be called before TLS starts: plain bytes that came early must not be taken for what TLS protected. */
  expectNothingHeld(): void {
    if (this.#held.length > 0) {
      throw new WireError('data_before_tls', `received ${this.#held.length} unencrypted bytes after the TLS request`);
    }
  }

  /** The bytes behind the last request. */
  rest(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  #invalidLength(length: number): WireError {
    return new WireError('invalid_startup', `invalid length of startup packet: ${length}`);
  }
}
