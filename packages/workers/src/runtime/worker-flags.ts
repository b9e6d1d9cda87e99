// The compatibility flags a Worker runs with: the project's, and what our sockets and reports need where its date is too
// old.
import { nodeCompatMode, runtimeFlags } from '../config/compatibility.ts';
import type { Project } from '../project.ts';

/** Standard streams constructors are on by default from this date; naming their flags later is an error to workerd. */
const streamsFrom = '2022-11-30';
const streamsFlags = ['streams_enable_constructors', 'transformstream_enable_standard_constructor'];

/**
 * On by default from this date. Before it, workerd calls a rejection unhandled that is handled a few microtasks later, as
 * every driver does that catches asynchronously: what it reports would be mostly false alarms.
 */
const rejectionsFrom = '2026-03-03';
const rejectionsFlag = 'unhandled_rejection_after_microtask_checkpoint';

/**
 * Flags for workerd. Sockets need AsyncLocalStorage, and streams that JavaScript can construct; reports of unhandled
 * rejections need to be true.
 */
export function toWorkerFlags({ compatibilityDate: date, compatibilityFlags }: Project): string[] {
  const flags = runtimeFlags(date, compatibilityFlags);
  const needed = [
    ...(nodeCompatMode(date, compatibilityFlags) === 'none' ? ['nodejs_als'] : []),
    ...(date < streamsFrom ? streamsFlags : []),
    ...(date < rejectionsFrom && !flags.includes(`no_${rejectionsFlag}`) ? [rejectionsFlag] : []),
  ];
  return [...new Set([...flags, ...needed])];
}
