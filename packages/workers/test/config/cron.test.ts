import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseCron } from '../../src/config/cron.ts';
import { WorkersError } from '../../src/errors.ts';

/** The first `count` times after Saturday, 21 November 2026, 00:00 UTC. */
function runs(text: string, count = 3): string[] {
  const schedule = parseCron(text);
  const times: string[] = [];
  let at: Date | undefined = new Date('2026-11-21T00:00:00Z');
  while (times.length < count && (at = schedule.next(at)) !== undefined) times.push(at.toISOString().slice(0, 16));
  return times;
}

function days(text: string, count = 3): string[] {
  return runs(text, count).map((time) => time.slice(0, 10));
}

const cases: Record<string, string[]> = {
  '*/15 * * * *': ['2026-11-21T00:15', '2026-11-21T00:30', '2026-11-21T00:45'],
  '5/25 3 * * *': ['2026-11-21T03:05', '2026-11-21T03:30', '2026-11-21T03:55'],
  '0 22-1 * * *': ['2026-11-21T01:00', '2026-11-21T22:00', '2026-11-21T23:00'],
  '1,*/30 0 * * *': ['2026-11-21T00:01', '2026-11-21T00:30', '2026-11-22T00:00'],
  '0 0 1 jan,Mar *': ['2027-01-01T00:00', '2027-03-01T00:00', '2028-01-01T00:00'],
  '0 0 29 2 *': ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00'],
};
for (const [text, expected] of Object.entries(cases)) {
  test(`parseCron("${text}") runs at the documented times`, () => assert.deepEqual(runs(text), expected));
}

const dayCases: Record<string, string[]> = {
  '0 0 * * 1': ['2026-11-22', '2026-11-29', '2026-12-06'],
  '0 0 * * 7': ['2026-11-28', '2026-12-05', '2026-12-12'],
  '0 0 * * sun': ['2026-11-22', '2026-11-29', '2026-12-06'],
  '0 0 * * FRI-MON': ['2026-11-22', '2026-11-23', '2026-11-27'],
  '0 0 * * 2-6': ['2026-11-23', '2026-11-24', '2026-11-25'],
  '0 0 * * L': ['2026-11-28', '2026-12-05', '2026-12-12'],
  '0 0 * * 6L': ['2026-11-27', '2026-12-25', '2027-01-29'],
  '0 0 * * friL': ['2026-11-27', '2026-12-25', '2027-01-29'],
  '0 0 * * MON#1': ['2026-12-07', '2027-01-04', '2027-02-01'],
  '0 0 * * 2#5': ['2026-11-30', '2027-03-29', '2027-05-31'],
  '0 0 L * *': ['2026-11-30', '2026-12-31', '2027-01-31'],
  '0 0 LW * *': ['2026-11-30', '2026-12-31', '2027-01-29'],
  '0 0 L-3 * *': ['2026-11-27', '2026-12-28', '2027-01-28'],
  '0 0 L-1W * *': ['2026-11-30', '2026-12-30', '2027-01-29'],
  '0 0 15W * *': ['2026-12-15', '2027-01-15', '2027-02-15'],
  '0 0 1W * *': ['2026-12-01', '2027-01-01', '2027-02-01'],
  '0 0 13 * 6': ['2026-11-27', '2026-12-04', '2026-12-11'],
  '0 0 25 * 6': ['2026-11-25', '2026-11-27', '2026-12-04'],
  '0 0 L-3 * 2': ['2026-11-23', '2026-11-27', '2026-11-30'],
  '0 0 30 2 *': [],
  '0 0 L-30 2 *': [],
};
for (const [text, expected] of Object.entries(dayCases)) {
  test(`parseCron("${text}") runs on the documented days`, () => assert.deepEqual(days(text), expected));
}

for (const text of [
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 13 *',
  '* * * * 0',
  '* * * * 8',
  '* * * * MOND',
  '* * * * 2#6',
  '* * * * #2',
  '* * L-31 * *',
  '* * L,1 * *',
  '*/0 * * * *',
  '1-2-3 * * * *',
  '1/2/3 * * * *',
  '-1 * * * *',
  '@daily',
  '? * * * *',
  '0x1 * * * *',
]) {
  test(`parseCron("${text}") is refused with the reason`, () => {
    assert.throws(
      () => parseCron(text),
      (error: unknown) => error instanceof WorkersError && error.code === 'invalid_cron' && error.kind === 'user',
    );
  });
}

test('parseCron() answers any text with a schedule or a WorkersError', () => {
  const part = fc.stringMatching(/^[-*/,#LW0-9A-Z?]{0,6}$/);
  const expression = fc.oneof(
    fc.string(),
    fc.array(part, { minLength: 5, maxLength: 5 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(expression, (text) => {
      try {
        const from = new Date('2026-11-21T00:00:00Z');
        const next = parseCron(text).next(from);
        assert.ok(next === undefined || next > from);
      } catch (error) {
        assert.ok(error instanceof WorkersError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
