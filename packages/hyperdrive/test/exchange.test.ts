// What an idle client sends becomes an exchange when it is one whole request, and may be answered without the origin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import type { Answerer, Exchange } from '../src/index.ts';
import { readExchange } from '../src/session/exchange.ts';
import { connectRaw } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

const nothing = { bodyOf: () => undefined };
const read = (...messages: Buffer[]): Exchange | 'partial' | undefined =>
  readExchange(Buffer.concat(messages), nothing);
const parse = wire.toParse({ name: 'a', query: 'select $1', parameterTypes: [23] });
const bind = wire.toBind({ statement: 'a', parameters: [Buffer.from('7')] });
const execute = wire.toExecute('', 0);
const sync = wire.toSync();

test('A Query, and a batch about one statement up to its Sync, are exchanges', () => {
  assert.equal((read(wire.toQuery('select 1')) as Exchange).text.toString(), 'select 1');
  const exchange = read(parse, bind, wire.toDescribe('portal'), execute, sync) as Exchange;
  assert.equal(exchange.shape, 'PBDE0S');
  assert.equal(exchange.statement, 'a');
  assert.equal(exchange.text.toString(), 'select $1');
  assert.deepEqual([...exchange.types], [0, 1, 0, 0, 0, 23]);
  assert.equal((read(parse, wire.toDescribe('statement', 'a'), sync) as Exchange).shape, 'PdS');
  const body = Buffer.from('select 2\0\0\0');
  const bound = readExchange(Buffer.concat([bind, execute, sync]), { bodyOf: () => body }) as Exchange;
  assert.equal(bound.text.toString(), 'select 2');
  assert.equal(bound.parse, undefined);
});

test('Anything else is none', () => {
  const none: Buffer[][] = [
    [wire.toQuery('select 1'), wire.toQuery('select 2')],
    [bind, execute, sync],
    [parse, bind, execute, bind, execute, sync],
    [parse, bind, wire.toFlush(), sync],
    [parse, wire.toBind({ statement: 'b' }), execute, sync],
    [parse, bind, execute, sync, sync],
    [parse, wire.toClose('statement', 'a'), sync],
    [sync],
    [wire.toFlush()],
    [wire.toQuery('x'.repeat(70_000))],
    [Buffer.of(0x51, 0xff, 0xff, 0xff, 0xff)],
    [Buffer.of(0x51, 0, 0, 0, 0, 0)],
  ];
  for (const messages of none) assert.equal(read(...messages), undefined);
  const taken = readExchange(Buffer.concat([parse, sync]), { bodyOf: () => Buffer.from('select 3\0\0\0') });
  assert.equal(taken, undefined);
});

test('Every beginning of an exchange is known to be one', () => {
  for (const whole of [wire.toQuery('select 1'), Buffer.concat([parse, bind, execute, sync])]) {
    for (let end = 1; end < whole.length; end += 1) assert.equal(read(whole.subarray(0, end)), 'partial');
  }
});

test('Half a message takes no connection from anybody', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const slow = await connectRaw({ ...ownCredentials, port });
  t.after(() => slow.close());
  const query = wire.toQuery('select 1 as one');
  slow.send(query.subarray(0, 9));
  const other = await client();
  for (let round = 0; round < 3; round += 1) assert.equal((await other.query('select 2')).rowCount, 1);
  slow.send(query.subarray(9));
  assert.equal((await slow.until(wire.Backend.ReadyForQuery)).at(-1)?.[0], wire.Backend.ReadyForQuery);
});

const keyOf = ({ text, bind: values, shape }: Exchange): string =>
  `${shape}|${text.toString('latin1')}|${values?.toString('latin1')}`;

test('What an answerer has recorded it can answer, and its statement is the client’s', async (t) => {
  if (!needs(t, 'postgres')) return;
  const answers = new Map<string, Buffer>();
  const statuses: string[] = [];
  let hits = 0;
  const answerer: Answerer = {
    answer(exchange, asking) {
      const known = answers.get(keyOf(exchange));
      if (known !== undefined) {
        hits += 1;
        if (hits % 2 === 0) {
          asking.write(known);
          return 'answered';
        }
        setImmediate(() => {
          asking.write(known);
          asking.finished();
        });
        return 'later';
      }
      const chunks: Buffer[] = [];
      exchange.recorder = {
        bytes: (chunk) => chunks.push(Buffer.from(chunk)),
        settled: (status) => {
          statuses.push(status);
          answers.set(keyOf(exchange), Buffer.concat(chunks));
        },
        lost: () => {},
      };
      return undefined;
    },
  };
  const { client, pooler } = await startSetup(t, { pool: { maxConnections: 1 }, answerer });
  const [one, other] = [await client(), await client()];
  const query = { name: 'n', text: 'select $1::int as n', values: [5] };
  const first = await one.query(query);
  const second = await other.query(query);
  assert.deepEqual(second.rows, first.rows);
  assert.equal(hits, 1);
  // Prepared by a hit, and used at the origin.
  assert.deepEqual((await other.query({ ...query, values: [6] })).rows, [{ n: 6 }]);
  assert.deepEqual((await other.query({ ...query, values: [6] })).rows, [{ n: 6 }]);
  assert.equal(hits, 2);
  assert.deepEqual([...new Set(statuses)], ['I']);
  assert.ok(pooler.metrics.querySeconds.count > 0 && pooler.metrics.clientBytesOut > 0);
  assert.deepEqual(pooler.status.clientStates, { idle: 2 });
});
