// Finds messages in a stream of bytes without holding what nobody needs to see.
//
// A pooler looks at few messages and hands nearly all bytes on, so bytes that pass come out as slices of what came in,
// neighbours in one piece: a result of a thousand rows that arrived in one chunk leaves as one slice. Only a message
// of an inspected type that is split between chunks is copied, and never more of it than `wholeUpTo`, so a row of
// 1 GB costs nothing. What a handler sees does not depend on how the bytes were cut; only the slices do.
import { WireError } from './errors.ts';
import type { Inspection } from './inspection.ts';
import { toMessageName } from './message-types.table.ts';

/** `true`: it goes on as it is. `false`: it does not. Bytes: these go on in its place. */
export type Verdict = boolean | Buffer;

/** What happens to the messages. None of the calls may call `push()`. */
export interface MessageHandler {
  /** A whole message of an inspected type: `bytes` from `start`, where its type is, to `end`. */
  message(type: number, bytes: Buffer, start: number, end: number): Verdict;
  /**
   * A message of an inspected type that is `length` bytes long, type byte included, and too long to be held:
   * `prefix` is its first `wholeUpTo` bytes. Bytes as the verdict go on in place of the prefix, and then the rest.
   */
  large(type: number, prefix: Buffer, length: number): Verdict;
  /** Bytes that go on, in order: parts of messages, whole ones, or many. */
  pass(bytes: Buffer): void;
}

/** Type byte and length. */
const headerLength = 5;

export class MessageReader {
  readonly #inspection: Inspection;
  readonly #largest: Uint32Array;
  readonly #whole: Uint32Array;
  readonly #handler: MessageHandler;
  /** The beginning of a message, copied because its end has not come; only the first `#heldLength` bytes count. */
  #held: Buffer | undefined;
  #heldLength = 0;
  /** Bytes to come of a message that was begun and is decided. */
  #remaining = 0;
  #remainingPass = true;
  #failed = false;
  #failure: unknown;

  constructor(handler: MessageHandler, inspection: Inspection) {
    this.#handler = handler;
    this.#inspection = inspection;
    this.#largest = inspection.largest;
    this.#whole = inspection.whole;
  }

  /** Whether the last byte was the last of a message. */
  get atBoundary(): boolean {
    return this.#remaining === 0 && this.#heldLength === 0;
  }

  /** Bytes that are held until more come. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  /** Reads a chunk. Throws a `WireError` for bytes that are no messages; what was thrown once is thrown ever after. */
  push(chunk: Buffer): void {
    if (this.#failed) throw this.#failure;
    try {
      let at = 0;
      if (this.#heldLength > 0) at = this.#complete(chunk);
      if (at < chunk.length) this.#scan(chunk, at);
    } catch (error) {
      this.#failed = true;
      this.#failure = error;
      throw error;
    }
  }

  /** Reads messages from `start`, where one begins or goes on. */
  #scan(chunk: Buffer, start: number): void {
    const handler = this.#handler;
    const end = chunk.length;
    let at = start;
    let run = start;
    if (this.#remaining > 0) {
      const taken = Math.min(this.#remaining, end - at);
      this.#remaining -= taken;
      at += taken;
      if (!this.#remainingPass) run = at;
    }
    while (at < end) {
      if (end - at < headerLength) {
        this.#pass(chunk, run, at);
        this.#hold(chunk, at);
        return;
      }
      const type = chunk[at]!;
      const total = this.#totalAt(chunk, at, run);
      const whole = this.#whole[type]!;
      if (whole === 0) {
        at += total;
        continue;
      }
      const needed = Math.min(total, whole);
      if (end - at < needed) {
        this.#pass(chunk, run, at);
        this.#hold(chunk, at);
        return;
      }
      const verdict =
        total <= whole
          ? handler.message(type, chunk, at, at + total)
          : handler.large(type, chunk.subarray(at, at + whole), total);
      if (verdict !== true) {
        this.#pass(chunk, run, at);
        if (verdict !== false) handler.pass(verdict);
        run = verdict === false ? at + total : at + needed;
      }
      at += total;
    }
    if (at > end) {
      this.#remaining = at - end;
      this.#remainingPass = run <= end;
    }
    this.#pass(chunk, run, end);
  }

  /** Goes on with a message whose beginning is held; returns how much of the chunk belonged to it. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#heldLength < headerLength) {
      at = this.#append(chunk, 0, headerLength);
      if (this.#heldLength < headerLength) return at;
    }
    const type = this.#held![0]!;
    const total = this.#totalAt(this.#held!, 0, 0);
    const whole = this.#whole[type]!;
    const needed = whole === 0 ? headerLength : Math.min(total, whole);
    at += this.#append(chunk, at, needed);
    if (this.#heldLength < needed) return at;
    const held = this.#held!.subarray(0, needed);
    this.#held = undefined;
    this.#heldLength = 0;
    let verdict: Verdict = true;
    if (whole > 0) {
      verdict = total <= whole ? this.#handler.message(type, held, 0, total) : this.#handler.large(type, held, total);
    }
    this.#remaining = total - needed;
    this.#remainingPass = verdict !== false;
    if (verdict !== false) this.#handler.pass(verdict === true ? held : verdict);
    return at;
  }

  /** Length of the message at `at`, type byte included, after checking it. What came before it still passes. */
  #totalAt(bytes: Buffer, at: number, run: number): number {
    const type = bytes[at]!;
    const length = bytes.readUInt32BE(at + 1);
    const largest = this.#largest[type]!;
    if (length >= 4 && length <= largest) return length + 1;
    this.#pass(bytes, run, at);
    const name = toMessageName(this.#inspection.side, type);
    if (largest === 0) throw new WireError('unknown_message', `invalid ${this.#inspection.side} message type ${type}`);
    throw new WireError(
      'invalid_length',
      `invalid message length ${length} of ${name}, which may have 4 to ${largest}`,
    );
  }

  #pass(chunk: Buffer, start: number, end: number): void {
    if (start >= end) return;
    this.#handler.pass(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
  }

  #hold(chunk: Buffer, at: number): void {
    this.#held = Buffer.allocUnsafeSlow(Math.max(headerLength, chunk.length - at));
    chunk.copy(this.#held, 0, at);
    this.#heldLength = chunk.length - at;
  }

  /** Takes from the chunk until `needed` bytes are held; memory grows with what came, not with what was announced. */
  #append(chunk: Buffer, at: number, needed: number): number {
    const taken = Math.min(needed - this.#heldLength, chunk.length - at);
    const length = this.#heldLength + taken;
    if (length > this.#held!.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(needed, Math.max(length, this.#held!.length * 2)));
      this.#held!.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    chunk.copy(this.#held!, this.#heldLength, at, at + taken);
    this.#heldLength = length;
    return taken;
  }
}
