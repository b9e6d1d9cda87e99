// SQL without its strings and comments: what is left is code. Quoted names stay, as they are code too.

/** A dollar sign inside a name begins no string [pg 4.1.1]. */
const opening = /--|\/\*|'|"|(?<![\w$\x80-\xff])\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/g;

/** Where a comment that may hold comments ends [pg 4.1.5]. */
function endOfComment(text: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** Where a string ends. Backslashes escape in `E'…'` only, as with `standard_conforming_strings`. */
function endOfString(text: string, start: number): number {
  const escapes = /(?:^|\W)e$/i.test(text.slice(Math.max(0, start - 2), start));
  const end = escapes ? /(?:[^'\\]|''|\\[\s\S])*'/y : /(?:[^']|'')*'/y;
  end.lastIndex = start + 1;
  return end.test(text) ? end.lastIndex : text.length;
}

/** A carriage return ends a line, too [postgres scan.l]. */
function endOfLine(text: string, start: number): number {
  const end = /[\n\r]/g;
  end.lastIndex = start;
  return end.test(text) ? end.lastIndex : text.length;
}

function endOf(text: string, mark: string, start: number): number {
  if (mark === '/*') return endOfComment(text, start);
  if (mark === "'") return endOfString(text, start);
  if (mark === '--') return endOfLine(text, start);
  const end = text.indexOf(mark, start + mark.length);
  return end === -1 ? text.length : end + mark.length;
}

export function withoutNoise(text: string): string {
  let code = '';
  let at = 0;
  opening.lastIndex = 0;
  for (let mark = opening.exec(text); mark !== null; mark = opening.exec(text)) {
    const end = endOf(text, mark[0], mark.index);
    code += text.slice(at, mark[0] === '"' ? end : mark.index);
    if (mark[0] !== '"') code += ' ';
    at = end;
    opening.lastIndex = end;
  }
  return code + text.slice(at);
}
