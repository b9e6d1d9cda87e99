// Which client a CancelRequest is about. A key is worth as much as its client's queries, so it is random and long.
import { randomFillSync, timingSafeEqual } from 'node:crypto';

export interface Cancellable {
  cancel(): void;
}

export interface CancelKey {
  processId: number;
  secretKey: Buffer;
}

/** Random bytes, drawn many at a time: one draw costs as much as the rest of a key. None is given out twice. */
class RandomPool {
  readonly #bytes = Buffer.allocUnsafeSlow(4_096);
  #used = this.#bytes.length;

  /** No more than the pool has. */
  take(count: number): Buffer {
    if (this.#used + count > this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    this.#used += count;
    return Buffer.from(this.#bytes.subarray(this.#used - count, this.#used));
  }
}

export class CancelKeys {
  readonly #random = new RandomPool();
  readonly #clients = new Map<number, { secretKey: Buffer; client: Cancellable }>();

  /** A key for a client: 4 bytes in protocol 3.0, 32 since 3.2. */
  add(client: Cancellable, minor: number): CancelKey {
    let processId = 0;
    do processId = this.#random.take(4).readUInt32BE() & 0x7f_ff_ff_ff;
    while (processId === 0 || this.#clients.has(processId));
    const secretKey = this.#random.take(minor >= 2 ? 32 : 4);
    this.#clients.set(processId, { secretKey, client });
    return { processId, secretKey };
  }

  remove({ processId }: CancelKey): void {
    this.#clients.delete(processId);
  }

  find({ processId, secretKey }: CancelKey): Cancellable | undefined {
    const entry = this.#clients.get(processId);
    if (entry === undefined || entry.secretKey.length !== secretKey.length) return undefined;
    return timingSafeEqual(entry.secretKey, secretKey) ? entry.client : undefined;
  }
}
