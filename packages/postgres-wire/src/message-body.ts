// A cursor over one message. Reading past its end is the sender's mistake, and says so.
import { WireError } from './errors.ts';

export class MessageBody {
  readonly #bytes: Buffer;
  #at: number;

  /** `at` is where the fields begin: behind type and length, by default. */
  constructor(message: Buffer, at = 5) {
    this.#bytes = message;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  /** A count that cannot be negative. */
  count(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  /** A view of the next bytes. */
  take(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view of everything that is left. */
  rest(): Buffer {
    return this.take(this.remaining);
  }

  /** A view of a string, without the zero byte that ends it. */
  stringBytes(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new WireError('malformed_message', 'a string in a message has no end');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return bytes;
  }

  /** A string in UTF-8. */
  text(): string {
    return this.stringBytes().toString('utf8');
  }

  /** A string with one character per byte, which loses nothing in any encoding. */
  byteString(): string {
    return this.stringBytes().toString('latin1');
  }

  /** A value with its length in front; -1 is null. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw new WireError('malformed_message', `a value of ${length} bytes`);
    return this.take(length);
  }

  end(): void {
    if (this.remaining > 0) throw new WireError('malformed_message', `${this.remaining} bytes too many in a message`);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (this.#bytes.length - start < length) throw new WireError('malformed_message', 'a message ends too early');
    this.#at = start + length;
    return start;
  }
}
