// Bytes from one stream to another, in as few system calls as they allow.
//
// Not `pipe()`: what comes through a tunnel comes in pieces of 16 KiB, and a system call for each, which also wakes the
// runtime for each, costs three times what the copying does. So when one turn of the event loop brings several pieces,
// they leave in one call. A single piece, such as a driver's message, leaves at once.
import type { Readable, Writable } from 'node:stream';

/** Bytes that may wait at a destination before its source is paused; what one read brings may come on top. */
export const flowBuffer: number = 512 * 1024;

/** Ends `to` when `from` ends. What happens when either breaks is the caller's concern. Returns how to stop it. */
export function flow(from: Readable, to: Writable): () => void {
  let pieces = 0;
  let several = false;
  let corked = false;
  let full = false;
  const cork = (): void => {
    corked = true;
    to.cork();
  };
  const onTurn = (): void => {
    several = pieces > 1;
    pieces = 0;
    if (!corked) return;
    corked = false;
    to.uncork();
    // All of it may have left at once, and a response of Node 22 tells of no drain then.
    if (full && to.writableLength < flowBuffer) onDrain();
  };
  const onData = (piece: Buffer): void => {
    pieces += 1;
    if (pieces === 1) setImmediate(onTurn);
    if (!corked && (several || pieces > 1)) cork();
    to.write(piece);
    if (to.writableLength < flowBuffer) return;
    full = true;
    from.pause();
  };
  const onDrain = (): void => {
    full = false;
    from.resume();
  };
  const onEnd = (): void => {
    // First, and not left to end(): a response in chunks would say its last chunk before those that wait.
    if (corked) to.uncork();
    corked = false;
    to.end();
  };
  from.on('data', onData).on('end', onEnd);
  to.on('drain', onDrain);
  // It may be over already, or have been paused until it had somewhere to go.
  if (from.readableEnded) onEnd();
  else from.resume();
  return () => {
    from.off('data', onData).off('end', onEnd);
    to.off('drain', onDrain);
    onTurn();
  };
}

/** The same where one that breaks breaks the other, too: a response cut short has to be seen as one. */
export function flowWhole(from: Readable, to: Writable): void {
  from.on('error', () => {});
  to.on('error', () => {});
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
  to.once('close', () => {
    if (!from.readableEnded) from.destroy();
  });
  flow(from, to);
}
