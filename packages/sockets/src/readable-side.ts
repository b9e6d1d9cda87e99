// The readable half of a socket: a byte stream (BYOB included) that asks the transport for data only when somebody reads.
//
// Invariant: at most one pull is outstanding; `data`, `end` or `error` answers it. Nothing is read ahead, so a socket
// nobody reads exerts backpressure on its peer and an unread end of stream is not noticed [workerd-sockets 2.3].

type State = 'open' | 'detached' | 'ended' | 'cancelled' | 'errored';

export interface ReadableHooks {
  pull(): void;
  /** The half is over: ended, cancelled or errored. Called once. */
  done(): void;
}

export class ReadableSide {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #hooks: ReadableHooks;
  #controller!: ReadableByteStreamController;
  #state: State = 'open';

  constructor(hooks: ReadableHooks) {
    this.#hooks = hooks;
    this.stream = new ReadableStream(
      {
        type: 'bytes',
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          // A stream that has ended is not pulled again, but its last pull may race with an error.
          if (this.#state === 'open') this.#hooks.pull();
        },
        cancel: () => this.#settle('cancelled'),
      },
      { highWaterMark: 0 },
    );
  }

  get done(): boolean {
    return this.#state !== 'open';
  }

  /**
   * Bytes received but not read: what is left of a chunk that was larger than a BYOB reader's view, or the answer to a
   * read that was given up by `releaseLock()`.
   */
  get unread(): number {
    return this.#state === 'open' || this.#state === 'detached' ? -(this.#controller.desiredSize ?? 0) : 0;
  }

  data(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#state === 'open' || this.#state === 'detached') this.#controller.enqueue(chunk);
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#controller.close();
    this.#controller.byobRequest?.respond(0);
    this.#settle('ended');
  }

  error(reason: unknown): void {
    if (this.#state !== 'open') return;
    this.#controller.error(reason);
    this.#settle('errored');
  }

  /** Takes the stream away for good: `startTls()` hands the connection to a new socket. */
  detach(): void {
    this.stream.getReader();
    this.#state = 'detached';
  }

  #settle(state: State): void {
    this.#state = state;
    this.#hooks.done();
  }
}
