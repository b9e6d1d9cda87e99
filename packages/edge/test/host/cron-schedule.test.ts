// When crons fire, on a clock that the test moves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CronClock, fireScheduled, startCronSchedule } from '../../src/host/cron-schedule.ts';
import { temporaryFolder } from '../support/dev-bench.ts';

const minute = 60_000;

/** A clock with timers that fire when it is moved past them. */
class Clock implements CronClock {
  time = Date.UTC(2026, 0, 31, 23, 58, 30);
  readonly delays: number[] = [];
  readonly #timers = new Map<NodeJS.Timeout, { due: number; run: () => void }>();

  now = (): number => this.time;

  setTimeout = (run: () => void, delay: number): NodeJS.Timeout => {
    const timer = Symbol('timer') as unknown as NodeJS.Timeout;
    this.delays.push(delay);
    this.#timers.set(timer, { due: this.time + delay, run });
    return timer;
  };

  clearTimeout = (timer: NodeJS.Timeout): void => void this.#timers.delete(timer);

  get armed(): number {
    return this.#timers.size;
  }

  /** Moves to a time at once, as a machine that slept does, and fires what is due. */
  jump(milliseconds: number): void {
    this.time += milliseconds;
    for (const [timer, { due, run }] of Array.from(this.#timers)) {
      if (due > this.time) continue;
      this.#timers.delete(timer);
      run();
    }
  }
}

function start(crons: string[], outcome: () => Promise<string> = () => Promise.resolve('ok')) {
  const clock = new Clock();
  const fired: [string, string][] = [];
  const reported: [string, string][] = [];
  const stop = startCronSchedule({
    crons,
    clock,
    fire: (cron, time) => {
      fired.push([cron, new Date(time).toISOString()]);
      return outcome();
    },
    onFired: (...report) => reported.push(report),
  });
  return { clock, fired, reported, stop };
}

test('a cron fires at its times, each with the time it was meant for', () => {
  const { clock, fired } = start(['* * * * *']);
  clock.jump(29_999);
  assert.deepEqual(fired, []);
  for (let round = 0; round < 3; round += 1) clock.jump(minute);
  assert.deepEqual(fired, [
    ['* * * * *', '2026-01-31T23:59:00.000Z'],
    ['* * * * *', '2026-02-01T00:00:00.000Z'],
    ['* * * * *', '2026-02-01T00:01:00.000Z'],
  ]);
});

test('several crons fire independently', () => {
  const { clock, fired } = start(['0 0 1 * *', '*/2 * * * *']);
  clock.jump(90_000);
  assert.deepEqual(fired.map(([cron]) => cron).toSorted(), ['*/2 * * * *', '0 0 1 * *']);
});

test('times that passed while the machine slept are not made up for', () => {
  const { clock, fired } = start(['* * * * *']);
  clock.jump(8 * 60 * minute);
  clock.jump(0);
  assert.equal(fired.length, 1);
  clock.jump(minute);
  assert.equal(fired.length, 2);
});

test('a timer that is early waits for the rest, and a far date in steps', () => {
  const { clock, fired } = start(['0 0 1 6 *']);
  assert.equal(clock.delays[0], 2_147_483_647);
  clock.jump(2_147_483_647);
  assert.deepEqual(fired, []);
  assert.equal(clock.armed, 1);
});

test('outcomes and failures are reported', async () => {
  const good = start(['* * * * *']);
  good.clock.jump(minute);
  const bad = start(['* * * * *'], () => Promise.reject(new Error('no runtime')));
  bad.clock.jump(minute);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(good.reported, [['* * * * *', 'ok']]);
  assert.deepEqual(bad.reported, [['* * * * *', 'no runtime']]);
});

test('a stopped schedule fires nothing', () => {
  const { clock, fired, stop } = start(['* * * * *']);
  stop();
  clock.jump(minute);
  assert.deepEqual([fired, clock.armed], [[], 0]);
});

test('the outcome of a fired event is what the runtime answers', async (t) => {
  const path = join(await temporaryFolder(t), 'triggers.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (asked.length > 2) return void response.destroy();
    response.statusCode = asked.length === 1 ? 200 : 500;
    response.end('{}');
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => void server.close());
  assert.equal(await fireScheduled(path, '*/5 * * * *', 1234), 'ok');
  assert.deepEqual(asked, ['/cdn-cgi/handler/scheduled?cron=*%2F5+*+*+*+*&time=1234']);
  assert.equal(await fireScheduled(path, '* * * * *', 1), 'failed (500)');
  await assert.rejects(fireScheduled(path, '* * * * *', 1), { code: 'ECONNRESET' });
});
