// Finds links that are dead without having said so: a PING now and then, each to be answered in time.
import type { Http2Session } from 'node:http2';
import type { Clock } from '@sallyport/egress';

export interface WatchdogOptions {
  clock: Clock;
  /** Milliseconds from one answer to the next PING. */
  interval: number;
  /** Milliseconds until a PING must be answered. */
  deadline: number;
  measured?: ((milliseconds: number) => void) | undefined;
  /** The link is dead. Called at most once. */
  expired(): void;
}

/** Watches until the function it returns is called. */
export function startWatchdog(session: Http2Session, options: WatchdogOptions): () => void {
  const { clock, interval, deadline, measured, expired } = options;
  let stopped = false;
  let cancel: (() => void) | undefined;
  const stop = (): void => {
    stopped = true;
    cancel?.();
  };
  const wait = (): void => {
    cancel = clock.after(interval, ping);
  };
  const ping = (): void => {
    if (stopped || session.destroyed) return;
    cancel = clock.after(deadline, () => {
      stop();
      expired();
    });
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
