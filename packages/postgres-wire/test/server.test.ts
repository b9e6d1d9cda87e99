// The package against real servers: logging in every way, and random pipelines whose answers the tracker must follow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, testAuthority, use } from '@sallyport/testkit';
import type { PostgresServer } from '@sallyport/testkit';
import * as fc from 'fast-check';
import * as wire from '../src/index.ts';
import { connectRaw } from './raw-connection.ts';
import type { RawConnection } from './raw-connection.ts';

for (const [auth, mechanism] of [
  ['scram-sha-256', 'SCRAM-SHA-256'],
  ['password', 'cleartext'],
  ['trust', undefined],
] as const) {
  test(`A server that asks for ${auth} lets us in`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const server = await use(t, startPostgres({ auth }));
    const connection = await use(t, connectRaw(server));
    assert.equal(connection.mechanism, mechanism);
    if (auth !== 'trust') await assert.rejects(connectRaw(server, { password: 'wrong' }), /password authentication/);
  });
}

test('A server that keeps md5 hashes lets us in', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres({ auth: 'md5', settings: { password_encryption: 'md5' } }));
  const admin = await use(t, connectRaw(server));
  admin.send(wire.toQuery(`alter user postgres password '${server.password}'`));
  await admin.until(wire.Backend.ReadyForQuery);
  const connection = await use(t, connectRaw(server));
  assert.equal(connection.mechanism, 'md5');
});

test('Over TLS the exchange is bound to the channel', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const server = await use(t, startPostgres({ tls: { certificate: await authority.issue('good') } }));
  const connection = await use(t, connectRaw(server, { ca: authority.ca, channelBinding: 'require' }));
  assert.equal(connection.mechanism, 'SCRAM-SHA-256-PLUS');
});

test('A newer minor version is negotiated down by an older server', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  await use(t, connectRaw(server, { minor: 2 }));
});

/** Requests that succeed, fail, copy, and open and end transactions, in every way the protocol has. */
const step = fc.oneof<fc.Arbitrary<readonly Buffer[]>[]>(
  fc
    .constantFrom(
      'select 1',
      'select 1/0',
      'begin',
      'commit',
      'rollback',
      '',
      'select 1; select 2',
      'select 1; select 1/0',
      'nonsense',
    )
    .map((query) => [wire.toQuery(query)]),
  fc
    .constantFrom('select 1', 'select 1/0', 'begin', 'commit', 'nonsense', '', 'select generate_series(1, 3)')
    .chain((query) =>
      fc.subarray([
        wire.toParse({ query }),
        wire.toBind({}),
        wire.toDescribe('portal'),
        wire.toDescribe('statement'),
        wire.toExecute('', 2),
        wire.toClose('statement'),
        wire.toClose('portal'),
      ]),
    ),
  fc.constant([wire.toSync()]),
  fc.constant([wire.toFlush()]),
  fc.constant([wire.toParse({ query: 'copy t to stdout' }), wire.toBind({}), wire.toExecute(), wire.toSync()]),
  fc
    .constantFrom('1\n', 'no number\n')
    .map((row) => [wire.toQuery('copy t from stdin'), wire.toCopyData(Buffer.from(row)), wire.toCopyDone()]),
  fc.constantFrom('1\n', '2\n3\n').map((row) => [
    // Past what may have failed before: in an error nobody reads CopyData, and in a transaction that failed nobody copies.
    wire.toSync(),
    wire.toQuery('rollback'),
    wire.toParse({ query: 'copy t from stdin' }),
    wire.toBind({}),
    wire.toExecute(),
    wire.toSync(),
    wire.toCopyData(Buffer.from(row)),
    wire.toCopyDone(),
    wire.toSync(),
    // Forgets the statement: executed once more with no CopyData behind it, it would end the connection.
    wire.toQuery('select 1'),
  ]),
);

async function runScript(connection: RawConnection, script: Buffer[]): Promise<wire.PipelineTracker<number>> {
  const skipped: number[] = [];
  const tracker = new wire.PipelineTracker<number>((token) => skipped.push(token));
  const marker = `marker ${Math.random()}`;
  const all = [
    ...script,
    wire.toSync(),
    wire.toQuery('rollback'),
    wire.toQuery(`do $$ begin raise notice '${marker}'; end $$`),
  ];
  let parses = 0;
  for (const message of all) {
    if (wire.Frontend.Parse === message[0]) tracker.sent(message[0], (parses += 1));
    else if (wire.trackedRequests.includes(message[0]!)) tracker.sent(message[0]!);
  }
  connection.send(...all);
  const answered: number[] = [];
  let fatal: string | undefined;
  for (let marked = false; ;) {
    const message = await connection.next();
    assert.ok(message !== undefined, `the server closed the connection: ${fatal}`);
    const reply = wire.parseBackend(message);
    if (reply.type === 'NoticeResponse' && reply.report.message === marker) marked = true;
    if (reply.type === 'ErrorResponse') fatal = reply.report.message;
    if (wire.trackedReplies.includes(message[0]!)) {
      const status = reply.type === 'ReadyForQuery' ? reply.status : undefined;
      const token = tracker.received(message[0]!, status);
      if (token !== undefined) answered.push(token);
    }
    if (marked && reply.type === 'ReadyForQuery') break;
    assert.ok(!tracker.idle || tracker.uncertain, 'idle before the last answer came');
  }
  // Every Parse was answered in its order or skipped, and none twice.
  assert.deepEqual(
    answered,
    answered.toSorted((a, b) => a - b),
  );
  assert.deepEqual(
    [...answered, ...skipped].sort((a, b) => a - b),
    Array.from({ length: parses }, (_, index) => index + 1),
  );
  return tracker;
}

test('The tracker follows a real server through random pipelines', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server: PostgresServer = await use(t, startPostgres({ auth: 'trust' }));
  const first = await use(t, connectRaw(server));
  first.send(wire.toQuery('create table t (number integer)'));
  await first.until(wire.Backend.ReadyForQuery);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const connection = await connectRaw(server);
      try {
        const tracker = await runScript(connection, steps.flat());
        assert.equal(tracker.outstanding, 0);
        assert.ok(tracker.idle);
      } finally {
        await connection[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 400 },
  );
});
