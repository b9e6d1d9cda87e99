// The same random requests, straight to a server and through the pooler, must have the same answers: byte for byte,
// where names and process ids do not differ. Several clients at once share fewer connections, so whatever one leaves
// behind would show in another's answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import * as fc from 'fast-check';
import { connectRaw } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const queries = [
  'select 1 as one',
  'select 2 as two',
  'select 1/0',
  'begin',
  'commit',
  'rollback',
  'nonsense',
  '',
  'select generate_series(1, 3)',
  'select 1; select 1/0',
  'insert into pg_temp.missing values (1)',
  'savepoint s',
  'rollback to s',
  "select set_config('application_name', 'x', true)",
  'set local timezone to utc',
];
const name = fc.constantFrom('', 'a', 'b', 'c');
const query = fc.constantFrom(...queries);

/** One message of the extended protocol; parameters and copies are tested elsewhere. */
const anyRequest: fc.Arbitrary<Buffer[]> = fc.oneof(
  fc.tuple(name, query).map(([statement, text]) => [wire.toParse({ name: statement, query: text })]),
  name.map((statement) => [wire.toBind({ statement })]),
  // Bound first: a statement without result can be described in a failed transaction, but not prepared there again, as
  // it may have to be (DESIGN.md, known differences).
  name.map((statement) => [wire.toBind({ statement }), wire.toDescribe('statement', statement)]),
  fc.constant<Buffer[]>([wire.toDescribe('portal')]),
  fc.constant<Buffer[]>([wire.toExecute('', 0)]),
  fc.constant<Buffer[]>([wire.toExecute('', 1)]),
  fc.constant<Buffer[]>([wire.toFlush()]),
  fc.constant<Buffer[]>([wire.toSync()]),
  query.map((text) => [wire.toQuery(text)]),
);
/** Requests that make sense, so that more than errors happens. */
const sensible = fc
  .tuple(name, query)
  .map(([statement, text]) => [
    wire.toParse({ name: statement, query: text }),
    wire.toBind({ statement }),
    wire.toDescribe('portal'),
    wire.toExecute(),
    wire.toSync(),
  ]);
/** Not to be skipped: a name whose Close was is gone until the client hears of it (DESIGN.md, known differences). */
const closing = name.map((statement) => [wire.toSync(), wire.toClose('statement', statement), wire.toSync()]);
const again = name.map((statement) => [wire.toBind({ statement }), wire.toExecute(), wire.toSync()]);
const script = fc.array(fc.oneof(anyRequest, sensible, again, closing), { maxLength: 14 });
/** Where the client waits for answers before it goes on. */
const pauses = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });

/** What an answer says, without what may differ: whose name, which process, and where in the server's source. */
function toPlain(reply: Buffer): unknown {
  const message = wire.parseBackend(reply);
  if (message.type !== 'ErrorResponse' && message.type !== 'NoticeResponse') return message;
  const { sqlstate, severityCode, message: text } = message.report;
  // A statement has another name at the origin, and the message tells it.
  return {
    type: message.type,
    sqlstate,
    severityCode,
    text: text
      ?.replace(/"(?:sallyport_\d+|unknown_)?(\w*)"/g, '"…"')
      .replace('unnamed prepared statement', 'prepared statement "…"'),
  };
}

async function play(client: RawClient, steps: Buffer[][], waits: boolean[]): Promise<unknown[]> {
  const answers: Buffer[] = [];
  for (const [index, step] of steps.entries()) {
    client.send(...step);
    if (waits[index] === true) answers.push(...(await client.untilAnswered()));
  }
  client.send(wire.toSync(), wire.toQuery('rollback'));
  answers.push(...(await client.untilAnswered()));
  return answers.map((reply) => toPlain(reply));
}

test('Random requests have the same answers through the pooler as straight', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { server, port } = await startSetup(t, {
    postgres: { auth: 'trust' },
    auth: 'trust',
    // The one thing in which the origin's answers may differ.
    origin: { applicationName: '' },
    pool: { maxConnections: 2, maxPrepared: 3 },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(script, pauses), { minLength: 1, maxLength: 4 }), async (scripts) => {
      const answersFrom = (where: { port: number; user: string; database: string }): Promise<unknown[][]> =>
        Promise.all(
          scripts.map(async ([steps, waits]) => {
            const client = await connectRaw(where);
            try {
              return await play(client, steps, waits);
            } finally {
              await client.leave();
            }
          }),
        );
      const straight = await answersFrom(server);
      const pooled = await answersFrom({ ...ownCredentials, port });
      assert.deepEqual(pooled, straight);
    }),
    { numRuns: 200 },
  );
});
