// Medians and ratios: the mean of a handful of runs on a shared machine says more about the neighbours than the subject.

export function toMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Ratio {
  /** Median of the subject ÷ median of the peer. */
  ofMedians: number;
  /** Median of (subject ÷ peer) over the rounds: what the machine did to both in one round cancels out. */
  ofPairs: number;
}

export function toRatio(subject: readonly number[], peer: readonly number[]): Ratio {
  const pairs = subject.slice(0, peer.length).map((value, round) => value / peer[round]!);
  return { ofMedians: toMedian(subject) / toMedian(peer), ofPairs: toMedian(pairs) };
}

/** Enough digits to compare, no more than the noise allows. */
export function toShort(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 1_000 ? 4 : 3));
}
