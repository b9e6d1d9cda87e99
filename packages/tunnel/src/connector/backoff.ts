// How long to wait before the next dial: exponential with full jitter, so that connectors that lost one edge together
// do not come back together.

export interface BackoffOptions {
  /** A number from 0 to below 1. */
  random: () => number;
  /** Milliseconds: the most before the first retry, and the most ever. */
  base?: number;
  cap?: number;
}

export const backoffBase = 500;
export const backoffCap = 30_000;

/** Milliseconds to wait after this many failures in a row (1 and up). */
export function toBackoff(failures: number, options: BackoffOptions): number {
  const { random, base = backoffBase, cap = backoffCap } = options;
  return random() * Math.min(cap, base * 2 ** Math.min(failures - 1, 30));
}
