import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystemResolve, EgressError, maxPendingLookups } from '../src/index.ts';
import { addresses } from './support/fakes.ts';

const { signal } = new AbortController();

test('look-ups of one name are shared while they last, and not kept', async () => {
  const answers: (() => void)[] = [];
  const resolve = createSystemResolve({
    lookup: () => new Promise((settle) => answers.push(() => settle(addresses('8.8.8.8')))),
  });
  const both = [resolve('a.com', { signal }), resolve('a.com', { signal }), resolve('b.com', { signal })];
  assert.equal(answers.length, 2);
  for (const answer of answers) answer();
  assert.deepEqual(await Promise.all(both), Array(3).fill(addresses('8.8.8.8')));
  void resolve('a.com', { signal });
  assert.equal(answers.length, 3);
});

test('a failed look-up is not kept either', async () => {
  let asked = 0;
  const resolve = createSystemResolve({
    lookup: async () => {
      asked += 1;
      throw new Error('no');
    },
  });
  await assert.rejects(resolve('a.com', { signal }), /no/);
  await assert.rejects(resolve('a.com', { signal }), /no/);
  assert.equal(asked, 2);
});

test('a flood of names stops at maxPendingLookups with dns_busy', async () => {
  let asked = 0;
  const resolve = createSystemResolve({
    lookup: () => {
      asked += 1;
      return new Promise(() => {});
    },
  });
  for (let index = 0; index < maxPendingLookups; index += 1) void resolve(`${index}.com`, { signal });
  await assert.rejects(
    resolve('more.com', { signal }),
    (error: unknown) => error instanceof EgressError && error.code === 'dns_busy',
  );
  assert.equal(asked, maxPendingLookups);
});

test('the system resolver reads the hosts file', async () => {
  const answer = await createSystemResolve()('localhost', { signal });
  assert.ok(answer.some(({ address }) => address === '127.0.0.1' || address === '::1'));
});
