// A client's stream as its session uses it: bytes are counted, reading stops while the client does not take what it is
// sent, and last words are read before the stream is gone.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { farewellTimeout } from '../limits.ts';
import type { PoolerMetrics } from '../metrics.ts';

export interface ClientStreamEnds {
  data(chunk: Buffer): void;
  /** The client takes bytes again. */
  drained(): void;
  /** May be called more than once. */
  left(): void;
}

export class ClientStream {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #metrics: PoolerMetrics;
  readonly #isSocket: boolean;

  constructor(stream: Duplex, { clock, metrics }: { clock: Clock; metrics: PoolerMetrics }) {
    this.#stream = stream;
    this.#isSocket = (stream as object).constructor === Socket;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Begins to read. */
  start(ends: ClientStreamEnds): void {
    const left = (): void => ends.left();
    this.#stream.on('data', (chunk: Buffer) => {
      this.#metrics.clientBytesIn += chunk.length;
      ends.data(chunk);
    });
    this.#stream.on('error', left).on('close', left).on('end', left);
    this.#stream.on('drain', () => ends.drained());
  }

  /** Returns false when the client does not take that much now; `drained()` follows. */
  write(bytes: Buffer): boolean {
    this.#metrics.clientBytesOut += bytes.length;
    // Who said goodbye need not be there any more when the last answer comes.
    return !this.#stream.writable || this.#stream.write(bytes);
  }

  /**
   * Whether all that was written is with the kernel. Undefined for streams that are no plain sockets: they may have
   * passed bytes on to somebody who has them still.
   */
  get isFlushed(): boolean | undefined {
    return this.#isSocket ? this.#stream.writableLength === 0 : undefined;
  }

  /** Whether nothing more comes from the client. */
  get isOver(): boolean {
    return this.#stream.readableEnded || this.#stream.destroyed;
  }

  pause(): void {
    this.#stream.pause();
  }

  /** Reads on, unless the client does not take what it was sent. */
  resume(): void {
    if (this.#stream.writableNeedDrain) this.#stream.pause();
    else if (this.#stream.isPaused()) this.#stream.resume();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** The last words; the stream is gone when they were read, or the client takes too long. */
  sayFarewell(bytes: Buffer): void {
    const stream = this.#stream;
    const cancelTimer = this.#clock.after(farewellTimeout, () => stream.destroy());
    stream.once('close', cancelTimer);
    stream.end(bytes, () => stream.destroy());
  }
}
