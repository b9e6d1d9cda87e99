// The writable half of a socket: a WritableStream whose backpressure is the transport's, and which the socket can end
// from inside while the caller holds a writer.
//
// WHATWG streams can be closed only by whoever holds the lock, and a sink that rejects one chunk errors the whole
// stream. The socket needs both otherwise: `allowHalfOpen: false` closes our half when the peer's ends, and writing a
// string must fail alone. Hence the stream hands out writers of its own class.
import { createDeferred, type Deferred } from './deferred.ts';

type State = 'open' | 'closing' | 'closed' | 'errored';

export interface WritableHooks {
  write(bytes: Uint8Array): Promise<void> | undefined;
  end(): Promise<void>;
  /** The half is over: our end was sent, or the stream was aborted or errored. Called once. */
  done(): void;
}

const closedText = 'This WritableStream has been closed.';
const byteStreamText = 'This TransformStream is being used as a byte stream, but received';
const stringText = `${byteStreamText} a string on its writable side. If you wish to write a string, you'll probably want to explicitly UTF-8-encode it with TextEncoder.`;
const objectText = `${byteStreamText} an object of non-ArrayBuffer/ArrayBufferView type on its writable side.`;

/** The chunk's bytes, not copied; throws the documented TypeError for anything that is not bytes. */
function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(typeof chunk === 'string' ? stringText : objectText);
}

/**
 * One write on its way through the stream's queue. A chunk that is not sent at once is copied, because the reference
 * runtime lets callers reuse the buffer as soon as `write()` has returned.
 */
interface Parcel {
  bytes: Uint8Array;
  byteLength: number;
  taken: boolean;
}

class SocketWritable extends WritableStream<unknown> {
  side!: WritableSide;

  override getWriter(): WritableStreamDefaultWriter<unknown> {
    const writer = new SocketWriter(this);
    writer.side = this.side;
    this.side.holder = writer;
    return writer;
  }
}

class SocketWriter extends WritableStreamDefaultWriter<unknown> {
  side!: WritableSide;

  override write(chunk?: unknown): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = toBytes(chunk);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.side.closed && this.side.holder === this) return Promise.reject(new TypeError(closedText));
    const parcel: Parcel = { bytes, byteLength: bytes.byteLength, taken: false };
    const written = super.write(parcel);
    if (!parcel.taken) parcel.bytes = bytes.slice();
    return written;
  }

  override releaseLock(): void {
    super.releaseLock();
    if (this.side.holder === this) this.side.holder = undefined;
  }
}

export class WritableSide {
  readonly stream: WritableStream<unknown>;
  /** The writer that holds the lock, if it was made by `getWriter()`; a pipe's own writer is not seen. */
  holder: WritableStreamDefaultWriter<unknown> | undefined;
  /** Why the half did not end in order: an abort by the caller, or a failure. */
  reason: unknown;

  readonly #hooks: WritableHooks;
  readonly #over: Deferred<void> = createDeferred();
  #controller!: WritableStreamDefaultController;
  #state: State = 'open';
  #queued = 0;
  #inFlight: Promise<void> | undefined;

  constructor(hooks: WritableHooks, highWaterMark: number) {
    this.#hooks = hooks;
    const stream = new SocketWritable(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        write: (chunk) => this.#write(chunk),
        close: () => this.#end(),
        abort: (reason) => this.#settle('errored', reason),
      },
      { highWaterMark, size: (chunk) => this.#enqueued(chunk) },
    );
    stream.side = this;
    this.stream = stream;
  }

  get done(): boolean {
    return this.#over.settled;
  }

  /** True once our end was sent in order. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** True when everything the caller wrote has been handed over. */
  get idle(): boolean {
    return this.#queued === 0 && this.#inFlight === undefined;
  }

  /** Flushes what is queued and ends our half, whoever holds the lock; resolves when that is done or has failed. */
  finish(): Promise<void> {
    if (this.#state === 'open') {
      if (!this.stream.locked) this.stream.close().catch(() => {});
      else if (this.holder !== undefined) this.holder.close().catch(() => {});
      else void this.#finishUnderForeignLock();
    }
    return this.#over.promise;
  }

  /** Waits until everything written before is on its way. Only for an unlocked stream; keeps it locked for good. */
  async detach(): Promise<void> {
    const barrier = new WritableStreamDefaultWriter(this.stream);
    await barrier.write(new Uint8Array(0));
    this.#state = 'closed';
    this.#over.resolve();
  }

  error(reason: unknown): void {
    if (this.done) return;
    this.#controller.error(reason);
    this.#settle('errored', reason);
  }

  /** The queuing strategy's size, called once for each chunk that enters the queue, pipes' chunks included. */
  #enqueued(chunk: unknown): number {
    this.#queued += 1;
    return (chunk as { byteLength?: number } | null | undefined)?.byteLength ?? 0;
  }

  #write(chunk: unknown): Promise<void> | undefined {
    this.#queued -= 1;
    const bytes = this.#take(chunk);
    if (bytes.byteLength === 0) return undefined;
    const pending = this.#hooks.write(bytes);
    if (pending === undefined) return undefined;
    this.#inFlight = pending.finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  #take(chunk: unknown): Uint8Array {
    if (typeof chunk === 'object' && chunk !== null && 'taken' in chunk) {
      const parcel = chunk as Parcel;
      parcel.taken = true;
      return parcel.bytes;
    }
    return toBytes(chunk);
  }

  async #end(): Promise<void> {
    this.#state = 'closing';
    await this.#hooks.end();
    this.#settle('closed', undefined);
  }

  /** A pipe holds the lock: let its current chunk go out, send our end, and make the pipe fail. */
  async #finishUnderForeignLock(): Promise<void> {
    try {
      await this.#inFlight;
      if (this.#state !== 'open') return;
      await this.#end();
      this.#controller.error(new TypeError(closedText));
    } catch (error) {
      this.error(error);
    }
  }

  #settle(state: State, reason: unknown): void {
    if (this.done) return;
    this.#state = state;
    this.reason = reason;
    this.#over.resolve();
    this.#hooks.done();
  }
}
