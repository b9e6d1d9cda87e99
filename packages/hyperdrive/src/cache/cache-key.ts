// What makes two requests the same: config, settings, text, types, parameters, formats, and the form of the answer.
import type { Exchange } from '../session/exchange.ts';
import { readComments } from './query-comment.ts';
import type { Directives } from './query-comment.ts';
import { maxKey } from './limits.ts';

export interface CacheKey {
  readonly key: string;
  /** The answer begins with a ParseComplete, which the stored one always has. */
  readonly isParsed: boolean;
  /** There is none of a simple query. */
  readonly isSimple: boolean;
  readonly directives: Directives | undefined;
}

const execution = /^P?d?Bd?D?E0[DC]*S$/;

/** Whether an exchange carries one statement out to its end: anything else is left to the origin. */
export function isExecution({ shape }: Exchange): boolean {
  return shape === 'Q' || shape === 'PBDE0S' || shape === 'BDE0S' || shape === 'BE0S' || execution.test(shape);
}

/** Undefined: it is too long. `owner` tells configs apart, `environment` sets of settings. */
export function toCacheKey(
  { text, types, bind, shape, bytes }: Exchange,
  { owner, environment }: { owner: string; environment: number },
): CacheKey | undefined {
  if (bytes.length > maxKey || text.length > maxKey) return undefined;
  const read = readComments(text.toString('latin1'));
  const isParsed = shape.charCodeAt(0) === 80;
  const form = isParsed ? shape.slice(1) : shape;
  let key = `${owner}${environment} ${form} ${read.text}`;
  // Neither a text nor the count and the types behind it can be taken for one another.
  if (bind !== undefined) key += `\0${types.toString('latin1')}${bind.toString('latin1')}`;
  return { key, isParsed, isSimple: bind === undefined, directives: read.directives };
}
