// Fires a Worker's `triggers.crons` at their times.
import { request } from 'node:http';
import { type CronSchedule, parseCron } from '@sallyport/workers';

/** Longest delay a timer takes; a later date is waited for in steps. */
const longestDelay = 2_147_483_647;

export interface CronClock {
  now(): number;
  setTimeout(callback: () => void, milliseconds: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout): void;
}

export interface CronScheduleOptions {
  crons: readonly string[];
  /** Runs the Worker's `scheduled()`; resolves to its outcome. */
  fire: (cron: string, scheduledTime: number) => Promise<string>;
  onFired: (cron: string, outcome: string) => void;
  clock?: CronClock;
}

/** Starts the timers; the result stops them. */
export function startCronSchedule(options: CronScheduleOptions): () => void {
  const { crons, fire, onFired, clock = { now: Date.now, setTimeout, clearTimeout } } = options;
  const timers = new Map<CronSchedule, NodeJS.Timeout>();
  const arm = (schedule: CronSchedule, from: number): void => {
    const next = schedule.next(new Date(from))?.getTime();
    if (next === undefined) return;
    const delay = Math.min(Math.max(0, next - clock.now()), longestDelay);
    const timer = clock.setTimeout(() => {
      if (clock.now() < next) return arm(schedule, from);
      // Times that passed while this machine slept are not made up for.
      arm(schedule, Math.max(next, clock.now()));
      fire(schedule.text, next).then(
        (outcome) => onFired(schedule.text, outcome),
        (error: Error) => onFired(schedule.text, error.message),
      );
    }, delay);
    timers.set(schedule, timer);
  };
  for (const cron of crons) arm(parseCron(cron), clock.now());
  return () => {
    for (const timer of timers.values()) clock.clearTimeout(timer);
  };
}

/** Asks a runtime's trigger service to run `scheduled()`. */
export function fireScheduled(triggersSocketPath: string, cron: string, scheduledTime: number): Promise<string> {
  const query = new URLSearchParams({ cron, time: String(scheduledTime) });
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: triggersSocketPath, path: `/cdn-cgi/handler/scheduled?${query}` });
    outgoing.on('error', reject);
    outgoing.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode === 200 ? 'ok' : `failed (${answer.statusCode})`));
      answer.on('error', reject);
    });
    outgoing.end();
  });
}
