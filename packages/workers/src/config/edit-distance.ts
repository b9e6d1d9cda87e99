// How far one word is from another, in slips of the keyboard.

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function toDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, (before[j - 2] ?? value) + 1);
      row.push(value);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
