// Bounds what the slow readers of one link hold together.
//
// Node credits a stream when its bytes are read and the connection when they arrive, so one slow reader never stops the
// others; but nothing bounds the sum. So what lies unread is added up now and then, and while it is above a limit the
// window of every stream of the link is halved, and halved again [RFC 9113 6.9.2 takes credit back that was given].
// Readers that keep up only notice on a long line. An end that does not confirm smaller windows is cut off.
import type { Http2Session, Http2Stream } from 'node:http2';
import type { Clock } from '@sallyport/egress';
import { streamWindow } from './windows.ts';

/** Unread bytes of one link from which windows shrink; below a quarter of it they grow again. */
export const backlogLimit: number = 128 * 1024 * 1024;
/** The smallest window: 20,000 streams at it hold 320 MB. */
export const smallestWindow: number = 16 * 1024;
/** Milliseconds from one sum to the next, while anything arrives. */
export const backlogInterval = 200;
/** Milliseconds until smaller windows must be confirmed, which is until the other end keeps to them. */
export const confirmDeadline = 10_000;

export interface BacklogOptions {
  clock: Clock;
  streams: ReadonlyMap<number, Http2Stream>;
  /** Bytes that arrived on the connection so far. */
  received: () => number;
  limit?: number | undefined;
  /** The other end does not confirm smaller windows. Ends the connection too: a session alone may wait for it for ever. */
  expired(): void;
}

/** Watches until the function it returns is called, or the session ends. */
export function watchBacklog(session: Http2Session, options: BacklogOptions): () => void {
  const { clock, streams, received, expired, limit = backlogLimit } = options;
  let window = streamWindow;
  let seen = 0;
  let stopped = false;
  let cancelDeadline: (() => void) | undefined;
  let cancel: (() => void) | undefined;
  const resize = (bytes: number): void => {
    window = bytes;
    cancelDeadline = clock.after(confirmDeadline, expired);
    session.settings({ initialWindowSize: bytes }, () => {
      cancelDeadline?.();
      cancelDeadline = undefined;
    });
  };
  const look = (): void => {
    if (stopped || session.destroyed) return;
    cancel = clock.after(backlogInterval, look);
    const quiet = received() - seen < limit / 8;
    if (cancelDeadline !== undefined || (quiet && window === streamWindow)) return;
    seen = received();
    let unread = 0;
    for (const stream of streams.values()) unread += stream.readableLength;
    if (unread > limit && window > smallestWindow) resize(Math.max(smallestWindow, window / 2));
    else if (unread < limit / 4 && window < streamWindow) resize(Math.min(streamWindow, window * 2));
  };
  cancel = clock.after(backlogInterval, look);
  return () => {
    stopped = true;
    cancel?.();
    cancelDeadline?.();
  };
}
