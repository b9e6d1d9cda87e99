// Copies between two byte streams with half-close and reset: what happened to one end happens to the other.
//
// Not `pipe()`: what comes from the link comes in pieces of 16 KiB, and a system call for each costs more than all else.
// So what one turn of the event loop brings for a socket leaves in one call.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Bytes that may wait at a destination before its source is paused; what one read brings may come on top. */
export const relayBuffer: number = 512 * 1024;

/** Breaks a connection off, with RST where the stream is TCP. */
export function reset(stream: Duplex, error?: Error): void {
  if (stream.destroyed) return;
  // A unix socket is a `net.Socket` too, and has no RST; Node throws where it is asked for one.
  if (stream instanceof Socket && stream.remoteFamily !== undefined) stream.resetAndDestroy();
  else stream.destroy(error);
}

/** Joins two half-open-capable streams until both directions ended or either broke. */
export function relay(left: Duplex, right: Duplex): void {
  copy(left, right);
  copy(right, left);
}

function copy(from: Duplex, to: Duplex): void {
  const gather = to instanceof Socket;
  let corked = false;
  const flush = (): void => {
    corked = false;
    to.uncork();
  };
  from.on('error', () => {});
  from.on('data', (chunk: Buffer) => {
    if (gather && !corked) {
      corked = true;
      to.cork();
      setImmediate(flush);
    }
    to.write(chunk);
    if (to.writableLength >= relayBuffer) from.pause();
  });
  to.on('drain', () => from.resume());
  from.once('end', () => to.end());
  from.once('close', () => {
    const complete = from.readableEnded && from.writableFinished;
    if (!complete || from.errored !== null) reset(to, from.errored ?? new Error('The other side was reset'));
  });
  from.resume();
}
