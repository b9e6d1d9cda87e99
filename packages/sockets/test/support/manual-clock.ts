// Time that passes only when a test says so.
import type { Clock } from '../../src/clock.ts';

export interface ManualClock extends Clock {
  /** Milliseconds of the timers that are set now. */
  readonly waiting: number[];
  /** Moves time on and runs what falls due, in order. */
  advance(milliseconds: number): void;
}

interface Timer {
  at: number;
  milliseconds: number;
  callback: () => void;
}

export function manualClock(): ManualClock {
  let now = 0;
  const timers = new Set<Timer>();
  return {
    get waiting() {
      return [...timers].map(({ milliseconds }) => milliseconds);
    },
    now: () => now,
    setTimeout(callback, milliseconds) {
      const timer = { at: now + milliseconds, milliseconds, callback };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as Timer),
    advance(milliseconds) {
      now += milliseconds;
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at <= now && timers.delete(timer)) timer.callback();
      }
    },
  };
}
