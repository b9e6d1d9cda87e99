// The same random requests, straight to a server and through the pooler, must have the same answers: byte for byte,
// where names and process ids do not differ. Several clients at once share fewer connections, so whatever one leaves
// behind would show in another's answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import * as fc from 'fast-check';
import type { Pooler } from '../src/index.ts';
import { play, toPlain } from './differential-kit.ts';
import type { Plain } from './differential-kit.ts';
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
const toPrepare = (statement: string, text: string): Buffer[] => [
  wire.toParse({ name: statement, query: text }),
  wire.toSync(),
];
const again = name.map((statement) => [wire.toBind({ statement }), wire.toExecute(), wire.toSync()]);
const script = fc.array(fc.oneof(anyRequest, sensible, again, closing), { maxLength: 14 });
/** Where the client waits for answers before it goes on. */
const pauses = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });

/** A statement has another name at the origin, and the message tells it. */
const toPlainText = (reply: Buffer): Plain =>
  toPlain(reply, (text) =>
    text
      .replace(/"(?:sallyport_\d+|unknown_)?(\w*)"/g, '"…"')
      .replace('unnamed prepared statement', 'prepared statement "…"'),
  );

const playScript: Player = (client, steps, waits) => play(client, steps, { waits, toAnswer: toPlainText });

type Script = [Buffer[][], boolean[]];
type Player = (client: RawClient, steps: Buffer[][], waits: boolean[]) => Promise<unknown[]>;

interface Where {
  port: number;
  user: string;
  database: string;
}

function answersFrom(all: Script[], player: Player, where: Where): Promise<unknown[][]> {
  return Promise.all(
    all.map(async ([steps, waits]) => {
      const client = await connectRaw(where);
      try {
        return await player(client, steps, waits);
      } finally {
        await client.leave();
      }
    }),
  );
}

/** The same scripts straight and through a pooler of two connections, again and again. */
async function compare(
  t: TestContext,
  scripts: fc.Arbitrary<Script[]>,
  { player, numRuns }: { player: Player; numRuns: number },
): Promise<Pooler> {
  const { server, port, pooler } = await startSetup(t, {
    postgres: { auth: 'trust' },
    auth: 'trust',
    // The one thing in which the origin's answers may differ.
    origin: { applicationName: '' },
    pool: { maxConnections: 2, maxPrepared: 3 },
  });
  await fc.assert(
    fc.asyncProperty(scripts, async (all) => {
      const straight = await answersFrom(all, player, server);
      const pooled = await answersFrom(all, player, { ...ownCredentials, port });
      assert.deepEqual(pooled, straight);
    }),
    { numRuns },
  );
  return pooler;
}

test('Random requests have the same answers through the pooler as straight', async (t) => {
  if (!needs(t, 'postgres')) return;
  await compare(t, fc.array(fc.tuple(script, pauses), { minLength: 1, maxLength: 4 }), {
    player: playScript,
    numRuns: 200,
  });
});

const read = fc.constantFrom('select 1 as one', 'select 2 as two', 'select 1/0', 'select 1 + 2', 'nonsense');
/** Whole requests: reads in every way to ask, failing ones among them, and a transaction now and then. */
const wholeRequest: fc.Arbitrary<Buffer[]> = fc.oneof(
  { weight: 4, arbitrary: read.map((text) => [wire.toQuery(text)]) },
  {
    weight: 4,
    arbitrary: read.map((text) => [wire.toParse({ query: text }), wire.toBind({}), wire.toExecute(), wire.toSync()]),
  },
  { weight: 2, arbitrary: fc.tuple(name, read).map(([statement, text]) => toPrepare(statement, text)) },
  { weight: 4, arbitrary: again },
  { weight: 1, arbitrary: fc.constant<Buffer[]>([wire.toQuery('begin')]) },
  { weight: 1, arbitrary: fc.constant<Buffer[]>([wire.toQuery('rollback')]) },
);

/** Each request when the one before it was answered, as most drivers do. */
async function playInTurn(client: RawClient, steps: Buffer[][]): Promise<unknown[]> {
  const answers: Buffer[] = [];
  for (const step of steps) {
    client.send(...step);
    answers.push(...(await client.until(wire.Backend.ReadyForQuery)));
  }
  return answers.map((reply) => toPlainText(reply));
}

test('Reads that share connections have the same answers as straight', async (t) => {
  if (!needs(t, 'postgres')) return;
  const scripts = fc.tuple(fc.array(wholeRequest, { maxLength: 14 }), pauses);
  const pooler = await compare(t, fc.array(scripts, { minLength: 6, maxLength: 8 }), {
    player: playInTurn,
    numRuns: 60,
  });
  assert.ok(pooler.metrics.sharedQueries > 0, `${pooler.metrics.sharedQueries} were shared`);
});
