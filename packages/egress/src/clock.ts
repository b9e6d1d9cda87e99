// Time, passed in: the only way this package waits for anything by the clock.

export interface Clock {
  /** Calls back once after a number of milliseconds; the function it returns cancels that. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Longest time Node can wait for; anything longer means never. */
const longest = 2 ** 31 - 1;

export const systemClock: Clock = {
  after(milliseconds, callback) {
    if (milliseconds > longest) return () => {};
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
