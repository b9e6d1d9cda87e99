// As differential.test.ts, with what carries data: parameters as text and as bytes, COPY both ways, notices, several
// statements in one query, errors in the middle of all of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import * as fc from 'fast-check';
import { play, toPlain } from './differential-kit.ts';
import type { Plain } from './differential-kit.ts';
import { connectRaw } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const int4 = 23;

/** As text or as four bytes; sometimes neither, which is an error. */
const parameter = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.integer({ min: -1_000, max: 1_000 }).map((n) => ({ format: 0, value: Buffer.from(`${n}`) })),
  },
  {
    weight: 5,
    arbitrary: fc.integer({ min: -1_000, max: 1_000 }).map((n) => {
      const value = Buffer.alloc(4);
      value.writeInt32BE(n);
      return { format: 1, value };
    }),
  },
  fc.constantFrom(
    { format: 0, value: Buffer.from('no number') },
    { format: 1, value: Buffer.from([1, 2, 3]) },
    { format: 0, value: null },
  ),
);

const name = fc.constantFrom('', 'a', 'b');
const query = fc.constantFrom(
  'select $1::int4 + 1 as p',
  'select 10 / $1::int4 as q',
  'select generate_series(1, $1::int4) as s',
  'select $1::int4::text as t, null as nothing, repeat($2, 3000) as long',
  'insert into numbers values ($1)',
);

/** A statement with parameters, by any name, in both formats. */
const execution = fc
  .record({
    statement: name,
    text: query,
    isPrepared: fc.boolean(),
    declares: fc.boolean(),
    parameters: fc.array(parameter, { minLength: 1, maxLength: 2 }),
    resultFormat: fc.constantFrom(0, 1),
    describes: fc.constantFrom('no', 'statement', 'portal'),
    maxRows: fc.constantFrom(0, 0, 2),
    syncs: fc.boolean(),
  })
  .map(({ statement, text, isPrepared, declares, parameters, resultFormat, describes, maxRows, syncs }) => [
    ...(isPrepared ? [] : [wire.toParse({ name: statement, query: text, parameterTypes: declares ? [int4] : [] })]),
    ...(describes === 'statement' ? [wire.toDescribe('statement', statement)] : []),
    wire.toBind({
      statement,
      parameterFormats: parameters.map(({ format }) => format),
      parameters: parameters.map(({ value }) => value),
      resultFormats: [resultFormat],
    }),
    ...(describes === 'portal' ? [wire.toDescribe('portal')] : []),
    wire.toExecute('', maxRows),
    ...(maxRows > 0 ? [wire.toExecute('', 0)] : []),
    ...(syncs ? [wire.toSync()] : []),
  ]);

const good = wire.toCopyData(Buffer.from('1\n2\n'));
const cut = [wire.toCopyData(Buffer.from('1')), wire.toCopyData(Buffer.from('2\n'))];
const wrong = wire.toCopyData(Buffer.from('no number\n'));
const copies = fc
  .record({
    isSimple: fc.boolean(),
    data: fc.constantFrom([good], [good, good], cut, [wrong], [good, wrong, good], []),
    end: fc.constantFrom(wire.toCopyDone(), wire.toCopyFail('enough')),
    table: fc.constantFrom('numbers', 'numbers', 'nowhere'),
  })
  .map(({ isSimple, data, end, table }) => {
    const text = `copy ${table} from stdin`;
    if (isSimple) return [wire.toQuery(text), ...data, end];
    return [wire.toParse({ query: text }), wire.toBind({}), wire.toExecute(), ...data, end, wire.toSync()];
  });

const simple = fc
  .constantFrom(
    'begin',
    'commit',
    'rollback',
    "do $$ begin raise notice 'n'; raise warning 'w'; end $$",
    "do $$ begin raise notice 'n'; raise exception 'e'; end $$",
    'select 1; select 2; select 3',
    'select 1; select 1/0; select 3',
    'copy (select generate_series(1, 3)) to stdout',
    'copy (select 1 / (n - 2) from generate_series(1, 3) n) to stdout',
    'begin; insert into numbers values (1); savepoint s',
    '',
    'select n, repeat(n::text, 700) from generate_series(1, 30) n',
  )
  .map((text) => [wire.toQuery(text)]);

const script = fc.array(fc.oneof(execution, execution, simple, copies), { maxLength: 8 });
/** Where the client waits for answers before it goes on. */
const pauses = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });

/**
 * In a failed transaction a statement that the connection does not hold cannot be parsed: a Bind that does not fit it
 * fails because of the transaction, and not because it does not fit.
 */
function asPooled(straight: Plain, pooled: Plain | undefined): Plain {
  const isUnparsed = straight.sqlstate === '08P01' && pooled?.sqlstate === '25P02';
  return isUnparsed ? { ...straight, sqlstate: '25P02' } : straight;
}

test('Requests with data have the same answers through the pooler as straight', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { server, port, direct, pooler } = await startSetup(t, {
    postgres: { auth: 'trust' },
    auth: 'trust',
    origin: { applicationName: '' },
    pool: { maxConnections: 2, maxPrepared: 2 },
  });
  const admin = await direct();
  await admin.query('create table numbers (n int)');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(script, pauses), { minLength: 1, maxLength: 4 }), async (scripts) => {
      const answersFrom = (where: { port: number; user: string; database: string }): Promise<Plain[][]> =>
        Promise.all(
          scripts.map(async ([steps, waits]) => {
            const client = await connectRaw(where);
            try {
              return await play(client, steps, { waits, toAnswer: (reply) => toPlain(reply) });
            } finally {
              await client.leave();
            }
          }),
        );
      const straight = await answersFrom(server);
      const pooled = await answersFrom({ ...ownCredentials, port });
      assert.deepEqual(
        pooled,
        straight.map((answers, client) => answers.map((answer, index) => asPooled(answer, pooled[client]?.[index]))),
      );
      assert.ok(pooler.status.connections <= 2);
    }),
    { numRuns: 120 },
  );
});
