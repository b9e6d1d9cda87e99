// Finds links that are dead without having said so: a PING now and then, each to be answered in time. Anything that
// arrives counts as life: on a narrow line an answer may be stuck behind megabytes of data that do come.
import type { Http2Session } from 'node:http2';
import type { Clock } from '@sallyport/egress';

export interface WatchdogOptions {
  clock: Clock;
  /** Milliseconds from one answer to the next PING. */
  interval: number;
  /** Milliseconds of silence after a PING that mean death. */
  deadline: number;
  /** Bytes that arrived on the connection so far. */
  received: () => number;
  measured?: ((milliseconds: number) => void) | undefined;
  /** The link is dead. Called at most once. */
  expired(): void;
}

/** Watches until the function it returns is called. */
export function startWatchdog(session: Http2Session, options: WatchdogOptions): () => void {
  const { clock, interval, deadline, received, measured, expired } = options;
  let stopped = false;
  let cancel: (() => void) | undefined;
  const stop = (): void => {
    stopped = true;
    cancel?.();
  };
  const wait = (): void => {
    cancel = clock.after(interval, ping);
  };
  const listen = (): void => {
    const before = received();
    cancel = clock.after(deadline, () => {
      if (received() > before) return listen();
      stop();
      expired();
    });
  };
  const ping = (): void => {
    if (stopped || session.destroyed) return;
    listen();
    session.ping((error, duration) => {
      if (stopped || error !== null) return;
      cancel?.();
      measured?.(duration);
      wait();
    });
  };
  wait();
  return stop;
}
