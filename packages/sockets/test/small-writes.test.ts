// What waits for the end of a turn: that it goes out as one, in order, and how much of it there may be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { maxBatch, smallWrite, SmallWrites } from '../src/worker/small-writes.ts';

const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function collect(headLength?: number): { writes: SmallWrites; sent: string[] } {
  const sent: string[] = [];
  return { writes: new SmallWrites((batch) => sent.push(toText(batch)), headLength), sent };
}

test('what is written in one turn goes out as one', async () => {
  const { writes, sent } = collect();
  for (const piece of ['P', 'arse', 'Bind', 'Sync']) writes.add(Buffer.from(piece));
  assert.deepEqual(sent, []);
  await setImmediate();
  writes.add(Buffer.from('next'));
  await setImmediate();
  assert.deepEqual(sent, ['ParseBindSync', 'next']);
});

test('what a stream hands over chunk by chunk goes out as one', async () => {
  const { writes, sent } = collect();
  const stream = new WritableStream<Uint8Array>({ write: (chunk) => writes.add(chunk) }, { highWaterMark: 1 });
  const writer = stream.getWriter();
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((piece) => writer.write(Buffer.from(piece))));
  await setImmediate();
  assert.deepEqual(sent, ['abcde']);
});

test('the caller may use its buffer again, and room for a head is left', async () => {
  const { writes, sent } = collect(2);
  const buffer = Buffer.from('one');
  writes.add(buffer);
  buffer.fill('x');
  writes.add(Buffer.from('two'));
  await setImmediate();
  assert.deepEqual(sent, ['\0\0onetwo']);
});

test('flush() sends at once what waits, and nothing twice', async () => {
  const { writes, sent } = collect();
  writes.flush();
  writes.add(Buffer.from('one'));
  writes.flush();
  assert.deepEqual(sent, ['one']);
  await setImmediate();
  assert.deepEqual(sent, ['one']);
});

test('neither a large write nor more than a batch may wait', () => {
  const { writes } = collect();
  assert.equal(writes.takes(smallWrite), false);
  for (let length = 0; length + 1_024 <= maxBatch; length += 1_024) {
    assert.equal(writes.takes(1_024), true);
    writes.add(new Uint8Array(1_024));
  }
  assert.equal(writes.takes(1_024), false);
  writes.flush();
  assert.equal(writes.takes(1_024), true);
});
