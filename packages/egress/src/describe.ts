// Any value as one short line for an error: values come from configuration and from Workers, so they may be anything.
import { inspect } from 'node:util';

const shape = {
  depth: 2,
  breakLength: Infinity,
  maxArrayLength: 20,
  maxStringLength: 300,
  customInspect: false,
} as const;

/** The value as a programmer would write it, cut short where it is long. */
export function describe(value: unknown): string {
  return inspect(value, shape);
}
