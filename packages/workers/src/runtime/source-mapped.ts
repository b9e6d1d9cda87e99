// Positions in the bundle as positions in the user's sources, in whatever text they appear.
import { relative } from 'node:path';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { ownFolder } from '../bundle/bundle.ts';

/** Maps positions in stacks and messages. */
export interface StackMapper {
  /** The text with positions mapped, and without the stack lines that are ours. */
  map(text: string): string;
}

/** A stack line of our wrapper or our sockets. */
const ownFrame = new RegExp(`^\\s+at .*\\b${ownFolder}[\\w.-]+\\.js:\\d+:\\d+`);
/** The end of a place in a module: of `index.js:3:9`, what begins at the dot. */
const positionEnd = /(\.[cm]?js):(\d+):(\d+)/g;
const beforeName = /[\s()]/;

/** Paths inside `root` are written relative to it, as in `src/index.ts:3:9`. */
export function createStackMapper(maps: ReadonlyMap<string, string>, { root }: { root: string }): StackMapper {
  const parsed = new Map<string, SourceMap>();
  const sourceMap = (name: string): SourceMap | undefined => {
    const text = maps.get(name);
    if (text === undefined) return undefined;
    const known = parsed.get(name) ?? new SourceMap(JSON.parse(text) as SourceMapPayload);
    parsed.set(name, known);
    return known;
  };
  const toShort = (path: string): string => {
    const inside = relative(root, path);
    return inside.startsWith('..') ? path : inside;
  };
  const mapPosition = (whole: string, name: string, line: string, column: string): string => {
    const entry = sourceMap(name.replace(/^file:\/+/, ''))?.findEntry(Number(line) - 1, Number(column) - 1);
    if (!entry || !('originalSource' in entry) || entry.originalSource === undefined) return whole;
    return `${toShort(entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  };
  // Names are looked for backwards from their ends: a Worker may log a megabyte without a space, and everybody waits.
  const mapLine = (line: string): string => {
    let mapped = '';
    let done = 0;
    for (const { 0: end, 1: suffix, 2: row, 3: column, index } of line.matchAll(positionEnd)) {
      let start = index;
      while (start > done && !beforeName.test(line[start - 1]!)) start -= 1;
      const whole = line.slice(start, index + end.length);
      const place = start === index ? whole : mapPosition(whole, line.slice(start, index) + suffix, row!, column!);
      mapped += line.slice(done, start) + place;
      done = index + end.length;
    }
    return mapped + line.slice(done);
  };
  return {
    map: (text) =>
      text
        .split('\n')
        .filter((line) => !ownFrame.test(line))
        .map(mapLine)
        .join('\n'),
  };
}
