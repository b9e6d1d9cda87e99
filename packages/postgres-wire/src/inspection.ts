// Which messages a handler wants to see. Made once and shared by all readers of a kind, as it holds two tables.
import { defaultWholeUpTo } from './limits.ts';
import { largestByType } from './message-types.table.ts';
import type { Side } from './message-types.table.ts';

export interface InspectionOptions {
  side: Side;
  /** Type bytes the handler wants to see; all others pass. */
  inspect: Iterable<number>;
  /** The longest inspected message that is delivered whole, type byte included. Default: `defaultWholeUpTo`. */
  wholeUpTo?: number;
  /** The same for single types. */
  wholeUpToByType?: ReadonlyMap<number, number>;
}

export interface Inspection {
  readonly side: Side;
  /** By type: the most its length field may say; 0 for a type that does not exist. */
  readonly largest: Uint32Array;
  /** By type: the most that is held of it; 0 for a type that is not inspected. */
  readonly whole: Uint32Array;
}

/** A header has to be held to know what it is. */
const leastHeld = 5;
const largest = { frontend: largestByType('frontend'), backend: largestByType('backend') };

export function defineInspection(options: InspectionOptions): Inspection {
  const { side, inspect, wholeUpTo = defaultWholeUpTo, wholeUpToByType } = options;
  const whole = new Uint32Array(256);
  for (const type of inspect) whole[type] = Math.max(leastHeld, wholeUpToByType?.get(type) ?? wholeUpTo);
  return { side, largest: largest[side], whole };
}
