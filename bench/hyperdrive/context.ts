// What every measurement needs, and how the subjects take turns.
import type { PostgresServer } from '../../packages/testkit/src/index.ts';
import { type Patience, watchNeighbours } from '../kit/neighbours.ts';
import type { Pgbouncer } from '../kit/pgbouncer.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Plan } from './plan.ts';
import type { Subject, SubjectName } from './subjects.ts';

export interface Context {
  plan: Plan;
  runs: number;
  server: PostgresServer;
  pgbouncer: Pgbouncer | undefined;
  /** Every round is taken with it: one that was disturbed is taken again. */
  patience: Patience;
  /** Whether the command line asks for this measurement. */
  wants(name: string): boolean;
  /** Everything that was measured, by the measurement's name, for the results file. */
  raw: Record<string, unknown>;
}

/** What each round measured. */
export type Series = Partial<Record<SubjectName, number[]>>;

export interface SeriesOptions {
  name: string;
  unit: string;
  /** Rounds that are thrown away. Default: one. */
  warmUps?: number;
  run(subject: Subject): Promise<number>;
}

/** Each subject once a round, in an order that turns from round to round, after rounds that are thrown away. */
export async function measureSeries(
  { runs, patience, raw }: Context,
  subjects: readonly Subject[],
  { name, unit, warmUps = 1, run }: SeriesOptions,
): Promise<Series> {
  const series: Series = {};
  const neighbours = watchNeighbours();
  for (let round = -warmUps; round < runs; round += 1) {
    const turned = subjects.map((_, turn) => subjects[(turn + Math.max(round, 0)) % subjects.length]!);
    const taken = await patience.inQuiet(async () => {
      const figures: number[] = [];
      for (const subject of turned) figures.push(await run(subject));
      return figures;
    });
    if (round < 0) continue;
    for (const [turn, subject] of turned.entries()) (series[subject.name] ??= []).push(taken[turn]!);
  }
  raw[name] = series;
  const medians = Object.entries(series).map(([subject, values]) => `${subject} ${toMedian(values).toFixed(0)}${unit}`);
  console.log(`${name}: ${medians.join(', ')}; others had ${neighbours().toFixed(1)} cores`);
  return series;
}
