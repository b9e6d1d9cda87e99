// Tells where the answer to one request ends and the next begins, in the bytes of a shared connection. Every request ends
// in a ReadyForQuery, so that is all it takes; rows are never looked at, nor held.
import { Backend, WireError } from '@sallyport/postgres-wire';
import { maxHeldReply } from '../limits.ts';

export interface AnswerHandler {
  /** A part of the answer that comes now, in order. */
  part(bytes: Buffer): void;
  /** ParseComplete, CloseComplete, or the first five bytes of an ErrorResponse; false when the client does not get it. */
  reply(type: number): boolean;
  /** A whole message that belongs to no request: ParameterStatus, NotificationResponse; false as above. */
  aside(type: number, message: Buffer): boolean;
  /** The answer is complete. `status` is the byte of ReadyForQuery. */
  ready(status: number): void;
}

const passes = 1;
const isReply = 2;
const isAside = 3;
const isReady = 4;
/** What may come; anything else does not answer a read. */
const kinds = new Uint8Array(256);
for (const type of [
  Backend.RowDescription,
  Backend.DataRow,
  Backend.CommandComplete,
  Backend.EmptyQueryResponse,
  Backend.PortalSuspended,
  Backend.NoData,
  Backend.ParameterDescription,
  Backend.BindComplete,
  Backend.NoticeResponse,
]) {
  kinds[type] = passes;
}
for (const type of [Backend.ParseComplete, Backend.CloseComplete, Backend.ErrorResponse]) kinds[type] = isReply;
for (const type of [Backend.ParameterStatus, Backend.NotificationResponse]) kinds[type] = isAside;
kinds[Backend.ReadyForQuery] = isReady;

export class AnswerSplitter {
  readonly #handler: AnswerHandler;
  #held: Buffer | undefined;
  /** Bytes to come of a message that passes. */
  #remaining = 0;

  constructor(handler: AnswerHandler) {
    this.#handler = handler;
  }

  /** Whether nothing has come of a message that is not complete. */
  get atBoundary(): boolean {
    return this.#held === undefined && this.#remaining === 0;
  }

  /** Throws for bytes that answer no read: the connection is of no use after that. */
  push(bytes: Buffer): void {
    const chunk = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = undefined;
    const end = chunk.length;
    let at = Math.min(this.#remaining, end);
    this.#remaining -= at;
    let run = 0;
    while (end - at >= 5) {
      const type = chunk[at]!;
      const total = chunk.readUInt32BE(at + 1) + 1;
      const kind = kinds[type]!;
      if (total < 5 || kind === 0) throw new WireError('unexpected_reply', `message type ${type} answers no read`);
      if (kind === isReply) {
        if (!this.#handler.reply(type)) {
          this.#pass(chunk, run, at);
          run = at + total;
        }
      } else if (kind !== passes) {
        if (total > maxHeldReply) throw new WireError('invalid_length', `message type ${type} of ${total} bytes`);
        if (end - at < total) break;
        if (kind === isReady) {
          this.#pass(chunk, run, at + total);
          run = at + total;
          this.#handler.ready(chunk[at + 5]!);
        } else if (!this.#handler.aside(type, chunk.subarray(at, at + total))) {
          this.#pass(chunk, run, at);
          run = at + total;
        }
      }
      at += total;
    }
    this.#pass(chunk, run, Math.min(at, end));
    if (at > end) this.#remaining = at - end;
    else if (at < end) this.#held = Buffer.from(chunk.subarray(at));
  }

  #pass(chunk: Buffer, start: number, end: number): void {
    if (start < end) this.#handler.part(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
  }
}
