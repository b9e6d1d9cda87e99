// What every measurement needs, and how the subjects take turns.
import { type Patience, watchNeighbours } from '../kit/neighbours.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Plan } from './plan.ts';

export interface Context {
  plan: Plan;
  runs: number;
  /** Every round is taken with it: one that was disturbed is taken again. */
  patience: Patience;
  /** Whether the command line asks for this measurement. */
  wants(name: string): boolean;
  /** Everything that was measured, by the measurement's name, for the results file. */
  raw: Record<string, unknown>;
}

/** One subject's way of doing the work once; returns milliseconds. */
export interface Subject<Name extends string> {
  name: Name;
  run(): Promise<number>;
}

/** Milliseconds of each round. */
export type Series<Name extends string> = Record<Name, number[]>;

/** Each subject once a round, in an order that turns from round to round, after one round that is thrown away. */
export async function measureSeries<Name extends string>(
  { runs, patience, raw }: Context,
  name: string,
  subjects: readonly Subject<Name>[],
): Promise<Series<Name>> {
  const series = Object.fromEntries(subjects.map((subject) => [subject.name, []])) as unknown as Series<Name>;
  const neighbours = watchNeighbours();
  for (let round = -1; round < runs; round += 1) {
    const turned = subjects.map((_, turn) => subjects[(turn + Math.max(round, 0)) % subjects.length]!);
    const taken = await patience.inQuiet(async () => {
      const figures: number[] = [];
      for (const subject of turned) figures.push(await subject.run());
      return figures;
    });
    if (round < 0) continue;
    for (const [turn, subject] of turned.entries()) series[subject.name].push(taken[turn]!);
  }
  raw[name] = series;
  const medians = subjects.map((subject) => `${subject.name} ${toMedian(series[subject.name]).toFixed(0)} ms`);
  console.log(`${name}: ${medians.join(', ')}; others had ${neighbours().toFixed(1)} cores`);
  return series;
}
