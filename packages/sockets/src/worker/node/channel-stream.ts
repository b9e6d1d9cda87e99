// The stream half of `net.Socket`: a Duplex over a channel to the gateway.
//
// Reading pulls one chunk at a time and writing waits for the gateway, so that backpressure reaches the origin in both
// directions. A socket belongs to the request that opened it: used by another, it is destroyed with the runtime's error.
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { Duplex, type DuplexOptions } from 'node:stream';
import type { Channel } from './channel.ts';
import { IdleTimer } from './idle-timer.ts';
import { invalidArgument, toNodeError } from './node-errors.ts';

/** Being told at once that a write is done, a stream makes a `nextTick()` of it, which is costly here. */
const soon = Promise.resolve();

type Done = (error?: Error | null) => void;

export interface OnRead {
  buffer: Uint8Array | (() => Uint8Array);
  callback: (length: number, buffer: Uint8Array) => boolean | void;
}

export interface ChannelStreamOptions extends DuplexOptions {
  fd?: number;
  handle?: unknown;
  onread?: OnRead;
}

export class ChannelStream extends Duplex {
  connecting = false;
  bytesRead = 0;
  timeout: number | undefined;
  readonly #idle: IdleTimer = new IdleTimer(() => this.emit('timeout'));
  readonly #onread: OnRead | undefined;
  #channel: Channel | undefined;
  #isUp = false;
  #wanted = false;
  #resets = false;
  #bytesDispatched = 0;
  /** A write or an end that waits for a channel. */
  #early: (() => void) | undefined;
  /** Its callback, or that of one which the gateway has not taken. */
  #inFlight: Done | undefined;
  #isExpected = false;

