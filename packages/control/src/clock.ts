// Time, passed in.

export interface Clock {
  /** Milliseconds that only ever grow, from an arbitrary start. */
  now: () => number;
  /** Calls back once after a number of milliseconds; the function it returns cancels that. */
  after: (milliseconds: number, callback: () => void) => () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
