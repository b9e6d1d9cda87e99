// Streams that read into the same memory again once it is free, such as `LendingSocket` of @sallyport/egress.
import type { Duplex } from 'node:stream';

/** Nobody has the bytes; somebody has until `settle()`; they are never given back. */
export type LentOutcome = 'done' | 'later' | 'kept';

export interface LendingStream extends Duplex {
  lendTo(take: (bytes: Buffer) => LentOutcome): void;
  settle(): void;
  forget(): void;
}

export function toLending(stream: Duplex): LendingStream | undefined {
  return 'lendTo' in stream && typeof stream.lendTo === 'function' ? (stream as LendingStream) : undefined;
}
