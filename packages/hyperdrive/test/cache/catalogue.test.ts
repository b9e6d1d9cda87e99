// What a read depends on and what a write changes, by the origin's own catalogue.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startCacheSetup } from './cache-setup.ts';

const schema = `
create schema other;
create table a (id int primary key, x int, at timestamptz);
create table other.a (id int);
create table b (id int primary key, a_id int references a on delete cascade);
create table c (id int references b on update cascade on delete set null);
create table plain_key (id int references a);
create table partitioned (id int primary key, x int) partition by range (id);
create table part_one partition of partitioned for values from (0) to (10);
create table part_two partition of partitioned for values from (10) to (20);
create table of_part (id int references partitioned on delete cascade);
create table parent (id int);
create table child () inherits (parent);
create view v as select * from a where x > 0;
create view vv as select v.id from v join b on b.a_id = v.id;
create view clock_view as select id, now() from a;
create view hidden_clock as select id from clock_view;
create view stat_view as select * from pg_stat_activity;
create materialized view m as select count(*) from a;
create table logged (id int);
create function logs() returns trigger language plpgsql as $$ begin insert into a values (new.id); return new; end $$;
create trigger logs after insert on logged for each row execute function logs();
create table ruled (id int);
create rule also as on insert to ruled do also insert into a values (new.id);
create sequence s;
create function steady(int) returns int language sql immutable as 'select $1 + 1';
create function looks_up(int) returns int language sql stable as 'select x from a where id = $1';
create function changes(int) returns int language sql volatile as 'insert into a values ($1); select 1';
create function full_name(a) returns text language sql stable as 'select id::text from b';
create function add_slowly(int, int) returns int language sql volatile as 'select $1 + $2';
create operator ### (leftarg = int, rightarg = int, function = add_slowly);
create function count_rows(int, int) returns int language sql volatile as 'select $1 + 1';
create aggregate wild_sum(int) (sfunc = count_rows, stype = int, initcond = '0');
create table defaulted (id int default changes(1));
create extension if not exists postgres_fdw;
create server elsewhere foreign data wrapper postgres_fdw;
create foreign table far (id int) server elsewhere;
create table secret (id int, owner name, until timestamptz);
alter table secret enable row level security;
create policy own on secret for select using (owner = current_user and exists (select 1 from b where b.id = secret.id));
create table dated (id int, until timestamptz);
alter table dated enable row level security;
create policy valid on dated for select using (until > now());
create extension if not exists "uuid-ossp";
create table keyed (id uuid default uuid_generate_v4(), updated_at timestamptz);
create function touch() returns trigger language plpgsql as $$
BEGIN
  NEW.updated_at = now();
  RETURN NEW;
END; $$;
create trigger touch before update on keyed for each row execute function touch();
create function touch_more() returns trigger language plpgsql as $$
  begin new.updated_at = now(); delete from a; return new; end $$;
create table touched (id int, updated_at timestamptz);
create trigger touch before update on touched for each row execute function touch_more();
create view busy as select changes(id) from b;
create view busier as select * from busy;
create type mood as enum ('sad', 'fine');
`;

