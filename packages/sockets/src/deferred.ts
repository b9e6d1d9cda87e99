// A promise with its two ends apart, already marked as handled: `opened` and `closed` of a socket that nobody awaits
// must not raise an unhandled rejection.

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly settled: boolean;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function createDeferred<T>(): Deferred<T> {
  return new LazyDeferred<T>();
}

/** The promise is made when somebody asks for it: most sockets are used without awaiting `opened` or `closed`. */
class LazyDeferred<T> implements Deferred<T> {
  #state: 'pending' | 'resolved' | 'rejected' = 'pending';
  #result: unknown;
  #promise: Promise<T> | undefined;
  #settle: { resolve: (value: T) => void; reject: (reason: unknown) => void } | undefined;

  get settled(): boolean {
    return this.#state !== 'pending';
  }

  get promise(): Promise<T> {
    return (this.#promise ??= this.#make());
  }

  resolve(value: T): void {
    if (this.#state !== 'pending') return;
    this.#state = 'resolved';
    this.#result = value;
    this.#settle?.resolve(value);
  }

  reject(reason: unknown): void {
    if (this.#state !== 'pending') return;
    this.#state = 'rejected';
    this.#result = reason;
    this.#settle?.reject(reason);
  }

  #make(): Promise<T> {
    if (this.#state === 'resolved') return Promise.resolve(this.#result as T);
    const promise = new Promise<T>((resolve, reject) => {
      if (this.#state === 'rejected') reject(this.#result);
      else this.#settle = { resolve, reject };
    });
    promise.catch(() => {});
    return promise;
  }
}
