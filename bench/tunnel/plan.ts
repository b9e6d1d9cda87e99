// How much of each kind of work one run does. All of it together stays under four minutes.

export interface Plan {
  /** Bytes of one bulk transfer. */
  bulkBytes: number;
  /** Connect, one byte there and back. */
  trips: number;
  /** Streams opened by the edge in one run, and connections made through its door, and how many at a time. */
  opens: number;
  connects: number;
  concurrency: number;
  idleStreams: number;
  /** Downloads at once, and bytes of each. */
  fanStreams: number;
  fanBytes: number;
  /** New connects per second while something is killed, and for how many milliseconds. */
  steadyRate: number;
  steadyTime: number;
  /** Bytes of one transfer over the emulated distance. */
  wanBytes: number;
  /** The most runs of what takes seconds each. */
  slowRuns: number;
}

export const fullPlan: Plan = {
  bulkBytes: 256 << 20,
  trips: 300,
  opens: 10_000,
  connects: 1_000,
  concurrency: 64,
  idleStreams: 10_000,
  fanStreams: 100,
  fanBytes: 4 << 20,
  steadyRate: 200,
  steadyTime: 4_000,
  wanBytes: 256 << 20,
  slowRuns: 3,
};

export const quickPlan: Plan = {
  ...fullPlan,
  bulkBytes: 32 << 20,
  trips: 50,
  opens: 1_000,
  connects: 300,
  idleStreams: 1_000,
  fanBytes: 256 << 10,
  steadyTime: 3_000,
  wanBytes: 32 << 20,
  slowRuns: 1,
};