  constructor(options: ChannelStreamOptions) {
    if (options.fd !== undefined || (options.handle ?? undefined) !== undefined) {
      throw invalidArgument('A file descriptor cannot be a socket in a Worker.', 'ERR_INVALID_FD');
    }
    if (options.objectMode || options.readableObjectMode || options.writableObjectMode) {
      throw invalidArgument("The property 'options.objectMode' is not supported.");
    }
    const { allowHalfOpen = false, signal, highWaterMark, onread } = options;
    super({
      allowHalfOpen: Boolean(allowHalfOpen),
      autoDestroy: true,
      // `close` says whether there was an error.
      emitClose: false,
      ...(highWaterMark === undefined ? {} : { highWaterMark }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.#onread = onread;
  }

  get bytesWritten(): number {
    return this.#bytesDispatched + this.writableLength;
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  /** Whether a channel was up at some time. @internal */
  get wasUp(): boolean {
    return this.#isUp;
  }

  /** Whether a channel is there or comes. @internal */
  get hasChannel(): boolean {
    return this.#channel !== undefined || this.#isExpected;
  }

  /** Makes a stream that is over one that can be connected again. @internal */
  renew(): void {
    // oxlint-disable-next-line no-underscore-dangle -- Node's own sockets do it so
    (this as unknown as { _undestroy(): void })._undestroy();
    this.#channel = undefined;
    this.#isUp = this.#wanted = this.#resets = this.#isExpected = false;
    this.#bytesDispatched = this.bytesRead = 0;
  }

  /** A channel will come: what is written waits for it. @internal */
  expectChannel(): void {
    this.#isExpected = true;
  }

  /** @internal */
  useChannel(channel: Channel): void {
    this.#channel = channel;
    this.#idle.touch();
    const early = this.#early;
    this.#early = undefined;
    early?.();
  }

  /** The channel can carry bytes to the other side and back. @internal */
  channelUp(): void {
    this.#isUp = true;
    this.#idle.touch();
    if (this.#wanted) this.#channel?.pull();
  }

  /** Gives the channel away, behind everything that was written. @internal */
  takeChannel(done: (channel: Channel | undefined) => void): void {
    const take = (): void => {
      const channel = this.#channel;
      this.#channel = undefined;
      this.#isExpected = false;
      done(channel);
    };
    if (this.writableLength > 0) this.write('', take);
    else take();
  }

  /** @internal */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    this.bytesRead += chunk.byteLength;
    this.#idle.touch();
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#onread === undefined) this.push(buffer);
    else this.#hand(buffer, this.#onread);
  }

  /** @internal */
  receiveEnd(): void {
    this.push(null);
    // Nobody may be reading: the end is noticed all the same.
    this.read(0);
  }

  /** Into the program's own buffer, piece by piece. */
  #hand(bytes: Buffer, { buffer, callback }: OnRead): void {
    for (let offset = 0; offset < bytes.length;) {
      const target = typeof buffer === 'function' ? buffer() : buffer;
      const length = Math.min(target.byteLength, bytes.length - offset);
      target.set(bytes.subarray(offset, offset + length));
      offset += length;
      if (callback(length, target) === false) this.pause();
    }
    if (!this.isPaused()) this.#channel?.pull();
    else this.once('resume', () => this.#channel?.pull());
  }

  override _read(): void {
    if (this.#isRefused()) return;
    if (this.#isUp) this.#channel?.pull();
    else this.#wanted = true;
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#end(done);
  }

  #send(chunk: Buffer, done: Done): void {
    if (this.#channel === undefined) return this.#waitForChannel(() => this.#send(chunk, done), done);
    if (this.#isRefused()) return done();
    this.#idle.touch();
    this.#settle(this.#channel.write(chunk) ?? soon, (error) => {
      this.#bytesDispatched += chunk.byteLength;
      done(error);
    });
  }

  #end(done: Done): void {
    const channel = this.#channel;
    if (channel === undefined) {
      if (this.#isExpected) this.#waitForChannel(() => this.#end(done), done);
      else done();
      return;
    }
    if (this.#isRefused()) return done();
    this.#settle(channel.end(), done);
  }

  #waitForChannel(act: () => void, done: Done): void {
    if (!this.#isExpected) return done(toNodeError('This socket has been ended by the other party', 'EPIPE', {}));
    this.#inFlight = done;
    this.#early = act;
  }

  #settle(taken: Promise<void>, done: Done): void {
    this.#inFlight = done;
    void taken.then(() => {
      if (this.#inFlight !== done) return;
      this.#inFlight = undefined;
      this.#idle.touch();
      done();
    });
  }

  /** Another request may not use it; it is of no use to anybody then, and pools are to notice. */
  #isRefused(): boolean {
    const refusal = this.#channel?.refusal();
    if (refusal === undefined) return false;
    this.destroy(refusal as Error);
    return true;
  }

  override _destroy(error: Error | null, done: Done): void {
    this.connecting = false;
    this.#idle.clear();
    const channel = this.#channel;
    if (channel !== undefined) {
      const orderly = error === null && !this.#resets && this.#isUp && channel.refusal() === undefined;
      // As the kernel does: what was written is still sent, and then our end.
      if (orderly && !this.writableFinished) void channel.end();
      channel.destroy(!orderly);
    }
    const inFlight = this.#inFlight;
    this.#inFlight = undefined;
    this.#early = undefined;
    done(error);
    inFlight?.(error ?? toNodeError('Cannot call write after a stream was destroyed', 'ERR_STREAM_DESTROYED', {}));
    // Without a connection Node does not say whether there was an error.
    const said = channel === undefined && !this.#isUp && !this.#isExpected ? [] : [error !== null];
    process.nextTick(() => this.emit('close', ...said));
  }

  setTimeout(milliseconds: number, callback?: () => void): this {
    if (this.destroyed) return this;
    if (typeof milliseconds !== 'number') {
      const text = `The "msecs" argument must be of type number. Received ${typeof milliseconds}`;
      throw invalidArgument(text, 'ERR_INVALID_ARG_TYPE');
    }
    if (!Number.isFinite(milliseconds) || milliseconds < 0) {
      const text = `The value of "msecs" is out of range. It must be a non-negative finite number. Received ${milliseconds}`;
      throw Object.assign(new RangeError(text), { code: 'ERR_OUT_OF_RANGE' });
    }
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidArgument('The "callback" argument must be of type function.', 'ERR_INVALID_ARG_TYPE');
    }
    this.timeout = milliseconds;
    // A timer of Node's is 31 bits long.
    this.#idle.set(Math.min(milliseconds, 2_147_483_647));
    if (callback !== undefined) {
      if (milliseconds === 0) this.off('timeout', callback);
      else this.once('timeout', callback);
    }
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Lets the other side see a reset instead of an end. */
  resetAndDestroy(): this {
    if (this.#channel === undefined && !this.#isExpected) {
      this.destroy(toNodeError('Socket is closed', 'ERR_SOCKET_CLOSED', {}));
    } else {
      this.#resets = true;
      if (this.#isUp) this.destroy();
      else this.once('connect', () => this.destroy());
    }
    return this;
  }
}
