// What a query does to its session beyond its transaction: such a connection stays with its client ("pinned"), because
// anybody else would inherit the state, and the client would lose it.
//
// This errs on the side of pinning: a word in the wrong place costs a connection for a while, a missed one would be
// silently wrong. The first test is one pass over the text, and nearly every query ends there.
import { setsForSession } from '../functions/call-arguments.ts';
import { judgeBody } from '../functions/function-body.ts';
import { maxBody } from '../functions/routines-query.ts';
import { withoutNoise } from './sql-noise.ts';

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
  | 'setting-changed'
  /** It called a function, or what calls one, that may leave something behind. */
  | 'function'
  /** It called something while nobody knew what the origin's functions do. */
  | 'unknown-function';

export interface SessionEffects {
  pin: PinCause | undefined;
  /** The origin forgets prepared statements: DISCARD or DEALLOCATE is somewhere in there. */
  forgetsHeld: boolean;
  /** And so does the client: DISCARD ALL or DEALLOCATE ALL. */
  forgetsNames: boolean;
}

const suspicious =
  /\b(?:set|reset|prepare|listen|discard|deallocate|load|temp|temporary|hold|do|function|procedure)\b|advisory_lock|set_config|pg_temp|setseed|_to_xml|ts_stat|ts_rewrite|pg_backup_start|pg_start_backup|replication_(?:origin_session|slot)/i;
const nothing: SessionEffects = { pin: undefined, forgetsHeld: false, forgetsNames: false };

/** By the first words of a statement. */
const byStart: readonly (readonly [RegExp, PinCause])[] = [
  [/^(?:set|reset)\b(?!\s+(?:local|transaction|constraints)\b)/i, 'set'],
  [/^prepare\b(?!\s+transaction\b)/i, 'prepare'],
  [/^listen\b/i, 'listen'],
  [/^load\b/i, 'load'],
  [
    /^(?:explain\b[\s\w,()]{0,100}\s)?create\s+(?:or\s+replace\s+)?(?:(?:global|local)\s+)?(?:temp|temporary)\b(?![\s\S]*\bon\s+commit\s+drop\b)/i,
    'temporary-object',
  ],
  [
    /^[\s(]*(?:select|with|table|values)\b[\s\S]*\binto\s+(?:(?:global|local)\s+)?(?:temp|temporary)\b/i,
    'temporary-object',
  ],
  [/^declare\b[\s\S]*\bwith\s+hold\b/i, 'hold-cursor'],
];

/** Functions, which may be called anywhere; their transaction-level siblings (`…_xact_…`) do not match. */
const byCall: readonly (readonly [RegExp, PinCause])[] = [
  [/\bpg_(?:try_)?advisory_lock/i, 'advisory-lock'],
  [/\bsetseed\b|\bpg_replication_origin_session/i, 'set'],
  [/\bpg_temp\b/i, 'temporary-object'],
  [/\b(?:(?:query|cursor|schema|database)_to_xml|ts_stat\b|ts_rewrite\b)/i, 'function'],
  // A backup, and a temporary slot, end with their session.
  [/\bpg_(?:backup_start|start_backup|create_(?:logical|physical)_replication_slot)\b/i, 'function'],
];

/** Code in a string, in one of the languages that can be read. */
function pinOfBlock(text: string): PinCause | undefined {
  if (/\b(?:temp|temporary)\b/i.test(text)) return 'temporary-object';
  if (/\blanguage\b(?!\s+'?plpgsql\b)/i.test(text)) return 'function';
  return judgeBody(text) === 'stateless' ? undefined : 'set';
}

/** A routine that this makes may be called and gone before anybody knows it. */
function pinOfRoutine(text: string): PinCause | undefined {
  const isForeign = /\blanguage\b(?!\s+["']?(?:plpgsql|sql)\b)/i.test(text) && !/\bimmutable\b/i.test(text);
  if (isForeign || text.length > maxBody || /\b(?:temp|temporary)\b/i.test(text)) return 'function';
  return judgeBody(text) === 'stateless' ? undefined : 'function';
}

function firstOf(rules: readonly (readonly [RegExp, PinCause])[], text: string): PinCause | undefined {
  return rules.find(([pattern]) => pattern.test(text))?.[1];
}

/** Statements of a text, as far as semicolons tell. */
function split(text: string): string[] {
  return text.split(';').map((statement) => statement.trim());
}

/** What a query text, of one or many statements, may leave behind. */
export function sessionEffectsOf(text: string): SessionEffects {
  if (!suspicious.test(text)) return nothing;
  // Twice: without strings and comments, which may stand before a statement, and as it is, because where a string ends
  // depends on settings of the session.
  const clean = split(withoutNoise(text));
  const statements = [...clean, ...split(text)];
  let pin = firstOf(byCall, text) ?? (setsForSession(text) ? 'set' : undefined);
  let forgetsHeld = false;
  let forgetsNames = false;
  for (const statement of statements) {
    pin ??= firstOf(byStart, statement);
    if (/^do\b/i.test(statement)) pin ??= pinOfBlock(text);
    if (/^create\s+(?:or\s+replace\s+)?(?:function|procedure)\b/i.test(statement)) pin ??= pinOfRoutine(text);
    if (/^(?:discard|deallocate)\b/i.test(statement)) forgetsHeld = true;
  }
  for (const statement of clean) {
    if (/^(?:discard\s+all|deallocate\s+(?:prepare\s+)?all)\b/i.test(statement)) forgetsNames = true;
  }
  return { pin, forgetsHeld, forgetsNames };
}
