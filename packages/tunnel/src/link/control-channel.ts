// Control messages: one JSON object a line on the control stream, each bounded, and so is their number.
import type { Duplex } from 'node:stream';
import { maxMessage, maxMessages } from './protocol.ts';
import { TunnelError } from './tunnel-error.ts';

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

export interface ControlHandlers {
  message(message: Message): void;
  /** The stream ended, or carried something that is no message. Called once. */
  ended(error: TunnelError): void;
}

export class ControlChannel {
  readonly #stream: Duplex;
  #handlers: ControlHandlers;
  #rest: Buffer = Buffer.alloc(0);
  #count = 0;
  #ended = false;
  readonly #maxMessage: number;

  constructor(stream: Duplex, handlers: ControlHandlers, options: { maxMessage?: number } = {}) {
    this.#maxMessage = options.maxMessage ?? maxMessage;
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => {});
    for (const event of ['end', 'close']) {
      stream.once(event, () => this.#end(new TunnelError('link_lost', 'the control stream ended')));
    }
  }

  /** Hands everything that follows to someone else. */
  handle(handlers: ControlHandlers): void {
    this.#handlers = handlers;
  }

  /** False when the stream takes no more. The optional callback comes once the message has left. */
  send(message: Message, sent?: () => void): boolean {
    if (!this.#stream.writable) return false;
    this.#stream.write(`${JSON.stringify(message)}\n`, () => sent?.());
    return true;
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(10); end >= 0 && !this.#ended; end = bytes.indexOf(10)) {
      const line = bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
      this.#count += 1;
      const message = line.length > this.#maxMessage ? undefined : parseMessage(line);
      if (message === undefined || this.#count > maxMessages) return this.#refuse();
      this.#handlers.message(message);
    }
    if (bytes.length > this.#maxMessage) return this.#refuse();
    this.#rest = Buffer.from(bytes);
  }

  #refuse(): void {
    this.#rest = Buffer.alloc(0);
    this.#stream.pause();
    this.#end(new TunnelError('protocol_error', 'malformed, oversized or too many control messages'));
  }

  #end(error: TunnelError): void {
    if (this.#ended) return;
    this.#ended = true;
    // A turn later: the end of a stream may be told from inside nghttp2, and a session destroyed there sends empty frames
    // of the closed stream into memory for ever (Node 20).
    setImmediate(() => this.#handlers.ended(error));
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
