// What the command line asks of any bench.

export interface BenchOptions {
  /** Interleaved runs of each subject. */
  runs: number;
  /** Small loads: everything is exercised, nothing is proved. */
  quick: boolean;
  /** Only measurements whose name contains one of these; empty means all. */
  only: readonly string[];
  /** Write the results into `bench/results/`. */
  write: boolean;
  /** Build `packages/<name>/dist` first. */
  build: boolean;
}
