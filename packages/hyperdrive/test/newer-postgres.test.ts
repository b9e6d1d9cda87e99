// A newer PostgreSQL than Debian's: PGlite, which is 18 in this process. It serves one connection, and needs no more: many
// clients share that one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { use } from '@sallyport/testkit';
import { Client } from 'pg';
import postgres from 'postgres';
import { startPooler } from '../src/index.ts';
import { ownCredentials } from './pooler-setup.ts';

test('Many clients share the one connection of a PostgreSQL 18', async (t) => {
  const database = await PGlite.create();
  const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: 0 });
  await server.start();
  const port = Number(server.getServerConn().split(':').at(-1));
  const pooler = await use(
    t,
    startPooler({
      origin: {
        user: 'postgres',
        password: 'postgres',
        database: 'postgres',
        dial: async ({ signal }) => {
          const socket = connect({ port, host: '127.0.0.1', noDelay: true, signal });
          await once(socket, 'connect');
          return socket;
        },
      },
      client: ownCredentials,
      pool: { maxConnections: 1 },
      listen: { host: '127.0.0.1', port: 0 },
    }),
  );
  t.after(async () => {
    await server.stop();
    await database.close();
  });
  const target = { host: '127.0.0.1', port: (pooler.address as AddressInfo).port, ...ownCredentials };
  const clients = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const client = new Client(target);
      client.on('error', () => {});
      await client.connect();
      return client;
    }),
  );
  const sql = postgres({ ...target, max: 3 });
  const [first] = clients;
  const { rows } = await first!.query<{ version: string }>('select version()');
  assert.match(rows[0]!.version, /PostgreSQL 1[89]/);
  await first!.query('create table t (n int)');
  for (let round = 0; round < 5; round += 1) {
    const own = clients.map((client, n) => client.query({ name: 'own', text: 'select $1::int as n', values: [n] }));
    const theirs = [0, 1, 2].map((n) => sql`select ${n}::int as n`);
    assert.deepEqual(
      (await Promise.all(own)).map((result) => result.rows),
      clients.map((_, n) => [{ n }]),
    );
    assert.deepEqual(
      (await Promise.all(theirs)).map(([row]) => row!['n'] as number),
      [0, 1, 2],
    );
    await Promise.all(
      clients.map(async (client, n) => {
        await client.query('begin');
        await client.query('insert into t values ($1)', [n]);
        await assert.rejects(client.query('select 1 / 0'), { code: '22012' });
        await assert.rejects(client.query('select 1'), { code: '25P02' });
        await client.query('rollback');
      }),
    );
  }
  assert.deepEqual((await first!.query('select count(*)::int as n from t')).rows, [{ n: 0 }]);
  assert.equal(pooler.status.connections, 1);
  await Promise.all([...clients.map((client) => client.end()), sql.end()]);
});
