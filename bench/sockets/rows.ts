// From raw runs to the rows of the table and the keys of RESULT.
import { type Ratio, toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import type { Series } from './series.ts';
import type { SubjectName } from './subjects.ts';

interface Comparison {
  key: string;
  what: string;
  series: Series;
  subject: SubjectName;
  peer: SubjectName;
  /** `throughput`: more is better, and the ratio is that of rates. `time`: less is better. */
  kind: 'throughput' | 'time';
  target?: number;
  /** Milliseconds of one run → the unit that is shown. */
  show: (milliseconds: number) => string;
}

export const toRate =
  (bytes: number) =>
  (milliseconds: number): string =>
    `${(bytes / 2 ** 20 / (milliseconds / 1000)).toFixed(0)} MiB/s`;

export const toEach =
  (count: number) =>
  (milliseconds: number): string =>
    `${((milliseconds * 1000) / count).toFixed(1)} µs`;

/** A row for two subjects of one series; undefined when one of them was not measured. */
export function compare({ key, what, series, subject, peer, kind, target, show }: Comparison): Row {
  const [ours, theirs] = [series[subject], series[peer]];
  if (ours === undefined || theirs === undefined) return { key, what, value: null };
  const ratio: Ratio = kind === 'throughput' ? toRatio(theirs, ours) : toRatio(ours, theirs);
  return {
    key,
    what,
    ours: show(toMedian(ours)),
    peer: `${peer === 'net' ? 'node:net' : peer} ${show(toMedian(theirs))}`,
    value: ratio.ofMedians,
    pairs: ratio.ofPairs,
    ...(target === undefined ? {} : { target: { value: target, atLeast: kind === 'throughput' } }),
  };
}
