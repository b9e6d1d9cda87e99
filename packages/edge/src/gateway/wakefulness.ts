// Keeps the event loop awake for a moment after each relayed message.
//
// A relay adds two wake-ups of a sleeping process to every round trip, and waking costs more than the relaying itself:
// on a small virtual machine with nothing else to do a round trip through a relay took 86 µs against 48 µs direct, and
// about 52 µs with this. Under other load the gain is smaller (docs/decisions/0002). The loop polls for at most
// `stayAwake` after the last message, so an idle edge still sleeps and the cost has a bound.
import { availableParallelism } from 'node:os';

/** Milliseconds the loop polls after a message. */
export const stayAwake = 0.05;

export class Wakefulness {
  // With a single processor, polling would only keep the peer from running.
  readonly #useful = availableParallelism() > 1;
  #until = 0;
  #polling = false;

  /** A message went through. */
  touch(): void {
    if (!this.#useful) return;
    this.#until = performance.now() + stayAwake;
    if (this.#polling) return;
    this.#polling = true;
    setImmediate(this.#poll);
  }

  readonly #poll = (): void => {
    if (performance.now() < this.#until) setImmediate(this.#poll);
    else this.#polling = false;
  };
}
