// The drivers people use, unmodified, in a Worker whose database is a binding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config, type DevBench, startBench } from '../support/dev-bench.ts';
import type { TestContext } from 'node:test';

const variable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';

/** A Worker that answers `/name` with what the function `name` of `source` returns. */
async function startWorker(t: TestContext, source: string): Promise<DevBench> {
  const postgres = await use(t, startPostgres());
  const files = {
    'wrangler.json': config({
      compatibility_date: '2024-09-23',
      compatibility_flags: ['nodejs_compat'],
      hyperdrive: [{ binding: 'DB', id: '0123456789abcdef0123456789abcdef' }],
    }),
    'src/index.js': `${source}
      export default { async fetch(request, env, ctx) {
        const { pathname } = new URL(request.url);
        try { return Response.json((await steps[pathname.slice(1)](env, ctx)) ?? null); }
        catch (error) { return Response.json({ thrown: error.message, code: error.code, hint: error.hint }); }
      } };`,
  };
  return startBench(t, files, { project: { processEnv: { [variable]: postgres.url } } });
}

async function answers(bench: DevBench, path: string): Promise<unknown> {
  return JSON.parse(await bench.text(path));
}

/** Whatever the driver: the same steps, with the same answers. */
async function checkDriver(bench: DevBench): Promise<void> {
  await answers(bench, '/create');
  assert.deepEqual(await answers(bench, '/insert'), [{ id: 1, name: 'é' }]);
  assert.deepEqual(await answers(bench, '/commit'), [{ id: 1 }, { id: 2 }]);
  assert.deepEqual(await answers(bench, '/rollback'), { thrown: 'on purpose', left: 2 });
  const failed = (await answers(bench, '/fail')) as { code: string };
  assert.equal(failed.code, '23505');
  assert.deepEqual(await answers(bench, '/again'), [10, 20, 30]);
  const many = await Promise.all(Array.from({ length: 50 }, () => answers(bench, '/again')));
  for (const each of many) assert.deepEqual(each, [10, 20, 30]);
}

const pg = `import { Client } from 'pg';
  const steps = {};
  function step(name, run) {
    steps[name] = async (env, ctx) => {
      const client = new Client({ connectionString: env.DB.connectionString });
      await client.connect();
      try { return await run(client); } finally { ctx.waitUntil(client.end()); }
    };
  }`;

test('pg: parameters, transactions, prepared statements, errors, and fifty requests at once', async (t) => {
  if (!needs(t, 'postgres')) return;
  const bench = await startWorker(
    t,
    `${pg}
    step('create', (db) => db.query('create table t (id int primary key, name text)'));
    step('insert', async (db) => (await db.query('insert into t values ($1, $2) returning *', [1, 'é'])).rows);
    step('commit', async (db) => {
      await db.query('begin');
      await db.query('insert into t values ($1, $2)', [2, 'x']);
      await db.query('commit');
      return (await db.query('select id from t order by id')).rows;
    });
    step('rollback', async (db) => {
      await db.query('begin');
      try { await db.query("insert into t values (3, 'y')"); throw new Error('on purpose'); }
      catch (error) {
        await db.query('rollback');
        return { thrown: error.message, left: (await db.query('select count(*)::int as n from t')).rows[0].n };
      }
    });
    step('fail', (db) => db.query('insert into t values ($1)', [1]));
    step('again', async (db) => {
      const values = [];
      for (const n of [1, 2, 3]) values.push((await db.query({ name: 'ten', text: 'select $1::int * 10 as n', values: [n] })).rows[0].n);
      return values;
    });`,
  );
  await checkDriver(bench);
});

