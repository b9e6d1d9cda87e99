// Drizzle and Kysely through the pooler, on both drivers they are used with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '@sallyport/testkit';
import type { TestScope } from '@sallyport/testkit';
import { eq, relations, sql as drizzleSql } from 'drizzle-orm';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely';
import type { Generated } from 'kysely';
import { Pool } from 'pg';
import postgres from 'postgres';
import { startSetup } from '../pooler-setup.ts';
import type { Setup } from '../pooler-setup.ts';

const authors = pgTable('author', { id: serial('id').primaryKey(), name: text('name').notNull() });
const books = pgTable('book', {
  id: serial('id').primaryKey(),
  title: text('title').notNull(),
  authorId: integer('author_id').references(() => authors.id),
});
const authorRelations = relations(authors, ({ many }) => ({ books: many(books) }));
const bookRelations = relations(books, ({ one }) => ({
  author: one(authors, { fields: [books.authorId], references: [authors.id] }),
}));
const schema = { authors, books, authorRelations, bookRelations };

interface Database {
  author: { id: Generated<number>; name: string };
  book: { id: Generated<number>; title: string; author_id: number };
}

async function startTables(t: TestScope): Promise<Setup> {
  const setup = await startSetup(t, { pool: { maxConnections: 2 } });
  const direct = await setup.direct();
  await direct.query(`create table author (id serial primary key, name text not null);
    create table book (id serial primary key, title text not null, author_id int references author (id))`);
  return setup;
}

for (const [title, connect] of [
  [
    'node-postgres',
    ({ url }: Setup) => {
      const pool = new Pool({ connectionString: url, max: 5 });
      pool.on('error', () => {});
      return { database: drizzlePg(pool, { schema }), end: () => pool.end() };
    },
  ],
  [
    'postgres.js',
    ({ url }: Setup) => {
      const sql = postgres(url, { max: 5 });
      return { database: drizzleJs(sql, { schema }), end: () => sql.end({ timeout: 1 }) };
    },
  ],
] as const) {
  test(`Drizzle on ${title}: inserts, relations, transactions, prepared queries`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const setup = await startTables(t);
    const { database: union, end } = connect(setup);
    // Both have one interface, which their types do not say.
    const database = union as ReturnType<typeof drizzlePg<typeof schema>>;
    t.after(end);
    const [author] = await database.insert(authors).values({ name: 'Ada' }).returning();
    await database.insert(books).values([
      { title: 'One', authorId: author!.id },
      { title: 'Two', authorId: author!.id },
    ]);
    const found = await database.query.authors.findFirst({ with: { books: true } });
    assert.deepEqual(
      found?.books.map((book) => book.title),
      ['One', 'Two'],
    );
    await assert.rejects(
      database.transaction(async (inner) => {
        await inner.insert(books).values({ title: 'Never', authorId: author!.id });
        inner.rollback();
      }),
    );
    const byTitle = database
      .select()
      .from(books)
      .where(eq(books.title, drizzleSql.placeholder('title')))
      .prepare('by_title');
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(['One', 'Two', 'Never'].map((each) => byTitle.execute({ title: each })));
      assert.deepEqual(
        answers.map((rows) => rows.length),
        [1, 1, 0],
      );
    }
    assert.ok(setup.pooler.status.connections <= 2);
  });
}

test('Kysely: inserts, joins, transactions, and what it asks of the catalogue', async (t) => {
  if (!needs(t, 'postgres')) return;
  const setup = await startTables(t);
  const pool = new Pool({ connectionString: setup.url, max: 5 });
  pool.on('error', () => {});
  const database = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  t.after(() => database.destroy());
  const { id } = await database.insertInto('author').values({ name: 'Ada' }).returning('id').executeTakeFirstOrThrow();
  await database.transaction().execute(async (inner) => {
    await inner.insertInto('book').values({ title: 'One', author_id: id }).execute();
  });
  await assert.rejects(
    database.transaction().execute(async (inner) => {
      await inner
        .insertInto('book')
        .values({ title: 'Never', author_id: id + 1 })
        .execute();
    }),
    { code: '23503' },
  );
  const rows = await database
    .selectFrom('book')
    .innerJoin('author', 'author.id', 'book.author_id')
    .select(['title', 'name'])
    .execute();
  assert.deepEqual(rows, [{ title: 'One', name: 'Ada' }]);
  const tables = await database.introspection.getTables();
  assert.deepEqual(tables.map(({ name }) => name).sort(), ['author', 'book']);
  const { rows: raw } = await kyselySql<{ n: number }>`select ${41}::int + 1 as n`.execute(database);
  assert.deepEqual(raw, [{ n: 42 }]);
});
