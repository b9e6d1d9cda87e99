// One measurement: every subject does the same work in every round, in an order that turns from round to round, after one
// round that is thrown away.
import { toMedian } from '../kit/statistics.ts';
import type { WorkerOrder, Subject, SubjectName } from './subjects.ts';

/** Milliseconds of each round. */
export type Series = Partial<Record<SubjectName, number[]>>;

export interface SeriesOptions {
  name: string;
  order: WorkerOrder;
  runs: number;
  /** Bytes that a complete run must report; less is a broken run, not a fast one. */
  expectBytes?: number;
}

export async function measureSeries(subjects: readonly Subject[], options: SeriesOptions): Promise<Series> {
  const { name, order, runs, expectBytes } = options;
  const series: Series = {};
  for (let round = -1; round < runs; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(turn + Math.max(round, 0)) % subjects.length]!;
      const { milliseconds, bytes } = await subject.run(order);
      if (expectBytes !== undefined && bytes !== expectBytes) {
        throw new Error(`${subject.name} ${name}: ${bytes} of ${expectBytes} bytes`);
      }
      if (round >= 0) (series[subject.name] ??= []).push(milliseconds);
    }
  }
  const medians = Object.entries(series).map(([subject, values]) => `${subject} ${toMedian(values).toFixed(0)} ms`);
  console.log(`${name}: ${medians.join(', ')}`);
  return series;
}
