// TOML, by smol-toml for the value and by our key scanner for the places.
import { parse, TomlError } from 'smol-toml';
import { toProblem, type ParsedText } from './text-problem.ts';
import { createLineIndex } from './position.ts';
import { scanTomlKeys, toOffset } from './toml-keys.ts';
import { maxConfigDepth } from './value.ts';

export function parseTomlText(text: string): ParsedText {
  const positionAt = createLineIndex(text);
  let value: unknown;
  try {
    value = parse(text, { maxDepth: maxConfigDepth });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = toProblem('config_syntax', { problem: toMessage(error) }, boundedPosition(text, error));
    return { value: undefined, locate: () => undefined, problems: [problem] };
  }
  const keys = scanTomlKeys(text);
  return {
    value,
    locate: (path) => {
      const offset = toOffset(keys, path);
      return offset === undefined ? undefined : positionAt(offset);
    },
    problems: [],
  };
}

/** The parser's own words, without its preamble and its drawing of the place. */
function toMessage(error: TomlError): string {
  const [first = ''] = error.message.split('\n');
  return first.replace(/^Invalid TOML document: /, '');
}

function boundedPosition(text: string, error: TomlError): { line: number; column: number } {
  const lines = text.split('\n');
  const line = Math.min(Math.max(error.line, 1), lines.length);
  return { line, column: Math.min(Math.max(error.column, 1), (lines[line - 1]?.length ?? 0) + 1) };
}
