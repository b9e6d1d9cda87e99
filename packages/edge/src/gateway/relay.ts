// Joins two streams: bytes, half-closes and backpressure pass through; when one breaks, so does the other.
import type { Duplex } from 'node:stream';
import { flow } from './flow.ts';

/** Both streams must be half-open capable. Errors end both ends and go nowhere else. */
export function relay(one: Duplex, other: Duplex): void {
  const stop = (): void => {
    one.destroy();
    other.destroy();
  };
  if (one.destroyed || other.destroyed) return stop();
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', stop);
    from.on('close', () => {
      // An orderly end has passed on the FIN already; a stream that closed without one was broken.
      if (!from.readableEnded || from.errored !== null) stop();
    });
    flow(from, to);
  }
}
