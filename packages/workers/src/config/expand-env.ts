// References in env files: `$NAME`, `${NAME}`, `${NAME:-otherwise}`, `${NAME:+instead}`, and `\$` for a dollar sign.
//
// The rules are dotenv-expand 12's, which wrangler uses. The library itself is not used: version 12 loops for ever on a
// value such as `$&` that another one refers to, and version 1000 runs `$(commands)`. What a reference is replaced by is
// not looked at again here, so secrets may contain anything.

/** The most characters all values of a project may expand to. */
export const maxExpandedLength = 1_048_576;

/** Values that refer to each other in a way that multiplies them. */
export class ExpansionTooLarge extends Error {}

/** Expands `parsed` in order; a value may refer to those above it and to `outer`, which wins. Throws `ExpansionTooLarge`. */
export function expandEnv(
  parsed: ReadonlyMap<string, string>,
  outer: ReadonlyMap<string, string>,
): Map<string, string> {
  const expanded = new Map<string, string>();
  const lookUp = (name: string): string | undefined => outer.get(name) ?? expanded.get(name);
  let left = maxExpandedLength;
  for (const [name, text] of parsed) {
    const given = outer.get(name);
    const wins = given !== undefined && given !== '' && given !== text;
    const value = wins ? given : expandText(text, lookUp, left);
    left -= value.length;
    expanded.set(name, value);
  }
  return new Map([...outer, ...expanded]);
}

const token = /\\\$|\$\{|\}|\$([A-Za-z_]\w*)/g;

/** One pass over the text; `open` holds the text before each `${` that is not closed yet. */
function expandText(text: string, lookUp: (name: string) => string | undefined, limit: number): string {
  const open: string[] = [];
  let current = '';
  let at = 0;
  for (const match of text.matchAll(token)) {
    current += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[0] === '${') {
      open.push(current);
      current = '';
    } else if (match[0] === '}') current = open.length === 0 ? `${current}}` : open.pop()! + evaluate(current, lookUp);
    else current += match[1] === undefined ? '$' : (lookUp(match[1]) ?? '');
    if (current.length > limit) throw new ExpansionTooLarge();
  }
  current += text.slice(at);
  // A `${` that is never closed is ordinary text.
  const whole = [...open, current].join('${');
  if (whole.length > limit) throw new ExpansionTooLarge();
  return whole;
}

function evaluate(expression: string, lookUp: (name: string) => string | undefined): string {
  const [, name = '', operator = '', rest = ''] = /^([^:+-]*(?::(?![+-])[^:+-]*)*)(:\+|\+|:-|-)?([\s\S]*)$/.exec(
    expression,
  )!;
  const value = lookUp(name) ?? '';
  if (operator.endsWith('+')) return value === '' ? '' : rest;
  return value === '' ? rest : value;
}
