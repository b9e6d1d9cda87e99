// The compatibility flags a Worker runs with: the project's, and what our sockets need where its date is too old.
import { nodeCompatMode, runtimeFlags } from '../config/compatibility.ts';
import type { Project } from '../project.ts';

/** Standard streams constructors are on by default from this date; naming their flags later is an error to workerd. */
const streamsFrom = '2022-11-30';
const streamsFlags = ['streams_enable_constructors', 'transformstream_enable_standard_constructor'];

/** Flags for workerd. Sockets need AsyncLocalStorage, and streams that JavaScript can construct. */
export function toWorkerFlags({ compatibilityDate: date, compatibilityFlags }: Project): string[] {
  const flags = runtimeFlags(date, compatibilityFlags);
  const needed = [
    ...(nodeCompatMode(date, compatibilityFlags) === 'none' ? ['nodejs_als'] : []),
    ...(date < streamsFrom ? streamsFlags : []),
  ];
  return [...new Set([...flags, ...needed])];
}
