// Small writes of one turn as one frame: a frame, and the runtime's handling of it, costs more than the bytes in it.
import { Buffer } from 'node:buffer';

/** A smaller write waits for the end of the turn. */
const smallWrite = 4_096;
/** Bytes that may wait. */
export const maxBatch = 16_384;

/** Takes bytes; a promise says that it has not yet, and must not be given more. */
export type Sink = (bytes: Uint8Array) => Promise<void> | undefined;

export class WriteBatch {
  readonly #sink: Sink;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #scheduled = false;
  #busy: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Undefined when the bytes are as good as sent; else a promise until they are taken. */
  add(bytes: Uint8Array): Promise<void> | undefined {
    const waits =
      this.#busy === undefined && bytes.byteLength < smallWrite && this.#length + bytes.byteLength <= maxBatch;
    if (!waits) return this.sendNow(bytes);
    this.#pieces.push(bytes);
    this.#length += bytes.byteLength;
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#onTurnEnd);
    }
    return undefined;
  }

  /** Sends it with what waits. */
  sendNow(bytes: Uint8Array): Promise<void> | undefined {
    this.#pieces.push(bytes);
    this.#length += bytes.byteLength;
    return this.flush();
  }

  /** Sends what waits. */
  flush(): Promise<void> | undefined {
    if (this.#busy !== undefined) return this.#busy.then(() => this.flush());
    const pieces = this.#pieces;
    if (pieces.length === 0) return undefined;
    this.#pieces = [];
    this.#length = 0;
    const taken = this.#sink(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
    if (taken === undefined) return undefined;
    this.#busy = taken.then(() => {
      this.#busy = undefined;
    });
    return this.#busy;
  }

  readonly #onTurnEnd = (): void => {
    this.#scheduled = false;
    void this.flush();
  };
}
