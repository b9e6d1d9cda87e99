// How much of each kind of work one run does.

export interface Plan {
  /** Seconds of one pgbench run. */
  seconds: number;
  /** pgbench's scale: 100,000 accounts each. */
  scale: number;
  idleClients: number;
  /** Bytes of the slow reader's result, and how many a second it takes. */
  resultBytes: number;
  readRate: number;
  /** The most runs of what is measured in memory. */
  memoryRuns: number;
  /** Milliseconds that the whole run may spend on waiting for neighbours and on measuring again. */
  patience: number;
}

export const fullPlan: Plan = {
  seconds: 3,
  scale: 10,
  idleClients: 5_000,
  resultBytes: 1 << 30,
  readRate: 128 << 20,
  memoryRuns: 3,
  patience: 90_000,
};

export const quickPlan: Plan = {
  seconds: 1,
  scale: 1,
  idleClients: 500,
  resultBytes: 128 << 20,
  readRate: 64 << 20,
  memoryRuns: 1,
  patience: 0,
};
