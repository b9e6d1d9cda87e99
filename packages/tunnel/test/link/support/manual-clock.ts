// Time that stands still until a test moves it on.
import type { Clock } from '@sallyport/egress';

export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; milliseconds: number; callback: () => void }[] = [];

  /** Milliseconds of the timers that are set now. */
  get waiting(): number[] {
    return this.#timers.map(({ milliseconds }) => milliseconds);
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + milliseconds, milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on and runs what falls due, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}
