// Which client a CancelRequest is about. A key is worth as much as its client's queries, so it is random and long.
import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

export interface Cancellable {
  cancel(): void;
}

export interface CancelKey {
  processId: number;
  secretKey: Buffer;
}

export class CancelKeys {
  readonly #clients = new Map<number, { secretKey: Buffer; client: Cancellable }>();

  /** A key for a client: 4 bytes in protocol 3.0, 32 since 3.2. */
  add(client: Cancellable, minor: number): CancelKey {
    let processId = 0;
    do processId = randomInt(1, 2 ** 31);
    while (this.#clients.has(processId));
    const secretKey = randomBytes(minor >= 2 ? 32 : 4);
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
