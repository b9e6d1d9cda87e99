// The readable half of a socket: a byte stream (BYOB included) that asks the transport for data only when somebody reads.
//
// Invariant: at most one pull is outstanding; `data`, `end` or an error answers it. Nothing is read ahead, so a socket
// nobody reads exerts backpressure on its peer and an unread end of stream is not noticed [workerd-sockets 2.3].

type State = 'open' | 'detached' | 'ended' | 'cancelled' | 'broken' | 'errored';

export interface ReadableHooks {
  pull(): void;
  /** Why the code that runs now may not read, if it may not. */
  refusal(): unknown;
  /** The half is over: ended, cancelled, broken or errored. Called once. */
  done(): void;
  /** See `SocketInit`. */
  readSize: number | undefined;
}

export class ReadableSide {
  readonly #hooks: ReadableHooks;
  #stream: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableByteStreamController | undefined;
  #state: State = 'open';
  #pulled = false;
  /** What is still to be read of a broken connection, and the error behind it. */
  #rest: Uint8Array<ArrayBuffer>[] = [];
  #reason: unknown;

  constructor(hooks: ReadableHooks) {
    this.#hooks = hooks;
  }

  /** Made when somebody asks for it, because a stream costs more than the rest of a socket; it may be over by then. */
  get stream(): ReadableStream<Uint8Array> {
    this.#stream ??= this.#create();
    return this.#stream;
  }

  get done(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Bytes received but not read: what is left of a chunk that was larger than a BYOB reader's view, or the answer to a
   * read that was given up by `releaseLock()`.
   */
  get unread(): number {
    return this.#state === 'open' || this.#state === 'detached' ? -(this.#controller?.desiredSize ?? 0) : 0;
  }

  data(chunk: Uint8Array<ArrayBuffer>): void {
    this.#pulled = false;
    if (this.#state === 'open' || this.#state === 'detached') this.#controller?.enqueue(chunk);
  }

  end(): void {
    if (this.#state !== 'open') return;
    try {
      this.#controller?.close();
      this.#controller?.byobRequest?.respond(0);
      this.#settle('ended');
    } catch {
      // The peer ended inside an element of a multi-byte view; close() has errored the stream with that.
      this.#settle('errored');
    }
  }

  error(reason: unknown): void {
    if (this.#state !== 'open') return;
    this.#reason = reason;
    this.#controller?.error(reason);
    this.#settle('errored');
  }

  /** The connection broke: what was received before can still be read, then comes the error. */
  break(reason: unknown, rest: Uint8Array<ArrayBuffer>[]): void {
    if (this.#state !== 'open') return;
    if (rest.length === 0 && this.unread === 0) return this.error(reason);
    this.#rest = rest;
    this.#reason = reason;
    this.#settle('broken');
    if (this.#pulled) this.#deliverRest();
  }

  /** Takes the stream away for good: `startTls()` hands the connection to a new socket. */
  detach(): void {
    this.stream.getReader();
    this.#state = 'detached';
  }

  #create(): ReadableStream<Uint8Array> {
    const { readSize } = this.#hooks;
    return new ReadableStream(
      {
        type: 'bytes',
        ...(readSize === undefined ? {} : { autoAllocateChunkSize: readSize }),
        start: (controller) => {
          this.#controller = controller;
          if (this.#state === 'ended') controller.close();
          else if (this.#state === 'errored') controller.error(this.#reason);
        },
        pull: () => this.#pull(),
        cancel: () => this.#settle('cancelled'),
      },
      { highWaterMark: 0 },
    );
  }

  #pull(): void {
    const refusal = this.#hooks.refusal();
    if (refusal !== undefined) {
      this.#settle('errored');
      throw refusal;
    }
    this.#pulled = true;
    // A stream that has ended is not pulled again, but its last pull may race with an error.
    if (this.#state === 'open') this.#hooks.pull();
    else if (this.#state === 'broken') this.#deliverRest();
  }

  #deliverRest(): void {
    const chunk = this.#rest.shift();
    if (chunk === undefined) this.#controller?.error(this.#reason);
    else this.#controller?.enqueue(chunk);
  }

  #settle(state: State): void {
    const wasOpen = this.#state === 'open';
    this.#state = state;
    if (state === 'cancelled') this.#rest = [];
    if (wasOpen) this.#hooks.done();
  }
}
