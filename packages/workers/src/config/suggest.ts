// "Did you mean": the known name that the fewest slips of the keyboard turn into the unknown one.
import { toDistance } from './edit-distance.ts';

/** The nearest of `candidates`, when it is near enough to be what was meant. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(Math.min(name.length, 40) / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = toDistance(normalize(name), normalize(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function normalize(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}
