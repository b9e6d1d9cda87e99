// Connections that wait for a tunnel's next link: its last one went a moment ago, and its connectors dial again within
// a moment, unless there is none any more.
import type { Clock } from '@sallyport/egress';
import { TunnelError } from '../link/tunnel-error.ts';

/** Connections of one tunnel that may wait. */
export const maxWaiters = 1024;

interface LinkWaitersOptions {
  /** Milliseconds. */
  timeout: number;
  /** Nobody waits any more. */
  over: () => void;
}

export class LinkWaiters {
  readonly #cancel: () => void;
  readonly #over: () => void;
  #waiting: { resolve: () => void; reject: (error: TunnelError) => void }[] = [];

  constructor(clock: Clock, { timeout, over }: LinkWaitersOptions) {
    this.#over = over;
    this.#cancel = clock.after(timeout, () => this.release());
  }

  /** Resolves when there is a link, or none came in time; rejects with what `release()` is given. */
  wait(): Promise<void> {
    if (this.#waiting.length >= maxWaiters) {
      return Promise.reject(new TunnelError('no_link', `${maxWaiters} connections wait for one already`));
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  release(error?: TunnelError): void {
    this.#cancel();
    this.#over();
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }
}
