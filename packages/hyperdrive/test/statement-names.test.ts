// A name that is taken is refused as the origin alone would: by its own rules, and in its turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import * as wire from '@sallyport/postgres-wire';
import type { RawClient } from './raw-client.ts';
import { connectRaw } from './raw-client.ts';
import { ownCredentials, startSetup } from './pooler-setup.ts';

/** The SQLSTATEs of what answers a batch. */
async function errorsOf(client: RawClient, ...messages: Buffer[]): Promise<(string | undefined)[]> {
  client.send(...messages);
  const answers = await client.until(wire.Backend.ReadyForQuery);
  return answers.filter((message) => message[0] === wire.Backend.ErrorResponse).map((one) => wire.sqlstateOf(one));
}

const toParse = (name: string, query: string): Buffer => wire.toParse({ name, query });
const prepare = (name: string, query: string): Buffer[] => [toParse(name, query), wire.toSync()];

test('A second Parse of a name fails with its own error, whatever became of the first', async (t) => {
  if (!needs(t, 'postgres')) return;
  // One statement at a time on the one connection: another client's takes the place of the first.
  const setup = await startSetup(t, {
    postgres: { auth: 'trust' },
    auth: 'trust',
    pool: { maxConnections: 1, maxPrepared: 1 },
  });
  const where = { ...ownCredentials, port: setup.port };
  const [one, other] = [await connectRaw(where), await connectRaw(where)];
  t.after(() => one.close());
  t.after(() => other.close());
  assert.deepEqual(await errorsOf(one, wire.toQuery('create table t (n int)')), []);
  assert.deepEqual(await errorsOf(one, ...prepare('a', 'select n from t')), []);
  assert.deepEqual(await errorsOf(other, ...prepare('b', 'select 2')), []);
  assert.deepEqual(await errorsOf(other, wire.toQuery('drop table t')), []);
  // What the name means could not be prepared any more: that is not what is wrong.
  assert.deepEqual(await errorsOf(one, ...prepare('a', 'select 1')), ['42P05']);
  assert.deepEqual(await errorsOf(one, wire.toQuery('begin; select 1/0')), ['22012']);
  assert.deepEqual(await errorsOf(one, ...prepare('a', 'select 1; select 2')), ['42601']);
  assert.deepEqual(await errorsOf(one, ...prepare('a', 'select 1')), ['25P02']);
  assert.deepEqual(await errorsOf(one, ...prepare('a', 'rollback')), ['42P05']);
  assert.deepEqual(await errorsOf(one, wire.toQuery('rollback')), []);
});

test('Nothing is kept of the statements of clients that are gone, whatever they left in the middle of', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { client, port, pooler } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const sleep = wire.toQuery('select pg_sleep(60)');
  for (const messages of [
    [sleep, toParse('a', 'select 1'), toParse('a', 'select 2'), toParse('a', 'select 3')],
    [toParse('a', 'select 1'), wire.toSync(), sleep, wire.toClose('statement', 'a')],
    [sleep, toParse('a', 'select 1'), wire.toClose('statement', 'a'), toParse('a', 'select 2'), wire.toSync()],
    [
      toParse('a', 'select 1'),
      toParse('a', 'select 2'),
      wire.toQuery('deallocate all'),
      sleep,
      toParse('a', 'select 3'),
    ],
  ]) {
    const raw = await connectRaw({ ...ownCredentials, port });
    const { clientBytesIn } = pooler.metrics;
    raw.send(...messages);
    while (pooler.metrics.clientBytesIn === clientBytesIn) await new Promise((resolve) => setImmediate(resolve));
    raw.close();
    const next = await client();
    await next.query('select 1');
    await next.end();
    while (pooler.status.clients > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(pooler.status.statements, 0);
  }
});

test('The unnamed statement survives a query that an error made the origin skip', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port } = await startSetup(t, { auth: 'trust', pool: { maxConnections: 1 } });
  const client = await connectRaw({ ...ownCredentials, port });
  t.after(() => client.close());
  assert.deepEqual(await errorsOf(client, ...prepare('', 'select 1')), []);
  const use = [wire.toBind({}), wire.toExecute(), wire.toSync()];
  client.send(wire.toBind({ statement: 'none' }), wire.toQuery('select 2'), wire.toSync(), ...use);
  const failed = await client.until(wire.Backend.ReadyForQuery);
  assert.equal(wire.sqlstateOf(failed[0]!), '26000');
  assert.equal((await client.until(wire.Backend.ReadyForQuery))[0]?.[0], wire.Backend.BindComplete);
  assert.deepEqual(await errorsOf(client, ...use), []);
  assert.deepEqual(await errorsOf(client, wire.toQuery('select 2')), []);
  assert.deepEqual(await errorsOf(client, ...use), ['26000']);
});
