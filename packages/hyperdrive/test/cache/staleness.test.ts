// Writers and readers at random, at once, through one pooler: no reader may see a value that is older than a commit
// which was acknowledged before its query began. Each row has a version that only grows, one writer per row at a time.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Duplex, Transform } from 'node:stream';
import type { Client } from 'pg';
import { systemClock } from '../../src/clock.ts';
import type { Clock } from '../../src/clock.ts';
import { dialTcp } from '../dial.ts';
import { startCacheSetup } from './cache-setup.ts';

const schema = `
create table item (id int primary key, version int not null);
insert into item select id, 0 from generate_series(0, 5) id;
create table part (id int primary key references item on delete cascade, version int not null);
create view both_kinds as select i.id, i.version, coalesce(m.version, 0) measured from item i left join measure_all m using (id);
create table note (id int references item on update cascade on delete set null, version int);
create table mirror (id int primary key, version int not null);
insert into mirror select id, 0 from generate_series(0, 5) id;
create table watched (id int primary key, version int not null);
insert into watched select id, 0 from generate_series(0, 5) id;
create function copy_over() returns trigger language plpgsql as
  $$ begin update mirror set version = new.version where id = new.id; return new; end $$;
create trigger copies after update on watched for each row execute function copy_over();
create function raise_to(row_id int, to_version int) returns void language sql as
  $$ update mirror set version = to_version where id = row_id $$;
create procedure raise_and_commit(row_id int, to_version int) language plpgsql as
  $$ begin update mirror set version = to_version where id = row_id; commit; end $$;
`;
const measures = `
create table measure_all (id int, version int not null) partition by range (id);
create table measure_low partition of measure_all for values from (0) to (3);
create table measure_high partition of measure_all for values from (3) to (6);
insert into measure_all select id, 0 from generate_series(0, 5) id;
`;

type Kind = 'item' | 'measure' | 'mirror';
type Write = (client: Client, id: number, version: number) => Promise<unknown>;

async function inTransaction(client: Client, statements: readonly string[], end: string): Promise<void> {
  await client.query('begin');
  for (const statement of statements) await client.query(statement);
  await client.query(end);
}

const writes: Record<Kind, Write[]> = {
  item: [
    (client, id, version) => client.query(`update item set version = ${version} where id = ${id}`),
    (client, id, version) => client.query('update item set version = $1 where id = $2', [version, id]),
    (client, id, version) =>
      client.query({ name: 'raise', text: 'update public.item set version = $1 where id = $2', values: [version, id] }),
    (client, id, version) => inTransaction(client, [`update item set version = ${version} where id = ${id}`], 'commit'),
    (client, id, version) =>
      inTransaction(
        client,
        ['savepoint a', `update item set version = ${version} where id = ${id}`],
        'commit and chain',
      ).then(() => client.query('rollback')),
    (client, id, version) =>
      client.query(`begin; update item set version = ${version} where id = ${id}; commit; begin; select 1; rollback`),
    (client, id, version) =>
      client.query(
        `with w as (update item set version = ${version} where id = ${id} returning 1) select count(*) from w`,
      ),
    (client, id, version) =>
      client.query(
        `insert into item values (${id}, ${version}) on conflict (id) do update set version = excluded.version`,
      ),
    (client, id, version) =>
      inTransaction(
        client,
        ['set local search_path = pg_catalog, public', `update item set version = ${version} where id = ${id}`],
        'commit',
      ),
  ],
  measure: [
    (client, id, version) => client.query('update measure_all set version = $1 where id = $2', [version, id]),
    (client, id, version) =>
      client.query(`update measure_${id < 3 ? 'low' : 'high'} set version = ${version} where id = ${id}`),
    (client, id, version) =>
      inTransaction(
        client,
        [
          `delete from measure_all where id = ${id}`,
          `insert into measure_${id < 3 ? 'low' : 'high'} values (${id}, ${version})`,
        ],
        'commit',
      ),
  ],
  mirror: [(client, id, version) => client.query('update mirror set version = $1 where id = $2', [version, id])],
};

const wildOnMirror: Write[] = [
  (client, id, version) => client.query('update watched set version = $1 where id = $2', [version, id]),
  (client, id, version) => client.query(`select raise_to(${id}, ${version})`),
  (client, id, version) => client.query(`call raise_and_commit(${id}, ${version})`),
];

/** Nobody can say what these write, so everything counts as written. Rare, or nothing would ever be answered. */
const wild: Write[] = [
  (client, id, version) => client.query(`do $$ begin update item set version = ${version} where id = ${id}; end $$`),
  (client, id, version) =>
    client
      .query(`create or replace function nothing_${id}() returns int language sql as $$ select ${version} $$`)
      .then(() => client.query(`update item set version = ${version} where id = ${id}`)),
];

