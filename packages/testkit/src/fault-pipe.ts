// One direction of a fault proxy: what arrives at the source leaves at the destination later, slower, in smaller pieces,
// or not at all, and always in order.
//
// Every piece is released `delay` after it arrived, whatever is ahead of it, so a delay costs latency and no throughput
// (as distance does). What waits is bounded by `bufferLimit`; then the source is paused and its sender feels it.
import type { Socket } from 'node:net';

export interface Faults {
  /** One-way delay in milliseconds. Default 0. */
  delay?: number;
  /** Bandwidth in bytes per second. Default: no limit. */
  bytesPerSecond?: number;
  /** The most bytes handed on in one write. Default: as they came. */
  slice?: number;
  /** Resets the connection once this many bytes went this way. Default: never. */
  resetAfter?: number;
  /** Hands nothing on until it is false again. Default false. */
  stalled?: boolean;
}

/** The most bytes one direction holds before it stops reading: 100 ms at 160 MB/s. */
export const bufferLimit = 16 * 1024 * 1024;

/**
 * With a bandwidth limit, pieces are no larger than what this many milliseconds of it allow, and no more of it than this
 * is made up for after a late timer.
 */
const paceInterval = 10;

type Item = { at: number } & ({ kind: 'data'; data: Buffer } | { kind: 'fin' } | { kind: 'reset' });

export class FaultPipe {
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #faults: () => Faults;
  #queue: Item[] = [];
  #held = 0;
  #forwarded = 0;
  /** When the destination may get its next byte, under the bandwidth limit. */
  #free = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(source: Socket, destination: Socket, faults: () => Faults) {
    this.#source = source;
    this.#destination = destination;
    this.#faults = faults;
    source.on('data', (data: Buffer) => this.#push({ kind: 'data', data, at: this.#due() }));
    source.on('end', () => this.#push({ kind: 'fin', at: this.#due() }));
    source.on('error', () => this.#push({ kind: 'reset', at: this.#due() }));
    destination.on('close', () => {
      clearTimeout(this.#timer);
      this.#queue = [];
    });
  }

  /** Bytes that were read and not handed on yet. */
  get held(): number {
    return this.#held;
  }

  /** Looks again at faults that were changed. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#release();
  }

  #due(): number {
    return performance.now() + (this.#faults().delay ?? 0);
  }

  #push(item: Item): void {
    this.#queue.push(item);
    if (item.kind === 'data') {
      this.#held += item.data.length;
      if (this.#held >= bufferLimit) this.#source.pause();
    }
    if (this.#timer === undefined) this.#release();
  }

  #release(): void {
    while (this.#queue.length > 0 && !this.#draining && !this.#destination.destroyed) {
      if (this.#faults().stalled === true) return;
      const item = this.#queue[0]!;
      const wait = Math.max(item.at, item.kind === 'data' ? this.#free : 0) - performance.now();
      if (wait > 0) return this.#later(wait);
      if (item.kind === 'fin') this.#destination.end();
      if (item.kind === 'reset') this.#destination.resetAndDestroy();
      if (item.kind !== 'data') this.#queue.shift();
      else if (!this.#forward(item)) return;
    }
  }

  /** Writes the next piece of an item; false when the loop must stop for now. */
  #forward(item: Item & { kind: 'data' }): boolean {
    const { slice = Infinity, bytesPerSecond = Infinity, resetAfter = Infinity } = this.#faults();
    const paced = Math.max(1, Math.floor((bytesPerSecond * paceInterval) / 1000));
    const size = Math.min(item.data.length, slice, paced, resetAfter - this.#forwarded);
    const piece = item.data.subarray(0, size);
    item.data = item.data.subarray(size);
    if (item.data.length === 0) this.#queue.shift();
    // A timer that fires late must not slow the line down: a piece counts from when it could have left.
    const couldLeave = Math.max(this.#free, item.at, performance.now() - paceInterval);
    this.#free = couldLeave + (size / bytesPerSecond) * 1000;
    this.#forwarded += size;
    this.#held -= size;
    if (this.#held < bufferLimit && this.#source.isPaused()) this.#source.resume();
    if (this.#forwarded >= resetAfter) {
      this.#queue = [];
      this.#destination.write(piece, () => {
        this.#destination.resetAndDestroy();
        this.#source.resetAndDestroy();
      });
      return false;
    }
    if (!this.#destination.write(piece)) {
      this.#draining = true;
      this.#destination.once('drain', () => {
        this.#draining = false;
        this.#release();
      });
      return false;
    }
    // Let the piece leave on its own before the next is written, or the kernel may join them.
    if (item.data.length > 0 && slice !== Infinity) {
      this.#later(0);
      return false;
    }
    return true;
  }

  #later(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#release();
    }, milliseconds);
  }
}
