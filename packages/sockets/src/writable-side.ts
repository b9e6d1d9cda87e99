// The writable half of a socket: a WritableStream whose backpressure is the transport's, and which the socket can end
// from inside while the caller holds a writer.
//
// WHATWG streams can be closed only by whoever holds the lock, and a sink that rejects one chunk errors the whole
// stream. The socket needs both otherwise: `allowHalfOpen: false` closes our half when the peer's ends, and writing a
// string must fail alone. Hence the stream hands out writers of its own class.
import { createDeferred, type Deferred } from './deferred.ts';
import { SocketError } from './socket-error.ts';
import { toBytes } from './to-bytes.ts';

type State = 'open' | 'closing' | 'closed' | 'errored';

export interface WritableHooks {
  write(bytes: Uint8Array): Promise<void> | undefined;
  end(): Promise<void>;
  /** Why the code that runs now may not write, if it may not. */
  refusal(): unknown;
  /** The half is over: our end was sent, or the stream was aborted or errored. Called once. */
  done(): void;
}

const abortedText = 'The writable side was aborted.';
const closedText = 'This WritableStream has been closed.';
const closingText = 'This WritableStream belongs to an object that is closing.';

/** A chunk up to this many bytes is always copied, which costs less than a system call. */
const copyUpTo = 16_384;

