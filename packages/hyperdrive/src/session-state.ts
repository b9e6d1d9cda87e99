// What a query does to its session beyond its transaction: such a connection stays with its client ("pinned"), because
// anybody else would inherit the state, and the client would lose it.
//
// This errs on the side of pinning: a word in the wrong place costs a connection for a while, a missed one would be
// silently wrong. The first test is one pass over the text, and nearly every query ends there.

/** Why a connection stays with its client. */
export type PinCause =
  | 'set'
  | 'prepare'
  | 'listen'
  | 'advisory-lock'
  | 'temporary-object'
  | 'hold-cursor'
  | 'load'
  | 'large-query'
  | 'setting-changed';

export interface SessionEffects {
  pin: PinCause | undefined;
  /** The origin forgets prepared statements: DISCARD or DEALLOCATE is somewhere in there. */
  forgetsHeld: boolean;
  /** And so does the client: DISCARD ALL or DEALLOCATE ALL. */
  forgetsNames: boolean;
}

const suspicious =
  /\b(?:set|reset|prepare|listen|discard|deallocate|load|temp|temporary|hold|into|advisory_lock\w*)\b|advisory_lock|set_config|pg_temp/i;
const noise =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"]|"")*"|\$([A-Za-z_\x80-\xff]\w*)?\$[\s\S]*?\$\1\$/g;
const nothing: SessionEffects = { pin: undefined, forgetsHeld: false, forgetsNames: false };

/** By the first words of a statement. */
const byStart: readonly (readonly [RegExp, PinCause])[] = [
  [/^(?:set|reset)\b(?!\s+(?:local|transaction|constraints)\b)/i, 'set'],
  [/^prepare\b(?!\s+transaction\b)/i, 'prepare'],
  [/^listen\b/i, 'listen'],
  [/^load\b/i, 'load'],
  [
    /^create\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?(?:temp|temporary)\b(?![\s\S]*\bon\s+commit\s+drop\b)/i,
    'temporary-object',
  ],
  [/^(?:select|with|table|values)\b[\s\S]*\binto\s+(?:temp|temporary)\b/i, 'temporary-object'],
  [/^declare\b[\s\S]*\bwith\s+hold\b/i, 'hold-cursor'],
];

/** Functions, which may be called anywhere; their transaction-level siblings (`…_xact_…`) do not match. */
const byCall: readonly (readonly [RegExp, PinCause])[] = [
  [/\bpg_(?:try_)?advisory_lock/i, 'advisory-lock'],
  [/\bset_config\b/i, 'set'],
  [/\bpg_temp\b/i, 'temporary-object'],
];

/** Code in strings runs as well: DO blocks, function bodies, EXECUTE inside them. */
const runsText = /^(?:do|create\s+(?:or\s+replace\s+)?(?:function|procedure))\b/i;

function pinOf(statement: string, whole: string): PinCause | undefined {
  for (const [pattern, cause] of byStart) if (pattern.test(statement)) return cause;
  if (/^do\b/i.test(statement)) {
    if (/\b(?:temp|temporary)\b/i.test(whole)) return 'temporary-object';
    if (/\b(?:set|listen|load)\b/i.test(whole)) return 'set';
  }
  const searched = runsText.test(statement) ? whole : statement;
  for (const [pattern, cause] of byCall) if (pattern.test(searched)) return cause;
  return undefined;
}

/** What a query text, of one or many statements, may leave behind. */
export function sessionEffectsOf(text: string): SessionEffects {
  if (!suspicious.test(text)) return nothing;
  const statements = text
    .replace(noise, (match) => (match.startsWith('"') ? match : ' '))
    .split(';')
    .map((statement) => statement.trim());
  let pin: PinCause | undefined;
  let forgetsNames = false;
  let forgetsHeld = false;
  for (const statement of statements) {
    pin ??= pinOf(statement, text);
    if (/^(?:discard\s+all|deallocate\s+(?:prepare\s+)?all)\b/i.test(statement)) forgetsNames = true;
    if (/^(?:discard|deallocate)\b/i.test(statement)) forgetsHeld = true;
  }
  return { pin, forgetsHeld, forgetsNames };
}
