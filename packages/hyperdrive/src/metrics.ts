// What a pooler counts. Plain numbers that only grow, and histograms with fixed bounds: whoever shows them (a status
// page, Prometheus) reads them here, and counting costs next to nothing.
import type { HyperdriveError, HyperdriveErrorCode } from './errors.ts';
import type { PinCause } from './session/session-state.ts';
import type { WireErrorCode } from '@sallyport/postgres-wire';

/** Upper bounds of the buckets, in seconds; one more bucket has what is above. */
export const bucketBounds: readonly number[] = [
  0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export class Histogram {
  /** How many were in each bucket (not in the ones below it), the last being without bound. */
  readonly buckets: number[] = Array.from({ length: bucketBounds.length + 1 }, () => 0);
  count = 0;
  /** In seconds. */
  sum = 0;

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1_000;
    let bucket = 0;
    while (bucket < bucketBounds.length && seconds > bucketBounds[bucket]!) bucket += 1;
    this.buckets[bucket]! += 1;
    this.count += 1;
    this.sum += seconds;
  }
}

/** Counters by a name: of a cause, a code, a status. */
export type Counts<Name extends string> = Partial<Record<Name, number>>;

export function countOne<Name extends string>(counts: Counts<Name>, name: Name): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

export class PoolerMetrics {
  /** From asking for an origin connection to having it. */
  readonly acquireSeconds: Histogram = new Histogram();
  /** From the first byte of a request on its way to the origin to the last of its answer. */
  readonly querySeconds: Histogram = new Histogram();
  /** From dialling an origin connection to its being ready. */
  readonly connectSeconds: Histogram = new Histogram();
  /** Whether the last attempt to connect to the origin went well; undefined before the first. */
  isUp: boolean | undefined;
  /** Hears why there is no connection for somebody. */
  onTrouble: (error: HyperdriveError) => void = () => {};
  /** Clients that were let in. */
  logins = 0;
  /** Reads that went over a connection together with those of other clients. */
  sharedQueries = 0;
  clientBytesIn = 0;
  clientBytesOut = 0;
  /** By what the cache had to say of them; without a cache there are none. */
  readonly queriesByCacheStatus: Counts<string> = {};
  /** How often a connection stayed with its client. */
  readonly pins: Counts<PinCause> = {};
  /** What clients were told by the pooler itself. */
  readonly errors: Counts<HyperdriveErrorCode | WireErrorCode> = {};

  connected(milliseconds: number): void {
    this.isUp = true;
    this.connectSeconds.observe(milliseconds);
  }

  connectFailed(error: HyperdriveError): void {
    this.isUp = false;
    this.onTrouble(error);
  }

  /** Returns the error, for whom it refuses. */
  refused(error: HyperdriveError): HyperdriveError {
    this.onTrouble(error);
    return error;
  }
}
