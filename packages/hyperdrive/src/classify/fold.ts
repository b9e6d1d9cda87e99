// One text for all queries that differ in literals and comments only, so that each shape is parsed once.
//
// Texts have one character per byte. What the origin might read in another way than this does (escape strings, odd
// numbers, strings in several pieces) is left as it is, up to the end: such texts are only remembered less well. Two kinds
// of strings stay, as they decide something: `'now'`, which in the right place is a clock, and the names of settings.

import { isClock } from './clock-words.ts';

/** What a byte begins. */
const other = 0;
const digit = 1;
const letter = 2;
const mark = 3;
const kinds: Uint8Array = new Uint8Array(256).fill(other);
for (let code = 0; code < 256; code += 1) {
  const character = String.fromCharCode(code);
  if (/[0-9]/.test(character)) kinds[code] = digit;
  else if (/[A-Za-z_\x80-\xff]/.test(character)) kinds[code] = letter;
  else if (/['"$./-]/.test(character)) kinds[code] = mark;
}

/** Longer lists of literals are shortened. */
const longText = 2_048;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const dollarTag = /\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/y;
/** VALUES with rows of nothing but literals before another row. */
const literalRows =
  /^values\s*(?:\(\s*(?:'s'|-?\s?1(?:\.5)?|\$\d+|null|default|true|false)(?:\s*,\s*(?:'s'|-?\s?1(?:\.5)?|\$\d+|null|default|true|false))*\s*\)\s*,\s*)+(?=\()/i;
/** Another piece of a string, when there is a line break in between [pg 4.1.2.1]. */
const continuation = /(?:\s|--[^\n\r]*[\n\r])*'/y;
const lineEnd = /[\n\r]/g;
const setsByName = /set_config/i;
const commentMarks = /\/\*|\*\//g;
const isWrite = /^[\s(]*(?:insert|update|delete)\b/i;

/** Where a comment that may hold comments ends; undefined: nowhere [pg 4.1.5]. */
export function endOfComment(text: string, start: number): number | undefined {
  commentMarks.lastIndex = start;
  let depth = 0;
  for (let found = commentMarks.exec(text); found !== null; found = commentMarks.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return commentMarks.lastIndex;
  }
  return undefined;
}

/** A place in the text behind something that is dropped or replaced; undefined: leave the rest alone. */
interface Step {
  by: string;
  end: number;
}

function foldNumber(text: string, start: number): Step | undefined {
  number.lastIndex = start;
  const found = number.exec(text);
  if (found === null) return { by: '.', end: start + 1 };
  const [digits] = found;
  const end = number.lastIndex;
  const next = text.charCodeAt(end);
  // 0x1F, 1_000, 1..2 and trailing junk: versions differ.
  if (next === 46 || kinds[next] === letter || kinds[next] === digit) return undefined;
  const isInteger = /^\d+$/.test(digits) && (digits.length < 10 || Number(digits) <= 2_147_483_647);
  if (isInteger) return { by: '1', end };
  return { by: digits.startsWith('.') ? '.5' : '1.5', end };
}

/** Behind a quoted thing, whose quotes are doubled inside; undefined when it never ends. */
function behindQuoted(text: string, start: number, quote: string): number | undefined {
  for (let at = text.indexOf(quote, start + 1); at !== -1; at = text.indexOf(quote, at + 2)) {
    if (text[at + 1] !== quote) return at + 1;
  }
  return undefined;
}

function foldDollar(text: string, start: number): Step | undefined {
  if (kinds[text.charCodeAt(start + 1)] === digit) {
    let end = start + 2;
    while (kinds[text.charCodeAt(end)] === digit) end += 1;
    return { by: text.slice(start, end), end };
  }
  dollarTag.lastIndex = start;
  const tag = dollarTag.exec(text)?.[0];
  if (tag === undefined) return { by: '$', end: start + 1 };
  const close = text.indexOf(tag, start + tag.length);
  return close === -1 ? undefined : { by: text.slice(start, close + tag.length), end: close + tag.length };
}

function foldMark(text: string, start: number, foldsStrings: boolean): Step | undefined {
  const character = text[start];
  const next = text[start + 1];
  if (character === "'" || character === '"') {
    const end = behindQuoted(text, start, character);
    if (end === undefined) return undefined;
    if (character === '"') return { by: text.slice(start, end), end };
    continuation.lastIndex = end;
    if (/[\n\r]/.test(continuation.exec(text)?.[0] ?? '')) return undefined;
    const isFolded = foldsStrings && !isClock(text.slice(start + 1, end - 1));
    return { by: isFolded ? "'s'" : text.slice(start, end), end };
  }
  if (character === '$') return foldDollar(text, start);
  if (character === '.') return foldNumber(text, start);
  if (character === '-' && next === '-') {
    lineEnd.lastIndex = start;
    // The end of the line stays: strings go on behind it.
    return { by: '', end: lineEnd.exec(text)?.index ?? text.length };
  }
  if (character === '/' && next === '*') {
    const end = endOfComment(text, start);
    // Something stays: strings go on behind white space, and not behind a comment.
    return end === undefined ? undefined : { by: '/**/', end };
  }
  return { by: character!, end: start + 1 };
}

function behindWord(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const kind = kinds[code];
    if (kind !== letter && kind !== digit && code !== 36) break;
  }
  return at;
}

/** E'…', B'…', X'…' and U&'…' have rules of their own. */
function beginsEscapes(text: string, start: number, end: number): boolean {
  if (end - start !== 1) return false;
  const first = text[start]!.toLowerCase();
  return first === 'u' ? text[end] === '&' : text[end] === "'" && 'ebx'.includes(first);
}

export function foldText(text: string): string {
  const foldsStrings = !setsByName.test(text);
  let folded = '';
  let kept = 0;
  let at = 0;
  while (at < text.length) {
    const kind = kinds[text.charCodeAt(at)]!;
    if (kind === other) {
      at += 1;
      continue;
    }
    if (kind === letter) {
      const start = at;
      at = behindWord(text, at);
      if (beginsEscapes(text, start, at)) break;
      continue;
    }
    const step = kind === digit ? foldNumber(text, at) : foldMark(text, at, foldsStrings);
    if (step === undefined) break;
    folded += text.slice(kept, at) + step.by;
    at = step.end;
    kept = at;
  }
  folded += text.slice(kept);
  return folded.length > longText ? shorten(folded) : folded;
}

/** Long lists of literals say no more than short ones. Quoted names may look like lists, so those texts stay. */
function shorten(text: string): string {
  if (!isWrite.test(text)) return text.includes('"') ? text : text.replace(/\bin\s*\((?:1\s*,\s*)+1\s*\)/gi, 'in (1)');
  const values = /\bvalues\b/i.exec(text);
  if (values === null || text.includes('"', values.index)) return text;
  return text.slice(0, values.index) + text.slice(values.index).replace(literalRows, 'values ');
}
