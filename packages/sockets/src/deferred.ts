// A promise with its two ends apart, already marked as handled: `opened` and `closed` of a socket that nobody awaits
// must not raise an unhandled rejection.

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly settled: boolean;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function createDeferred<T>(): Deferred<T> {
  let settle: { resolve: (value: T) => void; reject: (reason: unknown) => void } | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {});
  return {
    promise,
    get settled() {
      return settle === undefined;
    },
    resolve(value) {
      settle?.resolve(value);
      settle = undefined;
    },
    reject(reason) {
      settle?.reject(reason);
      settle = undefined;
    },
  };
}
