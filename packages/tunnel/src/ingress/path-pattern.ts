// The `path` of an ingress rule: an unanchored RE2 pattern. re2js is RE2 itself in JavaScript: it refuses what Go refuses,
// in the same words, and no pattern takes more than linear time.
import { RE2JS } from 're2js';
import type { PathPattern } from './config.ts';

/** The longest pattern compiled, in characters: RE2 takes memory in proportion. */
export const maxPatternLength = 4096;

export function parsePathPattern(source: string): PathPattern | { problem: string } {
  if (source.length > maxPatternLength) return { problem: `the pattern is longer than ${maxPatternLength} characters` };
  try {
    const pattern = RE2JS.compile(source);
    return { source, test: (path) => pattern.matcher(path).find() };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