const reads: readonly (readonly [string, string[] | RegExp])[] = [
  ['select * from a', ['public.a']],
  ['select * from other.a', ['other.a']],
  ['select 1', []],
  ['select * from b join a on a.id = b.a_id', ['public.a', 'public.b']],
  ['select * from v', ['public.a', 'public.v']],
  ['select * from vv', ['public.a', 'public.b', 'public.v', 'public.vv']],
  ['select * from m', ['public.m']],
  ['select * from partitioned', ['public.part_one', 'public.part_two', 'public.partitioned']],
  ['select * from part_one', ['public.part_one']],
  ['select * from parent', ['public.child', 'public.parent']],
  ['select * from secret', ['public.b', 'public.secret']],
  [
    "select steady(x), count(*), json_agg(x), to_char(at, 'YYYY'), date_trunc('day', at), age(at, at) from a group by 1, 4, 5, 6",
    ['public.a'],
  ],
  ["select 'sad'::mood, format('%s', x), x::text, current_setting('TimeZone'), current_user from a", ['public.a']],
  ['select generate_series(1, 3), lower(x::text) || upper($1) from a', ['public.a']],
  ['select a.x, full_name from a, (select 1 as full_name) f', ['public.a']],
  ['select now()', /volatile: The function "now" /],
  ['select random()', /volatile: The function "random" is VOLATILE/],
  ["select nextval('s')", /volatile/],
  ['select age(at) from a', /volatile: The function "age"/],
  ['select pg_backend_pid()', /volatile/],
  ['select statement_timestamp()', /volatile/],
  ['select txid_current()', /volatile/],
  ['select pg_advisory_lock(1)', /volatile/],
  ['select looks_up(1)', /uncacheable: The function "looks_up" is STABLE/],
  ['select changes(1)', /volatile: The function "changes" is VOLATILE/],
  ['select wild_sum(x) from a', /volatile: The function "wild_sum"/],
  ['select 1 ### 2', /uncacheable: The operator ###/],
  ['select a.full_name from a', /uncacheable: \.full_name/],
  ['select (a).full_name from a', /uncacheable: \.full_name/],
  ['select * from clock_view', /volatile: public\.clock_view is a view: The function "now"/],
  ['select * from hidden_clock', /volatile: public\.hidden_clock is a view: public\.clock_view is a view: /],
  ['select * from stat_view', /public\.stat_view is a view: /],
  ['select * from dated', /volatile: public\.dated is under a policy: /],
  ['select * from far', /uncacheable: public\.far is a foreign table/],
  ['select last_value from s', /uncacheable: public\.s is a sequence/],
  ['select * from nowhere', /uncacheable: The relation "nowhere" is not known/],
  ['select * from pg_temp.mine', /uncacheable: mine is a temporary table/],
  ['select no_such_function(1)', /uncacheable: The function "no_such_function" is not known/],
];

/** What may change; undefined: anything. */
const writes: readonly (readonly [string, string[] | undefined])[] = [
  ['insert into a values (1)', ['a']],
  ['insert into other.a values (1)', ['other.a']],
  ['update a set x = 1', ['a']],
  ['update b set id = 1', ['b', 'c']],
  ['merge into a using b on true when matched then delete', ['a', 'b', 'c']],
  ['delete from a', ['a', 'b', 'c']],
  ['truncate c', ['c']],
  ['truncate a cascade', ['a', 'b', 'c', 'plain_key']],
  ['delete from partitioned', ['of_part', 'part_one', 'part_two', 'partitioned']],
  ['delete from part_one', ['of_part', 'part_one']],
  ['insert into part_one values (1)', ['part_one']],
  ['update parent set id = 1', ['child', 'parent']],
  ['insert into v values (1)', ['a']],
  ['delete from v', ['a', 'b', 'c']],
  ['refresh materialized view m', ['m']],
  ['copy a from stdin', ['a']],
  ['insert into logged values (1)', undefined],
  ['insert into ruled values (1)', undefined],
  ['insert into defaulted default values', undefined],
  ['insert into a values (changes(1))', undefined],
  ['insert into a values (steady(1), random())', ['a']],
  ['insert into b select looks_up(1)', ['b']],
  ['select changes(1)', undefined],
  ['select a.full_name from a', undefined],
  ['select 1 ### 2', undefined],
  ["select query_to_xml('delete from a', true, true, '')", undefined],
  ['select no_such_function()', undefined],
  ['insert into nowhere values (1)', undefined],
  ['insert into far values (1)', undefined],
  ['update keyed set id = uuid_generate_v4()', ['keyed']],
  ['update touched set id = 1', undefined],
  ['select * from busier', undefined],
  ['select * from vv', []],
  ['select now(), random()', []],
  ['select looks_up(1)', []],
];

it('Reads depend on, and writes change, what the catalogue says', async (t) => {
  const { prepare, cache } = await startCacheSetup(t);
  await prepare(schema);
  for (const [query, expected] of reads) {
    const { cacheStatus, why, tables } = await cache.explain(query);
    if (expected instanceof RegExp) assert.match(`${cacheStatus}: ${why}`, expected, query);
    else assert.deepEqual([...tables].sort(), expected, `${query}: ${why}`);
  }
  const { catalogue } = cache.knowledge;
  const environment = cache.knowledge.environmentOf('')!;
  for (const [statement, expected] of writes) {
    const verdict = cache.classifier.verdictOf(Buffer.from(statement));
    const got = catalogue!.writesOf(verdict, environment);
    if (expected === undefined) assert.equal(got, 'all', statement);
    else {
      assert.ok(got !== 'all', statement);
      const changed = expected.flatMap((name) => catalogue!.tablesOf(name, environment).slice(0, 1));
      assert.deepEqual(new Set(got), new Set(changed), statement);
    }
  }
});
