// Time, passed in: the only way this package knows or waits for it.

export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Calls back once after a number of milliseconds; the function it returns cancels that. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Longest time Node can wait for; anything longer means never. */
const longest = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    if (milliseconds > longest) return () => {};
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** The outcome of some work, or an error when it takes longer than it may. */
export function within<Result>(milliseconds: number, work: Promise<Result>, clock: Clock): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () => {
      reject(Object.assign(new Error(`not done within ${milliseconds} ms`), { code: 'ETIMEDOUT' }));
    });
    void work.then(resolve, reject).finally(cancel);
  });
}
