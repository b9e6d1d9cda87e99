// `currval()` and `lastval()` never tell another client's number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import { needsSequenceMemory } from '../src/session/sequence-memory.ts';
import { startSetup } from './pooler-setup.ts';

const refused = { code: '55000', message: /pooled client has for a transaction only/, hint: /RETURNING/ };

test('a number that another client took is refused, in every way to ask', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 1 } });
  const [one, other] = [await client(), await client()];
  await one.query('create table t (id serial, n int)');
  await one.query('insert into t (n) values (1)');
  await assert.rejects(other.query('select lastval()'), refused);
  await assert.rejects(one.query('select lastval()'), refused);
  await assert.rejects(one.query({ text: 'select CurrVal($1)', values: ['t_id_seq'] }), refused);
  await assert.rejects(one.query({ name: 'last', text: 'select "lastval" ()' }), refused);
  assert.equal((await one.query('select 1 as n')).rows[0].n, 1);
});

test('a number of the same transaction, text or pinned session is told', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client } = await startSetup(t, { pool: { maxConnections: 2 } });
  const one = await client();
  await one.query('create table t (id serial, n int)');
  await one.query('begin');
  await one.query('insert into t (n) values (1)');
  assert.equal((await one.query('select lastval()::int as n')).rows[0].n, 1);
  assert.equal((await one.query({ name: 'last', text: 'select lastval()::int as n' })).rows[0].n, 1);
  await one.query('commit');
  const [, told] = (await one.query('insert into t (n) values (2); select lastval()::int as n')) as unknown as {
    rows: { n: number }[];
  }[];
  assert.equal(told!.rows[0]!.n, 2);
  await assert.rejects(one.query({ name: 'last', text: 'select lastval()::int as n' }), refused);
  await one.query("set timezone to 'UTC'");
  await one.query('insert into t (n) values (3)');
  assert.equal((await one.query('select lastval()::int as n')).rows[0].n, 3);
});

for (const query of [
  "select 'lastval()'",
  'select 1 -- currval(x)',
  'select currval from t',
  "select nextval('s'), currval('s')",
  'insert into t (n) values (1); select lastval()',
]) {
  test(`${query} needs nothing of an earlier statement`, () => {
    assert.equal(needsSequenceMemory(Buffer.from(query)), false);
  });
}
