// What a compatibility date and its flags mean for bundling and for workerd.
//
// Node.js compatibility is why this is needed: the flag became the default on a date, and workerd refuses to start a
// Worker that still names it from then on, while projects go on naming it [workerd compatibility-date.capnp].

/** How much of Node.js a bundle may count on. */
export type NodeCompatMode = 'none' | 'als' | 'v1' | 'v2';

/** Used when a project names no date: fixed, so that the same project behaves the same next year. */
export const defaultCompatibilityDate = '2026-11-17';

/** From here on `nodejs_compat` implies `nodejs_compat_v2`. */
const v2ImpliedFrom = '2024-09-23';

/** From here on both are on by default, and naming them is an error to workerd. */
const nodeDefaultFrom = '2026-08-04';

const redundantFlags: ReadonlySet<string> = new Set(['nodejs_compat', 'nodejs_compat_v2']);

/** The Node.js compatibility workerd will provide. `date` is `YYYY-MM-DD`. */
export function nodeCompatMode(date: string, flags: readonly string[]): NodeCompatMode {
  const isDefault = date >= nodeDefaultFrom;
  const v1 = flags.includes('nodejs_compat') || (isDefault && !flags.includes('no_nodejs_compat'));
  const v2 =
    flags.includes('nodejs_compat_v2') ||
    (!flags.includes('no_nodejs_compat_v2') && (isDefault || (v1 && date >= v2ImpliedFrom)));
  if (v2) return 'v2';
  if (v1) return 'v1';
  return flags.includes('nodejs_als') ? 'als' : 'none';
}

/** The flags to hand to workerd: without repetitions, and without those its validation calls needless at `date`. */
export function runtimeFlags(date: string, flags: readonly string[]): string[] {
  const unique = [...new Set(flags)];
  return date >= nodeDefaultFrom ? unique.filter((flag) => !redundantFlags.has(flag)) : unique;
}

/** The first flag that is both asked for and refused (`x` and `no_x`). */
export function findContradiction(flags: readonly string[]): string | undefined {
  return flags.find((flag) => flags.includes(`no_${flag}`));
}

/**
 * The newest compatibility date a workerd accepts: a week past the date in its version (`1.20261117.1` was measured to
 * accept 2026-11-24). Undefined for a version of another shape.
 */
export function newestCompatibilityDate(version: string): string | undefined {
  const [, year, month, day] = /^\d+\.(\d{4})(\d{2})(\d{2})\./.exec(version) ?? [];
  if (year === undefined) return undefined;
  const newest = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day) + 7));
  return newest.toISOString().slice(0, 10);
}

/** True for a day of the calendar written `YYYY-MM-DD`. */
export function isCompatibilityDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
