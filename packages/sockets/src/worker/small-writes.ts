// Small writes of one turn as one: a write to the runtime, and the peer's handling of it, cost more than the bytes in it.
// Drivers that write a message in pieces (five of them for a query of `pg`) make one frame of it, without waiting for
// the runtime's next turn.

/** A smaller write waits for the end of the turn. */
export const smallWrite = 4_096;
/** Bytes that may wait. */
export const maxBatch = 16_384;
/**
 * A turn is over when nothing was written for so many promise reactions: a WritableStream hands over its next chunk
 * only some after it has handed over one.
 */
const quietReactions = 8;

// Promise reactions, and not queueMicrotask(), which costs the runtime a hundred times as much.
const settled = Promise.resolve();

export class SmallWrites {
  readonly #send: (batch: Uint8Array<ArrayBuffer>) => void;
  readonly #headLength: number;
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #quiet = 0;
  #watching = false;

  /** `send` gets each batch behind `headLength` bytes that it may fill in. */
  constructor(send: (batch: Uint8Array<ArrayBuffer>) => void, headLength = 0) {
    this.#send = send;
    this.#headLength = headLength;
  }

  /** Whether it is small enough, and what waits is not too much. */
  takes(length: number): boolean {
    return length < smallWrite && this.#filled + length <= maxBatch;
  }

  /** The bytes are copied. */
  add(bytes: Uint8Array): void {
    const end = (this.#batch === undefined ? this.#headLength : this.#filled) + bytes.byteLength;
    if (this.#batch === undefined) {
      this.#batch = new Uint8Array(end);
      this.#filled = this.#headLength;
    } else if (end > this.#batch.byteLength) {
      const larger = new Uint8Array(Math.max(2 * this.#batch.byteLength, end));
      larger.set(this.#batch.subarray(0, this.#filled));
      this.#batch = larger;
    }
    this.#batch.set(bytes, this.#filled);
    this.#filled = end;
    this.#quiet = 0;
    if (this.#watching) return;
    this.#watching = true;
    void settled.then(this.#watch);
  }

  /** Sends what waits. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const filled = this.#filled;
    this.#batch = undefined;
    this.#filled = 0;
    this.#send(filled === batch.byteLength ? batch : batch.subarray(0, filled));
  }

  readonly #watch = (): void => {
    this.#quiet += 1;
    if (this.#batch !== undefined && this.#quiet < quietReactions) {
      void settled.then(this.#watch);
      return;
    }
    this.#watching = false;
    this.flush();
  };
}
