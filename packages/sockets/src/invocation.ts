// One run of a handler: which sockets belong together for the limit on simultaneously open ones.
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from './clock.ts';
import { type SlotLimits, Slots } from './slots.ts';

const current = new AsyncLocalStorage<Slots>();

/** Limits of one invocation, and the clock they are measured by. */
export interface InvocationOptions extends Partial<SlotLimits> {
  clock?: Clock;
}

/**
 * Runs `handler` as one invocation: at most six sockets opened in it (and in everything it starts) are open at once; the
 * seventh waits for a slot. Called inside an invocation, it joins that one.
 */
export function withInvocation<T>(handler: () => T, options: InvocationOptions = {}): T {
  if (current.getStore() !== undefined) return handler();
  const { clock = systemClock, ...limits } = options;
  return current.run(new Slots(limits, clock), handler);
}

/** The slots of the invocation this code runs in; undefined outside any. */
export function currentSlots(): Slots | undefined {
  return current.getStore();
}
