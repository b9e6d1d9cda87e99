// Copies between two byte streams with half-close and reset: what happened to one end happens to the other.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Breaks a connection off, with RST where the stream is TCP. */
export function reset(stream: Duplex, error?: Error): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket && !stream.connecting) stream.resetAndDestroy();
  else stream.destroy(error);
}

/** Joins two half-open-capable streams until both directions ended or either broke. */
export function relay(left: Duplex, right: Duplex): void {
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    from.on('error', () => {});
    from.pipe(to);
    from.once('close', () => {
      const complete = from.readableEnded && from.writableFinished;
      if (!complete || from.errored !== null) reset(to, from.errored ?? new Error('The other side was reset'));
    });
  }
}
