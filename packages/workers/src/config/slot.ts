// Reads typed values out of a configuration. A slot is a value and the path it is written at, so that whatever is wrong
// with it can be shown in the file; absent values are undefined and wrong ones are reported and then undefined too.
import type { Json } from '../project.ts';
import { formatPath, type Path } from './position.ts';
import type { Report } from './report.ts';
import { suggest } from './suggest.ts';
import { describeValue, isTable, memberOf, type Table } from './value.ts';

export interface Slot {
  value: unknown;
  path: Path;
}

/** The member `key` of an object; undefined when it is not there. */
export function memberSlot(slot: Slot | undefined, key: string): Slot | undefined {
  const value = isTable(slot?.value) ? memberOf(slot.value, key) : undefined;
  return value === undefined || slot === undefined ? undefined : { value, path: [...slot.path, key] };
}

export function readString(slot: Slot | undefined, report: Report, expected = 'a string'): string | undefined {
  if (typeof slot?.value === 'string') return slot.value;
  return refuse(slot, report, expected);
}

/** A string that is a path or a name: empty ones are refused. */
export function readText(slot: Slot | undefined, report: Report): string | undefined {
  if (slot?.value === '') return refuse(slot, report, 'a string that is not empty');
  return readString(slot, report);
}

export function readBoolean(slot: Slot | undefined, report: Report): boolean | undefined {
  if (typeof slot?.value === 'boolean') return slot.value;
  return refuse(slot, report, 'true or false');
}

/** A whole number from `min` to `max`. */
export function readInteger(
  slot: Slot | undefined,
  report: Report,
  { min, max }: { min: number; max: number },
): number | undefined {
  const value = slot?.value;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(slot, report, `a whole number from ${min} to ${max}`);
}

export function readTable(slot: Slot | undefined, report: Report): Table | undefined {
  if (isTable(slot?.value)) return slot.value;
  return refuse(slot, report, 'an object');
}

/** The elements of an array, each as a slot; an absent or wrong array has none. */
export function readArray(slot: Slot | undefined, report: Report, expected = 'an array'): Slot[] {
  if (slot === undefined) return [];
  if (Array.isArray(slot.value)) return slot.value.map((value, index) => ({ value, path: [...slot.path, index] }));
  refuse(slot, report, expected);
  return [];
}

export function readStrings(slot: Slot | undefined, report: Report): string[] {
  return readArray(slot, report, 'an array of strings')
    .map((element) => readString(element, report))
    .filter((text) => text !== undefined);
}

/** An object whose values are all strings. */
export function readStringMap(slot: Slot | undefined, report: Report): Record<string, string> {
  const entries = Object.keys(readTable(slot, report) ?? {}).map((key) => {
    return [key, readString(memberSlot(slot, key), report)] as const;
  });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Any JSON value; TOML's dates and not-finite numbers are refused where they stand. */
export function readJson(slot: Slot, report: Report): Json | undefined {
  const { value } = slot;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return readArray(slot, report).map((element) => readJson(element, report) ?? null);
  if (!isTable(value)) return refuse(slot, report, 'a JSON value');
  const members = Object.keys(value).map((key) => {
    const member = memberSlot(slot, key);
    return [key, member === undefined ? null : (readJson(member, report) ?? null)] as const;
  });
  return Object.fromEntries(members);
}

/** Warns about the keys of an object that are not among `known`. */
export function warnUnknown(slot: Slot | undefined, known: readonly string[], report: Report): void {
  if (!isTable(slot?.value)) return;
  for (const key of Object.keys(slot.value)) {
    if (known.includes(key)) continue;
    const path = [...slot.path, key];
    report.warning(path, 'unknown_key', { key: formatPath(path), suggestion: suggest(key, known) });
  }
}

function refuse(slot: Slot | undefined, report: Report, expected: string): undefined {
  if (slot === undefined) return undefined;
  const key = formatPath(slot.path);
  report.error(slot.path, 'wrong_type', { key, expected, found: describeValue(slot.value) });
  return undefined;
}
