// What every measurement needs, and how the ways take turns.
import { type Patience, watchNeighbours } from '../kit/neighbours.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Plan } from './plan.ts';
import type { Ports } from './ports.ts';
import type { Program } from './programs.ts';
import type { Way, WayName } from './ways.ts';

export interface Context {
  plan: Plan;
  runs: number;
  /** The origin's servers. */
  targets: Ports;
  load: Program;
  /** Every round is taken with it: one that was disturbed is taken again. */
  patience: Patience;
  /** Whether the command line asks for this measurement. */
  wants(name: string): boolean;
  /** Everything that was measured, by the measurement's name, for the results file. */
  raw: Record<string, unknown>;
}

/** Milliseconds of each round. */
export type Series = Partial<Record<WayName, number[]>>;

export interface SeriesOptions {
  name: string;
  runs: number;
  patience: Patience;
  /** Once through one way; returns milliseconds. */
  run(way: Way): Promise<number>;
}

/** Each way once a round, in an order that turns from round to round, after one round that is thrown away. */
export async function measureSeries(
  ways: readonly Way[],
  { name, runs, patience, run }: SeriesOptions,
): Promise<Series> {
  const series: Series = {};
  const neighbours = watchNeighbours();
  for (let round = -1; round < runs; round += 1) {
    const turned = ways.map((_, turn) => ways[(turn + Math.max(round, 0)) % ways.length]!);
    const taken = await patience.inQuiet(async () => {
      const times: number[] = [];
      for (const way of turned) times.push(await run(way));
      return times;
    });
    if (round < 0) continue;
    for (const [turn, way] of turned.entries()) (series[way.name] ??= []).push(taken[turn]!);
  }
  const medians = Object.entries(series).map(([way, values]) => `${way} ${toMedian(values).toFixed(0)} ms`);
  console.log(`${name}: ${medians.join(', ')}; others had ${neighbours().toFixed(1)} cores`);
  return series;
}
