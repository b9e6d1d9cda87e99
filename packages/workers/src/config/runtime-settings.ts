// The keys about the Worker as a whole: its name and the behaviour it asks of the runtime.
import { defaultCompatibilityDate, findContradiction, isCompatibilityDate } from './compatibility.ts';
import type { Settings } from './environment.ts';
import { formatPath } from './position.ts';
import type { Report } from './report.ts';
import { readString, readStrings } from './slot.ts';
import { describeValue } from './value.ts';

/** What a Worker is called when its configuration does not say. */
const defaultName = 'worker';

/** The name with the environment's suffix, unless the environment has a name of its own. */
export function readName({ slot, suffix }: Settings, report: Report): string | undefined {
  const found = slot('name');
  const name = found === undefined ? defaultName : readString(found, report);
  if (name === undefined) return undefined;
  if (found !== undefined && !/^[a-z0-9_][a-z0-9_-]{0,254}$/.test(name)) {
    const expected = 'lower-case letters, digits, "-" and "_", starting with a letter or digit';
    report.error(found.path, 'invalid_value', { key: formatPath(found.path), found: describeValue(name), expected });
    return undefined;
  }
  return suffix === undefined ? name : `${name}-${suffix}`;
}

/** `newest` is the newest date the runtime accepts. */
export function readCompatibility(
  { slot }: Settings,
  { newest }: { newest: string },
  report: Report,
): { date: string; flags: string[] } {
  const found = slot('compatibility_date');
  const text = found === undefined ? undefined : readString(found, report);
  if (found === undefined) {
    report.warning([], 'missing_compatibility_date', { date: defaultCompatibilityDate });
  } else if (text !== undefined && !isCompatibilityDate(text)) {
    const expected = 'a date such as "2026-11-17"';
    const key = formatPath(found.path);
    report.error(found.path, 'invalid_value', { key, found: describeValue(text), expected });
  } else if (text !== undefined && text > newest) {
    report.error(found.path, 'future_compatibility_date', { date: text, newest });
  }
  const flagSlot = slot('compatibility_flags');
  const flags = readStrings(flagSlot, report);
  const flag = findContradiction(flags);
  if (flag !== undefined && flagSlot !== undefined) {
    const path = [...flagSlot.path, flags.indexOf(flag)];
    report.error(path, 'contradictory_flags', { flag, opposite: `no_${flag}` });
  }
  return { date: text ?? defaultCompatibilityDate, flags };
}
