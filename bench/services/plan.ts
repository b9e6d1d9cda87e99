// How much of each kind of work one run does. Small enough to stop by itself soon, large enough to drown what surrounds it.

export interface Plan {
  /** Requests one after the other in one run. */
  requests: number;
  /** Requests of the rate, in all. */
  rateRequests: number;
  /** Bytes of the long body. */
  bulkBytes: number;
  /** Queries of a driver, one after the other. */
  queries: number;
  /** Milliseconds that the whole run may spend on waiting for neighbours and on measuring again. */
  patience: number;
}

export const fullPlan: Plan = {
  requests: 1_000,
  rateRequests: 9_600,
  bulkBytes: 1 << 30,
  queries: 2_000,
  patience: 60_000,
};

export const quickPlan: Plan = {
  requests: 200,
  rateRequests: 960,
  bulkBytes: 128 << 20,
  queries: 200,
  patience: 0,
};
