// How many sockets one invocation may hold open at once, and who holds them.
//
// A socket beyond the limit waits for a slot in order of arrival. When it gives up, the error names the holders, because
// "it hangs" is what people see otherwise.
import { SocketError } from './socket-error.ts';
import type { Clock } from './clock.ts';

export interface SlotLimits {
  /** Simultaneously open sockets. Default 6 [Workers limits: simultaneous open connections]. */
  sockets: number;
  /** Milliseconds a socket waits for a slot before it fails with `slot_timeout`. Default 10 000. */
  slotTimeout: number;
}

export const slotDefaults: SlotLimits = { sockets: 6, slotTimeout: 10_000 };

/** How many sockets may wait for a slot; one more fails at once. */
const maxWaiting = 1_000;

/** A held slot. `release()` is idempotent. */
export interface Slot {
  release(): void;
}

interface Holder {
  authority: string;
  since: number;
}

interface Waiter {
  holder: Holder;
  grant(slot: Slot): void;
}

export class Slots {
  readonly #limits: SlotLimits;
  readonly #clock: Clock;
  readonly #holders = new Set<Holder>();
  readonly #waiters = new Set<Waiter>();

  constructor(limits: Partial<SlotLimits>, clock: Clock) {
    this.#limits = { ...slotDefaults, ...limits };
    this.#clock = clock;
  }

  /** A slot if one is free now. */
  tryAcquire(authority: string): Slot | undefined {
    if (this.#holders.size >= this.#limits.sockets || this.#waiters.size > 0) return undefined;
    return this.#hold({ authority, since: this.#clock.now() });
  }

  /**
   * Waits for a slot. `done` is called once, with the slot or a `slot_timeout` error; the returned function gives up
   * the place in the queue without calling it.
   */
  wait(authority: string, done: (result: Slot | SocketError) => void): () => void {
    const { sockets, slotTimeout } = this.#limits;
    if (this.#waiters.size >= maxWaiting) {
      done(this.#error(authority, `${maxWaiting} sockets already wait`));
      return () => {};
    }
    const leave = (): void => {
      this.#clock.clearTimeout(timer);
      this.#waiters.delete(waiter);
    };
    const waiter: Waiter = {
      holder: { authority, since: 0 },
      grant: (slot) => {
        leave();
        done(slot);
      },
    };
    const timer = this.#clock.setTimeout(() => {
      leave();
      done(this.#error(authority, `waited ${seconds(slotTimeout)} for one of ${sockets}`));
    }, slotTimeout);
    this.#waiters.add(waiter);
    return leave;
  }

  #hold(holder: Holder): Slot {
    this.#holders.add(holder);
    return {
      release: () => {
        if (!this.#holders.delete(holder)) return;
        const next = this.#waiters.values().next().value;
        if (next === undefined) return;
        next.holder.since = this.#clock.now();
        next.grant(this.#hold(next.holder));
      },
    };
  }

  #error(authority: string, why: string): SocketError {
    const now = this.#clock.now();
    const holders = [...this.#holders].map((holder) => `${holder.authority} (open for ${seconds(now - holder.since)})`);
    const message = `No socket slot became free for ${authority}: ${why}. Slots are held by ${holders.join(', ')}.`;
    return new SocketError('slot_timeout', { message });
  }
}

function seconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
}
