// Cron expressions as Cron Triggers understand them [developers.cloudflare.com/workers/configuration/cron-triggers],
// translated for croner, which finds the dates.
//
// The dialect has five fields in UTC; the day of the week counts 1 = Sunday to 7 = Saturday; ranges may wrap around
// (`FRI-MON`, `22-2`); `a/n` steps from `a` to the end; when both day fields are restricted either one is enough. In the
// day of the month `L`, `LW`, `L-3`, `L-3W` and `15W` stand alone, in the day of the week `L`, `6L` and `6#2` do.
import { Cron } from 'croner';
import { WorkersError } from '../errors.ts';
import { CronProblem, parseCronFields, type LastDay } from './cron-fields.ts';

/** A schedule of a Worker. */
export interface CronSchedule {
  /** The expression as written; `controller.cron` shows it. */
  readonly text: string;
  /** The first time after `from`, in whole minutes UTC; undefined when there is none (30 February). */
  next(from: Date): Date | undefined;
}

/** Parses one expression of `triggers.crons`. Throws a `WorkersError` with the code `invalid_cron`. */
export function parseCron(text: string): CronSchedule {
  try {
    const { minute, hour, month, dayOfMonth, dayOfWeek } = parseCronFields(text);
    const at = (day: string, weekday: string): Cron =>
      new Cron(`${minute} ${hour} ${day} ${month} ${weekday}`, {
        paused: true,
        mode: '5-part',
        alternativeWeekdays: true,
        timezone: 'UTC',
      });
    if (typeof dayOfMonth === 'string') {
      const cron = at(dayOfMonth, dayOfWeek);
      return { text, next: (from) => cron.nextRun(from) ?? undefined };
    }
    const byLastDay = at(toCandidates(dayOfMonth), '*');
    const byWeekday = dayOfWeek === '*' ? undefined : at('*', dayOfWeek);
    return {
      text,
      next: (from) => earlier(nextOnLastDay(byLastDay, dayOfMonth, from), byWeekday?.nextRun(from) ?? undefined),
    };
  } catch (error) {
    const problem = error instanceof CronProblem ? error.message : 'it has a part that is not understood';
    throw new WorkersError('invalid_cron', { cron: text, problem }, { cause: error });
  }
}

/** Months tried before giving up on a day near the end of the month: two leap years whatever the century does. */
const maxCandidates = 12 * 12 * 8;

/** croner does not know `L-3`: it offers every day that could be it, and the month decides. */
function nextOnLastDay(cron: Cron, last: LastDay, from: Date): Date | undefined {
  let at = cron.nextRun(from);
  for (let tries = 0; at !== null && tries < maxCandidates; tries += 1) {
    if (at.getUTCDate() === dayIn(at.getUTCFullYear(), at.getUTCMonth(), last)) return at;
    at = cron.nextRun(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), 23, 59, 59)));
  }
  return undefined;
}

function toCandidates({ offset, nearestWeekday }: LastDay): string {
  const slack = nearestWeekday ? 2 : 0;
  return `${Math.max(1, 28 - offset - slack)}-${Math.max(1, Math.min(31, 31 - offset + slack))}`;
}

function dayIn(year: number, month: number, { offset, nearestWeekday }: LastDay): number {
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = days - offset;
  if (!nearestWeekday || day < 1) return day;
  const weekday = new Date(Date.UTC(year, month, day)).getUTCDay();
  if (weekday === 6) return day > 1 ? day - 1 : day + 2;
  if (weekday === 0) return day < days ? day + 1 : day - 2;
  return day;
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
