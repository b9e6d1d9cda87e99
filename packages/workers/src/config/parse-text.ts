// Reads the text of a configuration file without judging its content: the value, every syntax error with its place, and
// a way to find where in the text a value is written.
import type { WorkersErrorDetails } from '../errors.ts';
import { parseJsoncText } from './parse-jsonc.ts';
import { parseTomlText } from './parse-toml.ts';
import type { Locate, Path, Position } from './position.ts';
import { toProblem, type ParsedText } from './text-problem.ts';
import { isTable, maxConfigDepth } from './value.ts';

export type { ParsedText, TextProblem } from './text-problem.ts';

export type TextFormat = 'jsonc' | 'toml';

/** Parses JSON with comments and trailing commas, or TOML [TOML 1.0]. Never throws. */
export function parseConfigText(text: string, format: TextFormat): ParsedText {
  const parsed = format === 'toml' ? parseTomlText(text) : parseJsoncText(text);
  if (parsed.value === undefined) return parsed;
  const flaw = findFlaw(parsed.value);
  if (flaw === undefined) return parsed;
  const problem = toProblem(flaw.code, flaw.details, locateNearest(parsed.locate, flaw.path));
  return { value: undefined, locate: parsed.locate, problems: [...parsed.problems, problem] };
}

/** Where `path` is written or, for something that is not there, what is nearest around it; never the whole text. */
export function locateNearest(locate: Locate, path: Path): Position | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const position = locate(path.slice(0, length));
    if (position !== undefined) return position;
  }
  return undefined;
}

type Flaw =
  | { path: Path; code: 'config_too_deep'; details: WorkersErrorDetails<'config_too_deep'> }
  | { path: Path; code: 'forbidden_key'; details: WorkersErrorDetails<'forbidden_key'> };

/** What no later step should have to think about: bottomless nesting, and keys that reach for prototypes. */
function findFlaw(root: unknown): Flaw | undefined {
  const open: { value: unknown; path: Path }[] = [{ value: root, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (!Array.isArray(value) && !isTable(value)) continue;
    if (path.length >= maxConfigDepth) return { path, code: 'config_too_deep', details: { limit: maxConfigDepth } };
    if (Array.isArray(value)) {
      for (const [index, member] of value.entries()) open.push({ value: member, path: [...path, index] });
      continue;
    }
    for (const key of Object.keys(value)) {
      if (key === '__proto__') return { path: [...path, key], code: 'forbidden_key', details: { key } };
      open.push({ value: value[key], path: [...path, key] });
    }
  }
  return undefined;
}