for (const prepare of [true, false]) {
  test(`postgres with prepare ${prepare}: parameters, transactions, errors, and fifty requests at once`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const bench = await startWorker(
      t,
      `import postgres from 'postgres';
      const steps = {};
      function step(name, run) {
        steps[name] = async (env, ctx) => {
          const sql = postgres(env.DB.connectionString, { max: 5, fetch_types: false, prepare: ${prepare} });
          try { return await run(sql); } finally { ctx.waitUntil(sql.end()); }
        };
      }
      step('create', (sql) => sql\`create table t (id int primary key, name text)\`);
      step('insert', (sql) => sql\`insert into t values (\${1}, \${'é'}) returning *\`);
      step('commit', async (sql) => {
        await sql.begin(async (tx) => { await tx\`insert into t values (\${2}, 'x')\`; });
        return sql\`select id from t order by id\`;
      });
      step('rollback', async (sql) => {
        try {
          await sql.begin(async (tx) => { await tx\`insert into t values (3, 'y')\`; throw new Error('on purpose'); });
        } catch (error) {
          const [{ n }] = await sql\`select count(*)::int as n from t\`;
          return { thrown: error.message, left: n };
        }
      });
      step('fail', (sql) => sql\`insert into t values (\${1})\`);
      step('again', async (sql) => {
        const rows = await Promise.all([1, 2, 3].map((n) => sql\`select \${n}::int * 10 as n\`));
        return rows.map(([{ n }]) => n);
      });`,
    );
    await checkDriver(bench);
  });
}

test('Drizzle on pg: the query builder, transactions and raw SQL', async (t) => {
  if (!needs(t, 'postgres')) return;
  const bench = await startWorker(
    t,
    `import { asc, sql } from 'drizzle-orm';
    import { drizzle } from 'drizzle-orm/node-postgres';
    import { integer, pgTable, text } from 'drizzle-orm/pg-core';
    import { Client } from 'pg';
    const table = pgTable('t', { id: integer('id').primaryKey(), name: text('name') });
    const steps = {};
    function step(name, run) {
      steps[name] = async (env, ctx) => {
        const client = new Client({ connectionString: env.DB.connectionString });
        await client.connect();
        try { return await run(drizzle(client)); }
        catch (error) { throw error.cause ?? error; }
        finally { ctx.waitUntil(client.end()); }
      };
    }
    step('create', (db) => db.execute(sql\`create table t (id int primary key, name text)\`));
    step('insert', (db) => db.insert(table).values({ id: 1, name: 'é' }).returning());
    step('commit', async (db) => {
      await db.transaction((tx) => tx.insert(table).values({ id: 2, name: 'x' }));
      return db.select({ id: table.id }).from(table).orderBy(asc(table.id));
    });
    step('rollback', async (db) => {
      try {
        await db.transaction(async (tx) => { await tx.insert(table).values({ id: 3 }); throw new Error('on purpose'); });
      } catch (error) { return { thrown: error.message, left: await db.$count(table) }; }
    });
    step('fail', (db) => db.insert(table).values({ id: 1 }));
    step('again', async (db) => {
      const values = [];
      for (const n of [1, 2, 3]) values.push((await db.execute(sql\`select \${n}::int * 10 as n\`)).rows[0].n);
      return values;
    });`,
  );
  await checkDriver(bench);
});

test('Kysely on a pg pool: the query builder, transactions and raw SQL', async (t) => {
  if (!needs(t, 'postgres')) return;
  const bench = await startWorker(
    t,
    `import { Kysely, PostgresDialect, sql } from 'kysely';
    import { Pool } from 'pg';
    const steps = {};
    function step(name, run) {
      steps[name] = async (env, ctx) => {
        const pool = new Pool({ connectionString: env.DB.connectionString, max: 5 });
        const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
        try { return await run(db); } finally { ctx.waitUntil(db.destroy()); }
      };
    }
    step('create', (db) => db.schema.createTable('t').addColumn('id', 'integer', (c) => c.primaryKey()).addColumn('name', 'text').execute());
    step('insert', (db) => db.insertInto('t').values({ id: 1, name: 'é' }).returningAll().execute());
    step('commit', async (db) => {
      await db.transaction().execute((tx) => tx.insertInto('t').values({ id: 2, name: 'x' }).execute());
      return db.selectFrom('t').select('id').orderBy('id').execute();
    });
    step('rollback', async (db) => {
      try {
        await db.transaction().execute(async (tx) => { await tx.insertInto('t').values({ id: 3 }).execute(); throw new Error('on purpose'); });
      } catch (error) {
        const { n } = await db.selectFrom('t').select((e) => e.fn.countAll().as('n')).executeTakeFirst();
        return { thrown: error.message, left: Number(n) };
      }
    });
    step('fail', (db) => db.insertInto('t').values({ id: 1 }).execute());
    step('again', async (db) => {
      const rows = await Promise.all([1, 2, 3].map((n) => sql\`select \${n}::int * 10 as n\`.execute(db)));
      return rows.map(({ rows: [{ n }] }) => n);
    });`,
  );
  await checkDriver(bench);
});