/**
 * One write on its way through the stream's queue. It is copied, because the reference runtime lets callers reuse the
 * buffer as soon as `write()` has returned; except for a large chunk that the transport takes at once, which is lent until
 * its promise resolves.
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

  override abort(reason?: unknown): Promise<void> {
    const aborted = super.abort(reason);
    if (!this.locked) this.side.abandon(reason);
    return aborted;
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
    const refusal = this.side.refusal(this);
    if (refusal !== undefined) return Promise.reject(refusal);
    // Not slice(): a Buffer's is a view of the same memory.
    const isSmall = bytes.byteLength <= copyUpTo;
    const parcel: Parcel = {
      bytes: isSmall ? new Uint8Array(bytes) : bytes,
      byteLength: bytes.byteLength,
      taken: false,
    };
    const written = super.write(parcel);
    if (!parcel.taken && !isSmall) parcel.bytes = new Uint8Array(bytes);
    return written;
  }

  override close(): Promise<void> {
    const refusal = this.side.refusal(this);
    return refusal === undefined ? super.close() : Promise.reject(refusal);
  }

  override abort(reason?: unknown): Promise<void> {
    const aborted = super.abort(reason);
    if (this.side.holder === this) this.side.abandon(reason);
    return aborted;
  }

  override releaseLock(): void {
    super.releaseLock();
    if (this.side.holder === this) this.side.holder = undefined;
  }
}

export class WritableSide {
  /** The writer that holds the lock, if it was made by `getWriter()`; a pipe's own writer is not seen. */
  holder: WritableStreamDefaultWriter<unknown> | undefined;
  /** Why the half did not end in order: an abort by the caller, or a failure. */
  reason: unknown;

  readonly #hooks: WritableHooks;
  readonly #highWaterMark: number;
  readonly #over: Deferred<void> = createDeferred();
  #stream: SocketWritable | undefined;
  #controller: WritableStreamDefaultController | undefined;
  #state: State = 'open';
  /** Chunks that entered the stream's queue, and that left it. */
  #entered = 0;
  #left = 0;
  /** What a write is told once our end is on its way. */
  #endText: string | undefined;
  /** Under a foreign lock: how many chunks go out before our end does. */
  #endBehind: number | undefined;
  /** What the transport is doing now; an abort or a failure does not wait for it. */
  #step: Deferred<void> | undefined;
  #watchesPipe = false;

  constructor(hooks: WritableHooks, highWaterMark: number) {
    this.#hooks = hooks;
    this.#highWaterMark = highWaterMark;
  }

  /** Made when somebody asks for it, because a stream costs more than the rest of a socket; it may be over by then. */
  get stream(): WritableStream<unknown> {
    this.#stream ??= this.#create();
    return this.#stream;
  }

  get done(): boolean {
    return this.#over.settled;
  }

  /** Why a writer may not write or close now; undefined when it may, or when the stream itself has the answer. */
  refusal(writer: WritableStreamDefaultWriter<unknown>): unknown {
    if (writer !== this.holder) return undefined;
    const refusal = this.#hooks.refusal();
    if (refusal !== undefined) return refusal;
    if (this.#state === 'errored') return this.reason;
    if (this.#state === 'closed') return new TypeError(closedText);
    // Node 20 fails an assertion when a stream that is closing is written to.
    const text = this.#endText ?? (this.#state === 'closing' ? closedText : undefined);
    return text === undefined ? undefined : new TypeError(text);
  }

  /** True once our end was sent in order. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** True when everything the caller wrote has been handed over. */
  get idle(): boolean {
    return this.#entered === this.#left && this.#step === undefined;
  }

  /**
   * Flushes what is queued and ends our half, whoever holds the lock; resolves when that is done or has failed.
   * `closing`: because the caller closed the socket, as later writes are told.
   */
  finish({ closing = false }: { closing?: boolean } = {}): Promise<void> {
    if (this.#state === 'open') {
      if (this.#stream === undefined) this.#end().catch(() => {});
      else if (!this.#stream.locked) this.#stream.close().catch(() => {});
      else if (this.holder !== undefined) this.holder.close().catch(() => {});
      else {
        this.#endBehind ??= this.#entered;
        this.#endIfReached();
      }
    }
    this.#endText ??= closing ? closingText : closedText;
    return this.#over.promise;
  }

  /** Waits until everything written before is on its way. Only for an unlocked stream; keeps it locked for good. */
  async detach(): Promise<void> {
    const barrier = new WritableStreamDefaultWriter(this.stream);
    await barrier.write(new Uint8Array(0));
    this.#state = 'closed';
    this.#over.resolve();
  }

  /** An abort does not wait for what the transport is doing. */
  abandon(reason: unknown): void {
    this.#step?.reject(reason);
  }

  error(reason: unknown): void {
    if (this.done) return;
    this.#controller?.error(reason);
    this.#step?.reject(reason);
    this.#settle('errored', reason);
  }

  #create(): SocketWritable {
    const stream = new SocketWritable(
      {
        start: (controller) => {
          this.#controller = controller;
          if (this.#state === 'errored') controller.error(this.reason);
        },
        write: (chunk) => this.#write(chunk),
        close: () => this.#end(),
        abort: (reason) => this.#settle('errored', reason ?? new SocketError('aborted', { message: abortedText })),
      },
      { highWaterMark: this.#highWaterMark, size: (chunk) => this.#enqueued(chunk) },
    );
    stream.side = this;
    if (this.#state === 'closing' || this.#state === 'closed') stream.close().catch(() => {});
    return stream;
  }

  /** The queuing strategy's size, called once for each chunk that enters the queue, pipes' chunks included. */
  #enqueued(chunk: unknown): number {
    this.#entered += 1;
    return (chunk as { byteLength?: number } | null | undefined)?.byteLength ?? 0;
  }

  #write(chunk: unknown): Promise<void> | undefined {
    this.#left += 1;
    if (this.#endBehind !== undefined && this.#left > this.#endBehind) throw new TypeError(closedText);
    const bytes = this.#take(chunk);
    const pending = bytes.byteLength === 0 ? undefined : this.#hooks.write(bytes);
    if (pending !== undefined) return this.#await(pending);
    this.#endIfReached();
    return undefined;
  }

  /** @throws TypeError, and then the stream is errored: only a pipe brings a chunk here that is not bytes */
  #take(chunk: unknown): Uint8Array {
    if (typeof chunk === 'object' && chunk !== null && 'taken' in chunk) {
      const parcel = chunk as Parcel;
      parcel.taken = true;
      return parcel.bytes;
    }
    try {
      const refusal = this.#hooks.refusal();
      if (refusal !== undefined) throw refusal;
      return toBytes(chunk);
    } catch (error) {
      this.#settle('errored', error);
      throw error;
    }
  }

  /** Waits for the transport, unless an abort or a failure comes first. */
  #await(pending: Promise<void>): Promise<void> {
    const step = createDeferred<void>();
    this.#step = step;
    if (this.#stream?.locked === true && this.holder === undefined) this.#watchPipe();
    const next = (): void => {
      this.#step = undefined;
      step.resolve();
      this.#endIfReached();
    };
    pending.then(next, (error) => step.reject(error));
    return step.promise;
  }

  /** A pipe aborts without asking us. The signal is costly to make, so only a waiting pipe has it made. */
  #watchPipe(): void {
    if (this.#watchesPipe) return;
    this.#watchesPipe = true;
    // The types of Node 20 do not know it yet.
    const { signal } = this.#controller as unknown as { signal: AbortSignal };
    signal.addEventListener('abort', () => this.abandon(signal.reason));
  }

  async #end(): Promise<void> {
    if (this.#state !== 'open') return this.#over.promise;
    this.#state = 'closing';
    await this.#await(this.#hooks.end());
    this.#settle('closed', undefined);
  }

  /** A pipe holds the lock: what it has queued goes out, then our end; what it writes later makes it fail. */
  #endIfReached(): void {
    if (this.#endBehind === undefined || this.#state !== 'open') return;
    if (this.#left < this.#endBehind || this.#step !== undefined) return;
    this.#end().then(
      () => this.#controller?.error(new TypeError(closedText)),
      (error) => this.error(error),
    );
  }

  #settle(state: State, reason: unknown): void {
    if (this.done) return;
    this.#state = state;
    this.reason = reason;
    this.#over.resolve();
    this.#hooks.done();
  }
}
