import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dial } from '../src/index.ts';
import { attemptDelay, dialFirst } from '../src/happy-eyeballs.ts';
import { connection, fakeDial, manualClock } from './support/fakes.ts';

const targets = ['2a00::1', '8.8.8.8', '2a00::2'].map((address) => ({ address, port: 80 }));
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(count = 3) {
  const clock = manualClock();
  const fake = fakeDial();
  const controller = new AbortController();
  const outcome = dialFirst(targets.slice(0, count), { dial: fake.dial, clock, signal: controller.signal });
  return { clock, controller, outcome, attempts: fake.attempts };
}

test('one address is dialled without timers and its error comes as it is', async () => {
  const { clock, outcome, attempts } = start(1);
  assert.deepEqual(clock.waiting, []);
  attempts[0]?.fail('ECONNREFUSED');
  await assert.rejects(outcome, { code: 'ECONNREFUSED' });
});

test('the next address is tried after the attempt delay [RFC 8305 5]', () => {
  const { clock, attempts } = start();
  assert.equal(attempts.length, 1);
  clock.advance(attemptDelay - 1);
  assert.equal(attempts.length, 1);
  clock.advance(1);
  assert.equal(attempts.length, 2);
  clock.advance(attemptDelay);
  assert.equal(attempts.length, 3);
  assert.deepEqual(clock.waiting, []);
  assert.deepEqual(
    attempts.map(({ address }) => address),
    ['2a00::1', '8.8.8.8', '2a00::2'],
  );
});

test('the next address is tried at once when the last one failed', async () => {
  const { clock, attempts } = start();
  attempts[0]?.fail('ENETUNREACH');
  await settled();
  assert.equal(attempts.length, 2);
  assert.deepEqual(clock.waiting, [attemptDelay]);
  clock.advance(attemptDelay);
  assert.equal(attempts.length, 3);
});

test('the failure of an older attempt does not hurry the next', async () => {
  const { clock, attempts } = start();
  clock.advance(attemptDelay);
  attempts[0]?.fail('ECONNREFUSED');
  await settled();
  assert.equal(attempts.length, 2);
});

test('the first connection wins, the others are cut off and no timer stays', async () => {
  const { clock, outcome, attempts } = start();
  clock.advance(attemptDelay);
  const winner = attempts[1]?.succeed();
  assert.equal(await outcome, winner);
  assert.deepEqual(
    attempts.map(({ aborted }) => aborted),
    [true, false],
  );
  assert.deepEqual(clock.waiting, []);
  assert.equal(winner?.stream.destroyed, false);
});

test('a connection that comes too late is destroyed', async () => {
  const late = connection('2a00::1', 80);
  const winner = connection('8.8.8.8', 80);
  const settle: ((dialled: typeof late) => void)[] = [];
  const dial: Dial = () => new Promise((resolve) => settle.push(resolve));
  const clock = manualClock();
  const outcome = dialFirst(targets.slice(0, 2), { dial, clock, signal: new AbortController().signal });
  clock.advance(attemptDelay);
  settle[1]?.(winner);
  await settled();
  settle[0]?.(late);
  assert.equal(await outcome, winner);
  await settled();
  assert.equal(late.stream.destroyed, true);
  assert.equal(winner.stream.destroyed, false);
});

test('when all fail the error holds each of theirs, in order', async () => {
  const { outcome, attempts } = start();
  const failed = assert.rejects(outcome, (error: unknown) => {
    assert.ok(error instanceof AggregateError);
    const codes = error.errors.map((each: { code: string }) => each.code);
    assert.deepEqual(codes, ['ENETUNREACH', 'ECONNREFUSED', 'ETIMEDOUT']);
    return true;
  });
  for (const [index, code] of ['ENETUNREACH', 'ECONNREFUSED', 'ETIMEDOUT'].entries()) {
    attempts[index]?.fail(code);
    await settled();
  }
  await failed;
});

test('an abort cuts every attempt off and leaves no timer', async () => {
  const { clock, controller, outcome, attempts } = start();
  clock.advance(attemptDelay);
  controller.abort(new Error('enough'));
  await assert.rejects(outcome, /enough/);
  assert.deepEqual(
    attempts.map(({ aborted }) => aborted),
    [true, true],
  );
  assert.deepEqual(clock.waiting, []);
});

test('an aborted signal starts nothing', async () => {
  const fake = fakeDial();
  const outcome = dialFirst(targets, {
    dial: fake.dial,
    clock: manualClock(),
    signal: AbortSignal.abort(new Error('enough')),
  });
  await assert.rejects(outcome, /enough/);
  assert.equal(fake.attempts.length, 0);
});

test('a dial that throws counts as a failed attempt', async () => {
  const { signal } = new AbortController();
  await assert.rejects(dialFirst(targets, { dial: throwing, clock: manualClock(), signal }), AggregateError);
});

function throwing(): never {
  throw new Error('no');
}
