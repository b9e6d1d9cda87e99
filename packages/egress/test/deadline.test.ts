import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { startDeadline, untilAborted } from '../src/deadline.ts';
import { systemClock } from '../src/clock.ts';
import { manualClock } from './support/fakes.ts';

test('a deadline aborts when time is up and says so', () => {
  const clock = manualClock();
  const deadline = startDeadline(100, { clock });
  clock.advance(99);
  assert.equal(deadline.signal.aborted, false);
  clock.advance(1);
  assert.equal(deadline.signal.aborted, true);
  assert.equal(deadline.expired, true);
});

test("a deadline passes the caller's abort on with its reason", () => {
  const controller = new AbortController();
  const deadline = startDeadline(100, { clock: manualClock(), signal: controller.signal });
  controller.abort('enough');
  assert.equal(deadline.signal.reason, 'enough');
  assert.equal(deadline.expired, false);
  assert.equal(startDeadline(100, { clock: manualClock(), signal: controller.signal }).signal.aborted, true);
});

test('a released deadline leaves no timer and no listener', () => {
  const clock = manualClock();
  const { signal } = new AbortController();
  startDeadline(100, { clock, signal }).release();
  assert.deepEqual(clock.waiting, []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('untilAborted() settles with the work and removes its listener', async () => {
  const { signal } = new AbortController();
  assert.equal(await untilAborted(Promise.resolve(1), { signal }), 1);
  await assert.rejects(untilAborted(Promise.reject(new Error('no')), { signal }), /no/);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('untilAborted() rejects with the reason and hands a late result to onLate', async () => {
  const controller = new AbortController();
  const settle: ((result: string) => void)[] = [];
  const promise = new Promise<string>((resolve) => settle.push(resolve));
  const late: string[] = [];
  const outcome = untilAborted(promise, { signal: controller.signal, onLate: (result) => late.push(result) });
  controller.abort(new Error('enough'));
  await assert.rejects(outcome, /enough/);
  settle[0]?.('late');
  await promise;
  assert.deepEqual(late, ['late']);
});

test('the system clock calls back, can be cancelled, and takes endless waits for never', async () => {
  await new Promise<void>((resolve) => systemClock.after(0, resolve));
  systemClock.after(0, () => assert.fail('cancelled'))();
  systemClock.after(Infinity, () => assert.fail('never'));
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
});
