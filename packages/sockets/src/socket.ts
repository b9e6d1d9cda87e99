// Socket: the states of one connection as the API shows them, on top of any transport.
//
//   waiting (for a slot) → connecting → open → closed
//                                        └→ upgraded: startTls() gave the connection to a new Socket
//
// Invariants: `opened` and `closed` settle once; `closed` settles exactly when both halves are over (ended, cancelled,
// aborted, errored); the slot is given back at that moment; nothing is reported after it.
import { createDeferred } from './deferred.ts';
import { checkTlsOptions, type SecureTransport, startTlsArgument, type TlsOptions, toDictionary } from './options.ts';
import { ReadableSide } from './readable-side.ts';
import type { Slot } from './slots.ts';
import { SocketError, toTlsError } from './socket-error.ts';
import type { SocketInit } from './socket-init.ts';
import { texts } from './socket-texts.ts';
import type { SocketInfo, TransportEvents } from './transport.ts';
import { UpgradeTransport } from './upgrade-transport.ts';
import { WritableSide } from './writable-side.ts';

type State = 'waiting' | 'connecting' | 'open' | 'upgraded' | 'closed';

/** Only this module may construct: `new Socket()` is an illegal constructor to everybody else, as in the runtime. */
const construction = Symbol('construction');
let create: (init: SocketInit) => Socket;

export class Socket {
  readonly #init: SocketInit;
  readonly #opened = createDeferred<SocketInfo>();
  readonly #closed = createDeferred<void>();
  readonly #readable: ReadableSide;
  readonly #writable: WritableSide;
  readonly #secureTransport: SecureTransport;
  #state: State = 'waiting';
  /** What broke the connection. */
  #failure: unknown;
  #startTlsCalled = false;
  #closing: Promise<void> | undefined;
  #slot: Slot | undefined;
  #leaveQueue: (() => void) | undefined;
  #unlisten: (() => void) | undefined;

