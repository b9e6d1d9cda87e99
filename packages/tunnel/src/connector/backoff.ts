// How long to wait before the next dial.
//
// Full jitter, so that connectors that lost one edge together do not come back together. Two ceilings: an edge that is
// being restarted is back within seconds, so for the first minute or so nobody waits longer than two; after that it is
// an outage. A refusal that only a person can mend is not asked about again soon.

export interface BackoffOptions {
  /** A number from 0 to below 1. */
  random: () => number;
  /** Whether the same dial may succeed later with nothing changed. */
  retryable: boolean;
}

/** Milliseconds: the most before the first retry, during a restart, and ever. */
export const backoffBase = 100;
export const restartCap = 2_000;
export const backoffCap = 30_000;
/** Failures in a row that are still taken for a restart: a minute of them, on average. */
export const restartFailures = 60;

/** Milliseconds to wait after this many failures in a row (1 and up). */
export function toBackoff(failures: number, { random, retryable }: BackoffOptions): number {
  if (!retryable) return (backoffCap * (1 + random())) / 2;
  if (failures <= restartFailures) return random() * Math.min(restartCap, backoffBase * 2 ** (failures - 1));
  return random() * Math.min(backoffCap, restartCap * 2 ** Math.min(failures - restartFailures, 30));
}
