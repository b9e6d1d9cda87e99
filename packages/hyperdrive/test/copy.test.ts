// COPY both ways through the pooler, with what goes wrong in it: PgBouncer's own list of cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import { connectRaw } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';
import type { Setup } from './pooler-setup.ts';

const copyIn = 'copy t from stdin';
const row = wire.toCopyData(Buffer.from('1\n'));
const wrong = wire.toCopyData(Buffer.from('no number\n'));
const end = wire.toCopyDone();
const extended = (query: string): Buffer[] => [
  wire.toParse({ query }),
  wire.toBind({}),
  wire.toExecute(),
  wire.toSync(),
];

async function startCopying(t: TestScope): Promise<Setup & { raw: () => Promise<RawClient> }> {
  const setup = await startSetup(t, { pool: { maxConnections: 1 }, auth: 'trust' });
  const direct = await setup.direct();
  await direct.query('create table t (n int)');
  return { ...setup, raw: () => connectRaw({ ...ownCredentials, port: setup.port }) };
}

/** Types of the answers, as letters. */
const letters = (answers: Buffer[]): string => answers.map((answer) => String.fromCharCode(answer[0]!)).join('');

for (const [title, messages, answer] of [
  ['simple, and ends well', [wire.toQuery(copyIn), row, end], 'GCZ'],
  ['simple, with an error before CopyDone', [wire.toQuery(copyIn), wrong, row, end], 'GEZ'],
  ['simple, and the client gives up', [wire.toQuery(copyIn), row, wire.toCopyFail('enough')], 'GEZ'],
  ['extended, with Sync before and after the data', [...extended(copyIn), row, end, wire.toSync()], '12GCZ'],
  ['extended, with an error before CopyDone', [...extended(copyIn), wrong, row, end, wire.toSync()], '12GEZ'],
  ['of a table that does not exist', [...extended('copy nothing from stdin'), row, end, wire.toSync()], '12EZZ'],
] as const) {
  test(`COPY in: ${title}`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { raw, client, pooler } = await startCopying(t);
    const copying = await raw();
    copying.send(...messages);
    const answers = letters(await copying.untilAnswered());
    // Behind it: the Sync and the query that untilAnswered() sends.
    assert.equal(answers, `${answer}ZEZ`);
    // The one connection serves somebody else, and what was copied is there or not.
    const other = await client();
    const expected = title.includes('well') || title.includes('before and after') ? 1 : 0;
    assert.deepEqual((await other.query('select count(*)::int as n from t')).rows, [{ n: expected }]);
    assert.equal(pooler.status.connections, 1);
    copying.close();
  });
}

test('A CopyDone that comes late, when COPY has failed, costs nobody a connection', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, client } = await startCopying(t);
  const copying = await raw();
  copying.send(wire.toQuery(copyIn), wrong);
  await copying.until(wire.Backend.ReadyForQuery);
  copying.send(row, end);
  const other = await client();
  assert.equal((await other.query('select 1')).rowCount, 1);
  copying.send(wire.toQuery('select 1'));
  assert.equal(letters(await copying.until(wire.Backend.ReadyForQuery)), 'TDCZ');
  copying.close();
});

test('COPY out comes whole and in order, in both protocols', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw } = await startCopying(t);
  const copying = await raw();
  const query = 'copy (select generate_series(1, 20000)) to stdout';
  for (const messages of [[wire.toQuery(query)], extended(query)]) {
    copying.send(...messages);
    const answers = await copying.until(wire.Backend.ReadyForQuery);
    const rows = answers.filter((answer) => answer[0] === wire.Backend.CopyData);
    assert.deepEqual(
      rows.map((answer) => Number(answer.toString('latin1', 5))),
      Array.from({ length: 20_000 }, (_, index) => index + 1),
    );
  }
  copying.close();
});

test('A client that leaves in the middle of COPY leaves nothing of it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, client } = await startCopying(t);
  const copying = await raw();
  copying.send(wire.toQuery(copyIn), row);
  await copying.until(wire.Backend.CopyInResponse);
  copying.close();
  const other = await client();
  assert.deepEqual((await other.query('select count(*)::int as n from t')).rows, [{ n: 0 }]);
});

test('Bytes that are no messages end their client with an error, and nothing else', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { raw, client, pooler } = await startCopying(t);
  const good = await client();
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x50, 0, 0, 0, 5, 0x61]),
    Buffer.from([0x42, 0, 0, 0, 6, 0x61, 0x62]),
    wire.toPassword('again'),
  ]) {
    const hostile = await raw();
    hostile.send(bytes);
    const [error] = await hostile.until(wire.Backend.ErrorResponse);
    assert.equal(wire.sqlstateOf(error!), '08P01');
    assert.equal((await good.query('select 1')).rowCount, 1);
  }
  assert.equal(pooler.status.connections, 1);
});
