// Control messages: one JSON object a line on the control stream. The length of each is bounded, and their number while
// the sender has not proved itself.
import type { Duplex } from 'node:stream';
import { maxMessage, maxMessages } from './protocol.ts';
import { TunnelError } from './tunnel-error.ts';

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

export interface ControlHandlers {
  message(message: Message): void;
  /** The stream ended, or carried something that is no message. Called once. */
  ended(error: TunnelError): void;
}

export interface ControlLimits {
  /** Longest message that is taken, in bytes. */
  maxMessage?: number;
  /** The most messages that are taken. */
  maxMessages?: number;
}

const newline = 10;

export class ControlChannel {
  readonly #stream: Duplex;
  #handlers: ControlHandlers;
  readonly #maxMessage: number;
  #messagesLeft: number;
  /** Holds an unfinished line; doubled when it is too small, up to the longest message. */
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  #ended = false;

  constructor(stream: Duplex, handlers: ControlHandlers, limits: ControlLimits = {}) {
    this.#maxMessage = limits.maxMessage ?? maxMessage;
    this.#messagesLeft = limits.maxMessages ?? maxMessages;
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => {});
    for (const event of ['end', 'close']) {
      stream.once(event, () => this.#end(new TunnelError('link_lost', 'the control stream ended')));
    }
  }

  /** Bytes of an unfinished line that are held. */
  get held(): number {
    return this.#buffer.length;
  }

  /** Hands everything that follows to someone else. */
  handle(handlers: ControlHandlers): void {
    this.#handlers = handlers;
  }

  /** Takes any number of messages from now on: the other end has proved who it is. */
  trust(): void {
    this.#messagesLeft = Infinity;
  }

  /** False when the stream takes no more. The optional callback comes once the message has left. */
  send(message: Message, sent?: () => void): boolean {
    if (!this.#stream.writable) return false;
    this.#stream.write(`${JSON.stringify(message)}\n`, () => sent?.());
    return true;
  }

  #take(chunk: Buffer): void {
    let from = 0;
    while (!this.#ended) {
      const end = chunk.indexOf(newline, from);
      const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (this.#length + piece.length > this.#maxMessage) return this.#refuse(`longer than ${this.#maxMessage} bytes`);
      if (end < 0) return this.#hold(piece);
      from = end + 1;
      this.#hear(this.#finish(piece));
    }
  }

  #hold(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxMessage, Math.max(length, 2 * this.#buffer.length)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  #finish(piece: Buffer): Buffer {
    if (this.#length === 0) return piece;
    this.#hold(piece);
    const line = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
    return line;
  }

  #hear(line: Buffer): void {
    this.#messagesLeft -= 1;
    if (this.#messagesLeft < 0) return this.#refuse('too many');
    const message = parseMessage(line);
    if (message === undefined) this.#refuse('no JSON object with a type');
    else this.#handlers.message(message);
  }

  #refuse(what: string): void {
    this.#buffer = Buffer.alloc(0);
    this.#stream.pause();
    this.#end(new TunnelError('protocol_error', `control messages: ${what}`));
  }

  #end(error: TunnelError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handlers.ended(error);
  }
}

/** The message in a line, undefined when there is none. */
export function parseMessage(line: Uint8Array): Message | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return 'type' in value && typeof value.type === 'string' ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}
