// What a configuration file holds, before anything is known about it: JSON values, plus the dates and the not-finite
// numbers of TOML.

/** The most levels of nesting a configuration may have. */
export const maxConfigDepth = 100;

/** A table or object of the file. */
export type Table = { [key: string]: unknown };

/** True for objects and tables, not for arrays and dates. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The member `key` of `table` itself, never of its prototype. */
export function memberOf(table: Table, key: string): unknown {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** A value in words, short enough for one line of an error. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value instanceof Date) return `the date ${toDateText(value)}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return `the string ${JSON.stringify(shorten(value))}`;
  return `the ${typeof value} ${String(value)}`;
}

/** True for what says nothing: null, false, an empty array, an object with nothing in it (at any depth). */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isTable(value) && Object.values(value).every((member) => isEmpty(member));
}

function toDateText(value: Date): string {
  return Number.isNaN(value.getTime()) ? 'of no day' : value.toISOString().replace(/T00:00:00\.000Z$/, '');
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`;
}
