// The five fields of a cron expression in the Workers dialect, rewritten so that croner reads them the same way.

/** Why a text is not a cron expression. */
export class CronProblem extends Error {}

/** `L-offset`, or the weekday nearest to it. */
export interface LastDay {
  offset: number;
  nearestWeekday: boolean;
}

export interface CronFields {
  minute: string;
  hour: string;
  dayOfMonth: string | LastDay;
  month: string;
  dayOfWeek: string;
}

interface Field {
  name: string;
  min: number;
  max: number;
  names: readonly string[];
}

const minute: Field = { name: 'the minute', min: 0, max: 59, names: [] };
const hour: Field = { name: 'the hour', min: 0, max: 23, names: [] };
const dayOfMonth: Field = { name: 'the day of the month', min: 1, max: 31, names: [] };
const month: Field = {
  name: 'the month',
  min: 1,
  max: 12,
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
const dayOfWeek: Field = {
  name: 'the day of the week',
  min: 1,
  max: 7,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

/** The longest expression looked at, in characters. */
const maxCronLength = 1024;

/** Throws a `CronProblem`. */
export function parseCronFields(text: string): CronFields {
  if (text.length > maxCronLength) throw new CronProblem(`it is longer than ${maxCronLength} characters`);
  const parts = text.trim() === '' ? [] : text.trim().split(/\s+/);
  if (parts.length !== 5) throw new CronProblem(`it has ${parts.length} fields instead of 5`);
  const [minutes = '', hours = '', days = '', months = '', weekdays = ''] = parts.map((part) => part.toUpperCase());
  return {
    minute: toList(minutes, minute),
    hour: toList(hours, hour),
    dayOfMonth: toDayOfMonth(days),
    month: toList(months, month),
    dayOfWeek: toDayOfWeek(weekdays),
  };
}

function toDayOfMonth(text: string): string | LastDay {
  const last = /^L(?:-(\d{1,2}))?(W)?$/.exec(text);
  if (last !== null) {
    const offset = Number(last[1] ?? 0);
    if (offset > 30) throw new CronProblem(`${dayOfMonth.name} cannot be ${text}: no month has more than 31 days`);
    return offset === 0 ? `L${last[2] ?? ''}` : { offset, nearestWeekday: last[2] !== undefined };
  }
  const nearest = /^(\d{1,2})W$/.exec(text);
  return nearest === null ? toList(text, dayOfMonth) : `${toNumber(nearest[1]!, dayOfMonth)}W`;
}

function toDayOfWeek(text: string): string {
  if (text === 'L') return String(dayOfWeek.max);
  const special = /^(\w+?)(?:(L)|#(\d))$/.exec(text);
  if (special === null) return toList(text, dayOfWeek);
  const day = toNumber(special[1]!, dayOfWeek);
  if (special[2] !== undefined) return `${day}#L`;
  const nth = Number(special[3]);
  if (nth < 1 || nth > 5) throw new CronProblem(`${dayOfWeek.name} cannot be ${text}: no month has that many weeks`);
  return `${day}#${nth}`;
}

/** `*`, or every value that a comma-separated list of values, ranges and steps allows. */
function toList(text: string, field: Field): string {
  if (text === '*') return '*';
  const values = new Set(text.split(',').flatMap((item) => toValues(item, field)));
  return [...values].sort((a, b) => a - b).join(',');
}

function toValues(item: string, field: Field): number[] {
  const [range = '', stepText, ...more] = item.split('/');
  const [from = '', to, ...others] = range.split('-');
  if (more.length > 0 || others.length > 0) throw new CronProblem(`${field.name} cannot be ${item}`);
  const first = from === '*' && to === undefined ? field.min : toNumber(from, field);
  const step = stepText === undefined ? 1 : toStep(stepText, field);
  // In a list a lone `*` is the first value, as the service reads it.
  if (to === undefined && stepText === undefined) return [first];
  const last = to === undefined ? field.max : toNumber(to, field);
  const size = field.max - field.min + 1;
  const count = first <= last ? last - first : last - first + size;
  const values: number[] = [];
  for (let distance = 0; distance <= count; distance += step) {
    values.push(((first - field.min + distance) % size) + field.min);
  }
  return values;
}

function toNumber(text: string, field: Field): number {
  const named = field.names.indexOf(text);
  if (named !== -1) return named + field.min;
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.min && value <= field.max) return value;
  const names = field.names.length === 0 ? '' : ` or ${field.names[0]} to ${field.names.at(-1)}`;
  throw new CronProblem(`${field.name} has to be ${field.min} to ${field.max}${names}, not "${text}"`);
}

function toStep(text: string, field: Field): number {
  const step = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > field.max) throw new CronProblem(`${field.name} has the step "${text}"`);
  return step;
}