  private constructor(token: symbol, init: SocketInit, secureTransport: SecureTransport) {
    if (token !== construction) throw new TypeError('Illegal constructor');
    this.#init = init;
    this.#secureTransport = secureTransport;
    const { transport, options } = init;
    this.#readable = new ReadableSide({
      pull: () => transport.pull(),
      refusal: () => transport.refusal?.(),
      done: () => this.#halfDone(),
      readSize: init.readSize,
    });
    this.#writable = new WritableSide(
      {
        write: (bytes) => transport.write(bytes),
        end: () => transport.end(),
        refusal: () => transport.refusal?.(),
        done: () => this.#halfDone(),
      },
      options.highWaterMark,
    );
  }

  static {
    create = (init) => {
      const socket = new Socket(construction, init, init.options.secureTransport);
      const { signal } = init.options;
      if (signal?.aborted) queueMicrotask(() => socket.#fail(toAborted(signal)));
      else {
        socket.#listenToSignal();
        socket.#acquireSlot();
      }
      return socket;
    };
  }

  /** The bytes from the other side: a byte stream, BYOB readers included. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable.stream;
  }

  /** The bytes to the other side. Accepts byte views and ArrayBuffers; writing may begin before `opened`. */
  get writable(): WritableStream<ArrayBufferView | ArrayBuffer> {
    return this.#writable.stream as WritableStream<ArrayBufferView | ArrayBuffer>;
  }

  /** Resolves when the connection is up, the TLS handshake included; rejects with a SocketError. */
  get opened(): Promise<SocketInfo> {
    return this.#opened.promise;
  }

  /** Resolves when both directions are over; rejects with what broke the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** True once `startTls()` has given the connection to the socket it returned. */
  get upgraded(): boolean {
    return this.#state === 'upgraded';
  }

  get secureTransport(): SecureTransport {
    return this.#secureTransport;
  }

  get [Symbol.toStringTag](): string {
    return 'Socket';
  }

  /**
   * Closes both directions. Queued writes are sent first, for a bounded time; a pending connect with nothing queued is
   * aborted at once. Never rejects and never hangs.
   */
  close(): Promise<void> {
    // Another request may not close it, and hears nothing of that, as in the runtime.
    if (this.#init.transport.refusal?.() !== undefined) return Promise.resolve();
    this.#closing ??= this.#close();
    return this.#closing.then(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Upgrades a `starttls` socket to TLS and returns the secure socket. Everything written so far is sent in the clear
   * first; this socket's streams can no longer be used.
   *
   * @throws TypeError when the socket is not a fresh, unlocked `starttls` socket
   */
  startTls(options?: TlsOptions): Socket {
    if (this.#secureTransport === 'on') throw new TypeError(texts.alreadyTls);
    if (this.#secureTransport === 'off') throw new TypeError(texts.notStartTls);
    const isOver = this.#state === 'closed' || this.#state === 'upgraded' || this.#closing !== undefined;
    if (isOver) throw new TypeError(texts.closed);
    const refusal = this.#init.transport.refusal?.();
    if (refusal !== undefined) throw refusal;
    if (this.#startTlsCalled) throw new TypeError(texts.twice);
    const given = checkTlsOptions(toDictionary<TlsOptions>(options ?? {}, startTlsArgument));
    if (this.#writable.stream.locked) throw new TypeError(texts.writerLocked);
    if (this.#readable.stream.locked) throw new TypeError(texts.readerLocked);
    this.#startTlsCalled = true;
    const transport = new UpgradeTransport();
    const secure = new Socket(construction, { ...this.#init, transport }, 'on');
    secure.#state = 'connecting';
    secure.#listenToSignal();
    void this.#upgrade(secure, transport, { ...this.#init.options.tls, ...given });
    // The connection is shared from here on: a secure socket that is closed before the upgrade takes this one with it.
    const abandon = (): void => this.#finish(undefined);
    secure.#closed.promise.then(abandon, abandon);
    return secure;
  }

  async #upgrade(secure: Socket, upgrade: UpgradeTransport, options: TlsOptions): Promise<void> {
    this.#readable.detach();
    try {
      await Promise.all([this.#opened.promise, this.#writable.detach()]);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#state !== 'open') {
      return secure.#fail(this.#failure ?? new SocketError('closed', { message: texts.closedMeanwhile }));
    }
    this.#state = 'upgraded';
    this.#unlisten?.();
    const { transport } = this.#init;
    secure.#slot = this.#slot;
    this.#closed.resolve();
    if (this.#readable.unread === 0 && secure.#state !== 'closed') {
      transport.startTls(options, secure.#events());
      upgrade.attach(transport);
      return;
    }
    upgrade.attach(transport);
    if (secure.#state === 'closed') secure.#release(true);
    else secure.#fail(toTlsError('tls_early_plaintext', 'startTls', undefined));
  }

  #acquireSlot(): void {
    const { slots, address } = this.#init;
    const slot = slots?.tryAcquire(address.authority);
    if (slots === undefined || slot !== undefined) return this.#connect(slot);
    this.#leaveQueue = slots.wait(address.authority, (result) => {
      this.#leaveQueue = undefined;
      if (result instanceof SocketError) return this.#fail(result);
      try {
        this.#connect(result);
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #connect(slot: Slot | undefined): void {
    this.#slot = slot;
    if (this.#state === 'closed') return slot?.release();
    this.#state = 'connecting';
    try {
      this.#init.transport.open(this.#events());
    } catch (error) {
      // The runtime refuses I/O outside a handler, and says so from connect() itself.
      this.#unlisten?.();
      this.#slot = undefined;
      slot?.release();
      throw error;
    }
  }

  #events(): TransportEvents {
    return {
      opened: (info) => {
        if (this.#state !== 'connecting') return;
        this.#state = 'open';
        if (this.#init.transport.isLocal === true) this.#slot?.release();
        this.#opened.resolve(info);
      },
      data: (chunk) => this.#readable.data(chunk),
      ended: () => {
        this.#readable.end();
        if (!this.#init.options.allowHalfOpen) void this.#writable.finish();
      },
      failed: (error, unread) => this.#fail(error, unread),
    };
  }

  #listenToSignal(): void {
    const { signal } = this.#init.options;
    if (signal === undefined) return;
    const onAbort = (): void => this.#fail(toAborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'upgraded') return;
    // A pending startTls() has taken the writes.
    if (this.#startTlsCalled || (this.#state !== 'open' && this.#writable.idle)) {
      this.#finish(this.#writable.reason);
      this.#readable.end();
      this.#writable.error(new TypeError(texts.closing));
      return;
    }
    // A read that waits sees the end, as with WHATWG's cancel: it is the caller's own doing, and drivers with a read loop
    // would raise an unhandled rejection for each connection they close.
    this.#readable.end();
    const { clock, lingerTimeout } = this.#init;
    const timer = clock.setTimeout(() => this.#fail(new SocketError('linger_timeout')), lingerTimeout);
    await this.#writable.finish({ closing: true });
    clock.clearTimeout(timer);
  }

  #halfDone(): void {
    if (this.#readable.done && this.#writable.done) this.#finish(this.#writable.reason);
  }

  /** Both halves are over: let go of the connection. */
  #finish(reason: unknown): void {
    if (this.#state === 'closed' || this.#state === 'upgraded') return;
    this.#state = 'closed';
    if (!this.#opened.settled) this.#opened.reject(reason ?? new SocketError('closed'));
    this.#release(!this.#writable.closed);
    if (reason === undefined) this.#closed.resolve();
    else this.#closed.reject(reason);
  }

  /** With `unread`, what the network brought before it failed can still be read. */
  #fail(error: unknown, unread?: Uint8Array<ArrayBuffer>[]): void {
    if (this.#state === 'closed' || this.#state === 'upgraded') return;
    this.#state = 'closed';
    this.#failure = error;
    this.#release(true);
    this.#closed.reject(error);
    this.#opened.reject(error);
    if (unread === undefined) this.#readable.error(error);
    else this.#readable.break(error, unread);
    this.#writable.error(error);
  }

  #release(reset: boolean): void {
    this.#leaveQueue?.();
    this.#unlisten?.();
    this.#init.transport.destroy(reset);
    this.#slot?.release();
    this.#slot = undefined;
  }
}

// The runtime's members are enumerable, as those of every WebIDL interface are.
for (const name of ['readable', 'writable', 'opened', 'closed', 'upgraded', 'secureTransport', 'close', 'startTls']) {
  Object.defineProperty(Socket.prototype, name, { enumerable: true });
}

function toAborted(signal: AbortSignal): SocketError {
  return new SocketError('aborted', { cause: signal.reason });
}

/** Makes a socket and starts connecting. */
export function startSocket(init: SocketInit): Socket {
  return create(init);
}
