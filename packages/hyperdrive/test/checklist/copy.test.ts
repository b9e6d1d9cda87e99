// PgBouncer's test_copy, what ../copy.test.ts does not have: COPY in transactions, and through prepared statements.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { ask, execute, prepare, startRawSetup } from './kit.ts';
import type { RawSetup } from './kit.ts';

const row = wire.toCopyData(Buffer.from('1\n'));
const wrong = wire.toCopyData(Buffer.from('no number\n'));
const done = wire.toCopyDone();
const copyIn = 'copy t from stdin';

async function startCopying(t: TestScope): Promise<RawSetup> {
  const setup = await startRawSetup(t, { pool: { maxConnections: 1 } });
  const direct = await setup.direct();
  await direct.query('create table t (n int)');
  return setup;
}

for (const [title, messages, answers] of [
  ['success_prepared', [row, done, wire.toSync()], ['2', 'G', 'C COPY 1', 'Z I']],
  ['error_before_copy_done_prepared', [wrong, row, done, wire.toSync()], ['2', 'G', 'E 22P02', 'Z I']],
  [
    'error_after_copy_done_prepared',
    [wire.toCopyData(Buffer.from('no number')), done, wire.toSync()],
    ['2', 'G', 'E 22P02', 'Z I'],
  ],
] as const) {
  test(`${title}: COPY in through a named statement, again and again`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { raw, pooler } = await startCopying(t);
    const [one, other] = [await raw(), await raw()];
    for (const client of [one, other]) await ask(client, [prepare('copying', copyIn), wire.toSync()]);
    for (const client of [one, other, one]) {
      // No Sync before the data: a Sync in a COPY is nothing [pg 55.2.7].
      assert.deepEqual(await ask(client, [...execute('copying', { sync: false }), ...messages]), answers);
      assert.deepEqual(await ask(client, [wire.toQuery('select 1')]), ['T', 'D 1', 'C SELECT 1', 'Z I']);
    }
    assert.equal(pooler.status.connections, 1);
  });
}

test('error_after_copy_done_simple: a row that is found wrong at the end', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startCopying(t);
  const client = await raw();
  const unfinished = wire.toCopyData(Buffer.from('no number'));
  assert.deepEqual(await ask(client, [wire.toQuery(copyIn), unfinished, done]), ['G', 'E 22P02', 'Z I']);
  assert.deepEqual(await ask(client, [wire.toQuery(copyIn), row, done]), ['G', 'C COPY 1', 'Z I']);
});

test('stdout_prepared: COPY out through a named statement', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startCopying(t);
  const client = await raw();
  await ask(client, [prepare('out', 'copy (select generate_series(1, 3)) to stdout'), wire.toSync()]);
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await ask(client, execute('out')), ['2', 'H', 'd', 'd', 'd', 'c', 'C COPY 3', 'Z I']);
  }
});

test('error_before_copy_done_in_transaction: the transaction stays failed, and its client’s', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startCopying(t);
  const [client, other] = [await raw(), await raw()];
  for (const copying of [[wire.toQuery(copyIn)], [prepare('', copyIn), ...execute('', { sync: false })]]) {
    await ask(client, [wire.toQuery('begin')]);
    const isSimple = copying.length === 1;
    const answers = await ask(client, [...copying, wrong, row, done, ...(isSimple ? [] : [wire.toSync()])]);
    assert.deepEqual(answers.slice(-2), ['E 22P02', 'Z E']);
    const waits = ask(other, [wire.toQuery('select count(*) from t')]);
    assert.deepEqual(await ask(client, [wire.toQuery('select 1')]), ['E 25P02', 'Z E']);
    assert.deepEqual(await ask(client, [wire.toQuery('rollback')]), ['C ROLLBACK', 'Z I']);
    assert.deepEqual((await waits)[1], 'D 0');
  }
});

test('error_before_copy_done_transaction_pool: a CopyDone that comes late leaves nothing to be answered', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, pooler } = await startCopying(t);
  const [client, other] = [await raw(), await raw()];
  for (let round = 0; round < 5; round += 1) {
    assert.deepEqual(await ask(client, [wire.toQuery(copyIn), wrong]), ['G', 'E 22P02', 'Z I']);
    client.send(row, done);
    const answers = ask(other, [wire.toQuery('select 2')]);
    assert.deepEqual(await answers, ['T', 'D 2', 'C SELECT 1', 'Z I']);
  }
  assert.deepEqual(await ask(client, [wire.toQuery('select 3')]), ['T', 'D 3', 'C SELECT 1', 'Z I']);
  assert.equal(pooler.status.connections, 1);
});

test('COPY of many rows both ways, in pieces of any size', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, client } = await startCopying(t);
  const copying = await raw();
  const rows = 5_000;
  const data = Buffer.from(Array.from({ length: rows }, (_, n) => `${n}\n`).join(''));
  copying.send(wire.toQuery(copyIn));
  await copying.until(wire.Backend.CopyInResponse);
  for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7 + 13) % 4_096) {
    copying.send(wire.toCopyData(data.subarray(at, at + size)));
  }
  assert.deepEqual(await ask(copying, [done]), [`C COPY ${rows}`, 'Z I']);
  const one = await client();
  const { rows: counted } = await one.query('select count(distinct n)::int as n, max(n) as last from t');
  assert.deepEqual(counted, [{ n: rows, last: rows - 1 }]);
});
