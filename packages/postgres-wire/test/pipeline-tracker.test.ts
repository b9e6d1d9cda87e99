// The tracker, told what a client sends and a server answers. Real servers: pipeline.server.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Backend, Frontend, maxPipelined, PipelineTracker, trackedReplies, trackedRequests } from '../src/index.ts';
import { isWireError } from './arbitraries.ts';

const { Parse, Bind, Describe, Execute, Sync, Query, CopyDone } = Frontend;
const { ParseComplete, BindComplete, NoData, CommandComplete, CopyInResponse, ErrorResponse, ReadyForQuery } = Backend;

function sent(tracker: PipelineTracker<string>, ...types: number[]): void {
  for (const type of types) tracker.sent(type);
}

function received(tracker: PipelineTracker<string>, ...types: number[]): void {
  for (const type of types) tracker.received(type, type === ReadyForQuery ? 'I' : undefined);
}

test('A connection is idle when the last Sync was answered, and not before', () => {
  const tracker = new PipelineTracker<string>();
  assert.ok(tracker.idle);
  sent(tracker, Parse, Bind, Describe, Execute, Sync, Query);
  received(tracker, ParseComplete, BindComplete, NoData, CommandComplete, ReadyForQuery);
  assert.ok(!tracker.idle);
  received(tracker, CommandComplete, CommandComplete, ErrorResponse, ReadyForQuery);
  assert.ok(tracker.idle);
  sent(tracker, Query);
  tracker.received(ReadyForQuery, 'T');
  assert.equal(tracker.outstanding, 0);
  assert.ok(!tracker.idle);
});

test('Requests without a Sync have a transaction open, though all are answered', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Parse, Bind, Execute);
  received(tracker, ParseComplete, BindComplete, CommandComplete);
  assert.equal(tracker.outstanding, 0);
  assert.ok(tracker.inTransaction);
  assert.ok(!tracker.idle);
  sent(tracker, Sync);
  received(tracker, ReadyForQuery);
  assert.ok(!tracker.inTransaction);
  assert.ok(tracker.idle);
  sent(tracker, Parse, Query);
  received(tracker, ParseComplete, CommandComplete, ReadyForQuery);
  assert.ok(tracker.idle);
});

test('Statements that were only prepared are told from what was carried out', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Parse, Describe);
  assert.ok(!tracker.onlyPrepares);
  received(tracker, ParseComplete, NoData);
  assert.ok(tracker.onlyPrepares);
  sent(tracker, Bind);
  received(tracker, BindComplete);
  assert.ok(!tracker.onlyPrepares);
  sent(tracker, Sync);
  received(tracker, ReadyForQuery);
  assert.ok(!tracker.onlyPrepares);
  sent(tracker, Parse);
  received(tracker, ErrorResponse);
  assert.ok(!tracker.onlyPrepares);
});

test('Tokens come back with their answers, in order', () => {
  const tracker = new PipelineTracker<string>();
  tracker.sent(Parse, 'one');
  tracker.sent(Parse, 'two');
  assert.equal(tracker.received(ParseComplete), 'one');
  assert.equal(tracker.received(ParseComplete), 'two');
});

test('After an error everything up to the next Sync is skipped, sent already or not', () => {
  const skipped: string[] = [];
  const tracker = new PipelineTracker<string>((token) => skipped.push(token));
  tracker.sent(Parse, 'failed');
  tracker.sent(Parse, 'behind it');
  received(tracker, ErrorResponse);
  assert.ok(tracker.skipping);
  tracker.sent(Parse, 'late');
  // A simple query is skipped too.
  tracker.sent(Query);
  assert.deepEqual(skipped, ['failed', 'behind it', 'late']);
  assert.equal(tracker.outstanding, 0);
  assert.ok(!tracker.idle);
  sent(tracker, Sync, Query);
  received(tracker, ReadyForQuery, ReadyForQuery);
  assert.ok(tracker.idle);
});

