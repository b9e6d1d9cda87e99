// How much of each kind of work one run does. Small enough to stop by itself soon, large enough to drown what surrounds it.

export interface Plan {
  /** Bytes of a download or an upload. */
  bulkBytes: number;
  /** Connect, round trip, close. */
  connects: number;
  /** The same of Workers, which are slower. */
  workerConnects: number;
  /** One-byte round trips on an open socket. */
  trips: number;
  /** Connect/close cycles of the memory claim. */
  cycles: number;
  /** Bytes offered to a peer that never reads. */
  stallBytes: number;
  /** Milliseconds a stalled writer waits. */
  stallWait: number;
}

export const fullPlan: Plan = {
  bulkBytes: 512 << 20,
  connects: 2_000,
  workerConnects: 300,
  trips: 2_000,
  cycles: 100_000,
  stallBytes: 1 << 30,
  stallWait: 2_500,
};

export const quickPlan: Plan = {
  bulkBytes: 64 << 20,
  connects: 300,
  workerConnects: 50,
  trips: 500,
  cycles: 5_000,
  stallBytes: 1 << 30,
  stallWait: 1_000,
};
