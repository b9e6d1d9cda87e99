// Whether a function may leave something in the session that calls it: a setting, a lock, a temporary table. By its body,
// as text, and on the side of yes: a function that only looks like it costs its callers a connection for a while.
import { queryRunners } from '../cache/stable-functions.table.ts';
import { readArguments, setsForSession } from './call-arguments.ts';

/** `named`: it runs statements whose tables or the like are named when it runs, and is what they are. */
export type BodyVerdict = 'stateful' | 'named' | 'stateless';

/** Where a statement may begin: also in a string, which may be run, and behind what is left of nested comments. */
const begin = String.raw`(?:^|[;'(]|\$|>>|\*\/|\b(?:begin|then|else|loop|atomic|return)\b)\s*`;
const signs: readonly RegExp[] = [
  new RegExp(String.raw`${begin}(?:set|reset)\s+(?!(?:local|transaction|constraints)\b)["\w%]`, 'i'),
  new RegExp(String.raw`${begin}(?:listen|load|discard|deallocate|prepare)\s+(?!transaction\b)["'\w%]`, 'i'),
  /\bpg_(?:try_)?advisory_lock|\bpg_temp\b|\bsetseed\b|\bset_limit\b|\bpg_replication_origin_session/i,
  /\b(?:create|replace)\s+(?:(?:global|local)\s+)?(?:temp|temporary)\b(?![^;]*\bon\s+commit\s+drop\b)/i,
  /\binto\s+(?:(?:global|local)\s+)?(?:temp|temporary)\b/i,
  /\bwith\s+hold\b/i,
  new RegExp(String.raw`\b(?:${[...queryRunners].join('|')})\b|\b(?:schema|database)_to_xml`, 'i'),
];

const comment = /--[^\n\r]*|\/\*[\s\S]*?\*\//g;
/** Not in GRANT EXECUTE ON, nor in CREATE TRIGGER. */
const dynamic = /\bexecute\b(?!\s+(?:on|function|procedure)\b)\s*/gi;
const literal = /'((?:[^'\\]|'')*)'|\$([A-Za-z_]*)\$([\s\S]*?)\$\2\$/y;
const formatting = /(?:pg_catalog\s*\.\s*)?format\s*\(\s*/iy;
/** What may stand behind the text of a dynamic statement. */
const behind = /\s*(?:;|$|\b(?:using|into|loop)\b)/iy;

function literalAt(text: string, at: number): { value: string; end: number } | undefined {
  literal.lastIndex = at;
  const found = literal.exec(text);
  return found === null ? undefined : { value: found[1] ?? found[3]!, end: literal.lastIndex };
}

function endsAt(text: string, at: number): boolean {
  behind.lastIndex = at;
  return behind.test(text);
}

/** A statement that is made while it runs: known when it is one string, or a format whose parts are names and values. */
function judgeDynamic(text: string, at: number): BodyVerdict {
  const plain = literalAt(text, at);
  if (plain !== undefined) return endsAt(text, plain.end) ? 'stateless' : 'stateful';
  formatting.lastIndex = at;
  if (!formatting.test(text)) return 'stateful';
  const start = formatting.lastIndex;
  const template = literalAt(text, start);
  // The arguments only, as the template may be in a string of a kind that they are not read in.
  const rest = template && /\s*([,)])/y;
  if (template === undefined || rest === undefined) return 'stateful';
  rest.lastIndex = template.end;
  const next = rest.exec(text)?.[1];
  const end = next === ')' ? rest.lastIndex : next === ',' ? readArguments(text, rest.lastIndex)?.end : undefined;
  if (end === undefined || !endsAt(text, end)) return 'stateful';
  const { value } = template;
  // %s may be anything; a name before a bracket is a function.
  if (/%(?:\d+\$)?-?(?:\d+|\*(?:\d+\$)?)?s/.test(value) || /%(?:\d+\$)?-?(?:\d+)?I"?\s*\(/.test(value))
    return 'stateful';
  return /%(?:\d+\$)?-?(?:\d+)?I/.test(value) ? 'named' : 'stateless';
}

function judgeText(text: string): BodyVerdict {
  if (signs.some((sign) => sign.test(text)) || setsForSession(text)) return 'stateful';
  let verdict: BodyVerdict = 'stateless';
  dynamic.lastIndex = 0;
  while (dynamic.test(text)) {
    const judged = judgeDynamic(text, dynamic.lastIndex);
    if (judged === 'stateful') return judged;
    if (judged === 'named') verdict = judged;
  }
  return verdict;
}

/** Of a body in SQL or PL/pgSQL. What it calls is another matter. */
export function judgeBody(body: string): BodyVerdict {
  const asItIs = judgeText(body);
  // Twice, as in a string what looks like a comment is none.
  const clean = asItIs === 'stateful' ? body : body.replace(comment, ' ');
  if (clean === body) return asItIs;
  const cleaned = judgeText(clean);
  return cleaned === 'stateless' ? asItIs : cleaned;
}
