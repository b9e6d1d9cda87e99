// `currval()` and `lastval()` tell what `nextval()` gave in the same session. A client between transactions has no session
// of its own: the next connection may remember another client's number, which would be answered without a word.
import { withoutNoise } from './sql-noise.ts';

const mentions = /\b(?:currval|lastval)\b/i;
const asks = /\b(?:currval|lastval)"?\s*\(/i;
/** What may give a number, before that in the same text: an INSERT does by a default, a call or a block by its body. */
const gives = /\b(?:nextval|setval|insert|merge|copy|call|do|execute)\b/i;

/** Whether a text needs what an earlier statement of its client left in the session, and makes nothing of it itself. */
export function needsSequenceMemory(text: Buffer): boolean {
  const query = text.toString('latin1');
  if (!mentions.test(query)) return false;
  const code = withoutNoise(query);
  return asks.test(code) && !gives.test(code);
}