const reads: Record<Kind, ((client: Client, id: number) => Promise<{ rows: { version: number }[] }>)[]> = {
  item: [
    (client, id) => client.query(`select version from item where id = ${id}`),
    (client, id) => client.query('select version from item where id = $1', [id]),
    (client, id) => client.query({ name: 'read', text: 'select version from item where id = $1', values: [id] }),
    (client, id) => client.query({ text: 'select version from both_kinds where id = $1', values: [id] }),
    (client, id) =>
      client.query(`with i as (select * from item) select max(version) as version from i where id = ${id}`),
  ],
  measure: [
    (client, id) => client.query(`select version from measure_all where id = ${id}`),
    (client, id) => client.query('select version from measure_' + (id < 3 ? 'low' : 'high') + ' where id = $1', [id]),
    (client, id) => client.query('select measured as version from both_kinds where id = $1', [id]),
  ],
  mirror: [
    (client, id) => client.query(`select version from mirror where id = ${id}`),
    (client, id) => client.query('select version from mirror where id = $1', [id]),
  ],
};

/** Answers overtake each other on their way: what was read before a write may arrive behind its acknowledgement. */
async function dialUnevenly(port: number, signal: AbortSignal): Promise<Duplex> {
  const socket = await dialTcp(port, signal);
  const delay = new Transform({
    transform(chunk, _encoding, done) {
      let turns = Math.floor(Math.random() ** 4 * 60);
      const wait = (): void => {
        turns -= 1;
        if (turns < 0) done(null, chunk);
        else setImmediate(wait);
      };
      wait();
    },
  });
  socket.on('error', (error) => delay.destroy(error)).on('close', () => delay.destroy());
  return Duplex.from({ readable: socket.pipe(delay), writable: socket });
}

function pick<Value>(values: readonly Value[]): Value {
  return values[Math.floor(Math.random() * values.length)]!;
}

const kinds: readonly Kind[] = ['item', 'measure', 'mirror'];
const rounds = 500;

/** Windows of seconds are over in a moment; timers are as they are. */
const clock: Clock = { ...systemClock, now: () => performance.now() * 200 };

it('No reader sees what is older than a commit it could know of', async (t) => {
  const { prepare, client, cache, pooler } = await startCacheSetup(t, {
    pool: { maxConnections: 6 },
    clock,
    dial: dialUnevenly,
  });
  await prepare(measures + schema);
  const acknowledged = new Map<string, number>();
  const writing = new Set([0, 1, 2]);
  let count = 0;
  const waiting: { until: number; go: () => void }[] = [];

  /** Writers let readers have something that stays the same for a while. */
  async function someReads(): Promise<void> {
    if (Math.random() < 0.5) await new Promise<void>((go) => waiting.push({ until: count + 20, go }));
  }

  /** Each writer has rows of its own: versions of a row grow. */
  async function write(index: number): Promise<void> {
    let who = await client();
    for (let round = 1; round <= rounds; round += 1) {
      await someReads();
      const kind = pick(kinds);
      const id = index * 2 + (round % 2);
      const fate = Math.random();
      if (fate < 0.05) {
        // Undone: nobody may see it.
        await inTransaction(who, [`update item set version = 1000000 where id = ${id}`], 'rollback');
      } else if (fate < 0.056) {
        // It leaves in the middle: whether that was committed, nobody knows.
        void pick(writes[kind])(who, id, round).catch(() => {});
        (who as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
        who = await client();
      } else {
        const isWild = fate < 0.08;
        const table = isWild ? pick<Kind>(['item', 'mirror']) : kind;
        const list = isWild ? (table === 'item' ? wild : wildOnMirror) : writes[table];
        await pick(list)(who, id, round);
        acknowledged.set(`${table} ${id}`, round);
      }
    }
    writing.delete(index);
  }

  async function read(): Promise<void> {
    const who = await client();
    while (writing.size > 0) {
      const kind = pick(kinds);
      const id = Math.floor(Math.random() * 6);
      const floor = acknowledged.get(`${kind} ${id}`) ?? 0;
      const { rows } = await pick(reads[kind])(who, id);
      // Between its DELETE and its INSERT a row is nobody's; they are one transaction.
      const version = rows[0]?.version ?? -1;
      assert.ok(version >= floor, `${kind} ${id}: ${version}, after ${floor} was acknowledged`);
      assert.ok(version < 1_000_000, 'what was rolled back');
      count += 1;
      while (waiting[0] !== undefined && waiting[0].until <= count) waiting.shift()!.go();
    }
  }

  await cache.load();
  await Promise.all([write(0), write(1), write(2), read(), read(), read(), read()]);
  const { hit = 0, miss = 0 } = pooler.metrics.queriesByCacheStatus;
  t.diagnostic(`${hit} hits, ${miss} misses`);
  assert.ok(hit > 100 && miss > 100, `${hit} hits, ${miss} misses`);
});
