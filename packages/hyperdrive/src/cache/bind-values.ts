// Parameters that are a clock: `'now'` as a text parameter of a timestamp is the time when the query runs.
import { isClock } from '../classify/clock-words.ts';

/** Whether a text parameter of a Bind (what follows the statement's name) is such a word. Malformed ones are. */
export function hasClock(bind: Buffer): boolean {
  try {
    const formats = bind.readUInt16BE(0);
    let at = 2 + 2 * formats;
    const values = bind.readUInt16BE(at);
    at += 2;
    for (let index = 0; index < values; index += 1) {
      const length = bind.readInt32BE(at);
      at += 4;
      if (length <= 0) continue;
      if (at + length > bind.length) return true;
      const format = formats === 0 ? 0 : bind.readUInt16BE(2 + 2 * (formats === 1 ? 0 : index));
      if (format === 0 && length <= 64 && isClock(bind.toString('latin1', at, at + length))) return true;
      at += length;
    }
    return false;
  } catch (error) {
    if (error instanceof RangeError) return true;
    throw error;
  }
}
