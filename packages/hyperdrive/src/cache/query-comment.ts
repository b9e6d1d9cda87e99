// What a query's comments say to the cache, and its text without those that say nothing to anybody.
//
//   /* sallyport: no-store */ select …            not from the cache, not into it
//   /* sallyport: max-age=5 swr=0 tag=prices */ select …
//
// Only comments before the first and behind the last word count, as libraries put them there; inside a query they may be
// somebody's data. Hints (`/*+ … */`) stay in the text. Elsewhere such a comment is a comment.
import { endOfComment } from '../classify/fold.ts';

export interface Directives {
  readonly noStore: boolean;
  /** In seconds. */
  readonly maxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly tags: readonly string[];
  /** The first word that says nothing to us. */
  readonly unknown: string | undefined;
}

export interface CommentedText {
  /** What counts of the text; one character per byte. */
  readonly text: string;
  readonly directives: Directives | undefined;
}

const leading = /^(?:[ \t\n\r\f\v]+|--[^\n\r]*(?:[\n\r]|$))+/;
const word = /^(?:(no-store)|(max-age|swr)=(\d{1,6})|tag=([\w.:-]{1,64}))$/;

/** A comment's words for us; undefined when it has none. */
function parseDirectives(comment: string): Directives | undefined {
  const said = /^\s*sallyport:\s*(.*?)\s*$/s.exec(comment)?.[1];
  if (said === undefined) return undefined;
  let noStore = false;
  let maxAge: number | undefined;
  let staleWhileRevalidate: number | undefined;
  let unknown: string | undefined;
  const tags: string[] = [];
  for (const part of said.split(/[\s,]+/)) {
    const [, never, limit, seconds, tag] = word.exec(part) ?? [];
    if (never !== undefined) noStore = true;
    else if (limit === 'max-age') maxAge = Number(seconds);
    else if (limit === 'swr') staleWhileRevalidate = Number(seconds);
    else if (tag !== undefined) tags.push(tag);
    // A word that is not known was meant to say something: the safe reading is not to cache.
    else {
      noStore = true;
      unknown ??= part;
    }
  }
  return { noStore, maxAge, staleWhileRevalidate, tags, unknown };
}

/** Takes comments off the beginning. */
function withoutLeading(text: string, found: (comment: string) => void): string {
  let rest = text;
  for (;;) {
    rest = rest.replace(leading, '');
    if (!rest.startsWith('/*') || rest.startsWith('/*+')) return rest;
    const end = endOfComment(rest, 0);
    if (end === undefined) return rest;
    found(rest.slice(2, end - 2));
    rest = rest.slice(end);
  }
}

/**
 * The last comment, when the text ends in one that is no part of anything else. A string ends at a quote that no other
 * follows: without that, each pair of quotes would double the ways to read a text, and the time it takes.
 */
const trailing =
  /^((?:[^'"$/-]|\/(?!\*)|-(?!-)|'(?:[^'\\]|'')*'(?!')|"(?:[^"]|"")*"(?!")|\$(?=\d))*)\/\*((?:(?!\*\/|\/\*)[^])*)\*\/[ \t\n\r\f\v;]*$/;

/** Not `trimEnd()`: a byte of a longer character may be what JavaScript takes for a space. */
const trailingSpace = /(?<![ \t\n\r\f\v])[ \t\n\r\f\v]+$/;

export function readComments(text: string): CommentedText {
  if (!text.includes('/*') && !text.includes('--')) return { text, directives: undefined };
  let directives: Directives | undefined;
  const found = (comment: string): void => {
    directives ??= parseDirectives(comment);
  };
  let rest = withoutLeading(text, found);
  const [, body, comment] = trailing.exec(rest) ?? [];
  if (body !== undefined && comment !== undefined && !comment.startsWith('+')) {
    found(comment);
    rest = body.replace(trailingSpace, '');
  }
  return { text: rest, directives };
}