test('Syncs among CopyData have no answer, those behind CopyDone have', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Parse, Bind, Execute, Sync);
  received(tracker, ParseComplete, BindComplete, CopyInResponse);
  assert.ok(tracker.copyingIn);
  sent(tracker, Sync, CopyDone, Sync);
  received(tracker, CommandComplete, ReadyForQuery);
  assert.ok(tracker.idle && !tracker.uncertain);
});

test('A Sync that a copy swallows ends no transaction, and one of ours must not end it either', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Parse, Bind, Execute, Sync);
  received(tracker, ParseComplete, BindComplete, CopyInResponse);
  sent(tracker, CopyDone);
  received(tracker, CommandComplete);
  assert.ok(tracker.inTransaction && !tracker.idle && !tracker.onlyPrepares);
  sent(tracker, Sync);
  received(tracker, ReadyForQuery);
  assert.ok(tracker.idle);
  // What was sent behind it belongs to the same transaction.
  sent(tracker, Execute, Sync, CopyDone, Parse);
  received(tracker, CopyInResponse, CommandComplete, ParseComplete);
  assert.ok(tracker.inTransaction && !tracker.onlyPrepares);
});

test('A copy that was sent whole before its beginning was confirmed is understood', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Execute, Sync, CopyDone, Sync);
  received(tracker, CopyInResponse, CommandComplete, ReadyForQuery);
  assert.ok(tracker.idle && !tracker.uncertain);
  // And one that never began.
  sent(tracker, Execute, CopyDone, Sync);
  received(tracker, ErrorResponse, ReadyForQuery);
  assert.ok(tracker.idle && !tracker.uncertain);
});

test('A late CopyDone after a failed COPY leaves nothing to wait for', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Query);
  received(tracker, CopyInResponse, ErrorResponse, ReadyForQuery);
  sent(tracker, CopyDone);
  assert.ok(tracker.idle && !tracker.uncertain);
});

test('A COPY that fails among Syncs makes a connection uncertain, and nobody waits longer than its ReadyForQuery', () => {
  const tracker = new PipelineTracker<string>();
  sent(tracker, Execute, Sync);
  received(tracker, CopyInResponse, ErrorResponse);
  assert.ok(tracker.uncertain);
  sent(tracker, CopyDone, Sync);
  received(tracker, ReadyForQuery);
  assert.ok(tracker.idle && tracker.uncertain);
});

test('An answer nobody asked for is refused', () => {
  for (const type of [ReadyForQuery, ParseComplete, CommandComplete]) {
    const tracker = new PipelineTracker<string>();
    assert.throws(() => received(tracker, type), { code: 'unexpected_reply' });
  }
  const tracker = new PipelineTracker<string>();
  sent(tracker, Bind, Sync);
  assert.throws(() => received(tracker, ParseComplete), { message: /ParseComplete came, and Bind waits/ });
});

test('A pipeline has an end', () => {
  const tracker = new PipelineTracker<string>();
  for (let count = 0; count < maxPipelined; count += 1) tracker.sent(Sync);
  assert.throws(() => tracker.sent(Sync), { code: 'pipeline_too_long' });
});

test('No order of messages breaks it', () => {
  const event = fc.oneof(
    fc.constantFrom(...trackedRequests).map((type) => ({ sent: true, type })),
    fc.constantFrom(...trackedReplies).map((type) => ({ sent: false, type })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let tokens = 0;
      let back = 0;
      const tracker = new PipelineTracker<number>(() => (back += 1));
      for (const { sent: isSent, type } of events) {
        if (isSent) {
          const token = type === Parse ? (tokens += 1) : undefined;
          tracker.sent(type, token);
        } else {
          try {
            if (tracker.received(type, 'I') !== undefined) back += 1;
          } catch (error) {
            assert.ok(isWireError(error), String(error));
            return;
          }
        }
        // A token is waiting, or it came back once.
        assert.ok(back <= tokens && tokens - back <= tracker.outstanding);
      }
    }),
    { numRuns: 5_000 },
  );
});
