import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Classifier } from '../../src/classify/classifier.ts';
import type { QueryVerdict } from '../../src/classify/query-verdict.ts';

const classifier = new Classifier();
await classifier.load();

function verdictOf(text: string): QueryVerdict {
  return classifier.verdictOf(Buffer.from(text));
}

/** Texts that a cache may not answer, by the documented word. */
const uncacheable: Record<string, string[]> = {
  notaquery: [
    '',
    ' -- nothing\n;',
    'insert into t values (1)',
    'update t set a = 1',
    'delete from t',
    'merge into t using s on t.a = s.a when matched then delete',
    'truncate t',
    'create table t ()',
    'copy t from stdin',
    'copy (select 1) to stdout',
    'show timezone',
    'set timezone = utc',
    'explain select 1',
    'explain analyze select 1',
    'prepare p as select 1',
    'execute p',
    'declare c cursor for select 1',
    'fetch c',
    'listen l',
    'notify l',
    'do $$ begin end $$',
    'call p()',
    'lock t',
    'vacuum t',
    'discard all',
    'refresh materialized view m',
    'create table t as select 1',
  ],
  transaction: [
    'begin',
    'start transaction read only',
    'commit',
    'rollback to s',
    "prepare transaction 'x'",
    'savepoint s',
  ],
  multiplestatements: ['select 1; select 2', 'begin; select 1; commit', "set timezone = utc; select 'a'"],
  parseerror: ['selec 1', 'select from where', "select 'open", 'select /* open', 'select $$ open'],
  volatile: [
    'select current_timestamp',
    'select current_timestamp(3)',
    'select current_date',
    'select localtime',
    'select localtimestamp(0)',
    "select 'now'::timestamp",
    "select timestamp 'now'",
    "select * from t where at > 'today'",
    "select * from t where at > cast('Yesterday' as date)",
    "select 'tomorrow 12:00'::timestamptz",
    'with t as (select current_time) select * from t',
    "select * from t where d = any ('{now}')",
    "select e'\\x6eow'::timestamp",
    'select $$now$$::date',
  ],
  uncacheable: [
    'select * from t for update',
    'select * from t for key share skip locked',
    'select * from (select * from t for no key update) s',
    'select * into u from t',
    'with w as (insert into t values (1) returning *) select * from w',
    'with w as (delete from t) select 1',
    'select * from t tablesample system (10)',
    'select xmin from t',
    'select t.ctid from t',
    'select * from pg_class',
    'select * from pg_catalog.pg_class',
    'select * from information_schema.tables',
    'select * from pg_temp.t',
    'select (select count(*) from pg_locks)',
  ],
};

const cacheable = [
  'select 1',
  'select 1;',
  'values (1, 2)',
  'table t',
  'select * from t where a = $1 and b in (1, 2, 3)',
  "select 'buy it' -- now()\n",
  '/* random() now */ select 1',
  'with t as (select 1) select * from t union all select 2',
  'select count(*) filter (where a > 1) over w from t window w as (partition by b order by c)',
  'select case when a then b else c end, coalesce(a, b), nullif(a, b), greatest(a, b), array[1, 2], row(1, 2) from t',
  'select current_user, current_schema, session_user',
  "select json_object('a': 1), json_arrayagg(a), json_value('{}', '$.a') from t",
  "select * from json_table('[]', '$[*]' columns (a int path '$.a')) j",
  'select a[1:2], (b).c, (b).*, d collate "C" from t group by grouping sets ((a), ()) having true',
  "select a between 1 and 2, a like 'x', a similar to 'y', a is distinct from b, a is null, not a from t",
  "select extract(year from a), a at time zone 'utc', substring(b from 1 for 2), trim(b), overlay(b placing 'x' from 1) from t",
  'select xmlelement(name a, b), xmlserialize(document c as text) from t',
  'select * from t, lateral (select * from u where u.a = t.a) v',
  'select * from rows from (f(1), g(2)) with ordinality',
  'select * from only t order by a using < limit 1 offset 2',
  'with recursive r(n) as (select 1 union all select n + 1 from r where n < 9) search depth first by n set o select * from r',
  "select * from t where name = 'the day of tomorrow and many other things that are no date at all'",
];

describe('The verdict of a text', () => {
  for (const [word, texts] of Object.entries(uncacheable)) {
    it(`is ${word} where it should be`, () => {
      for (const text of texts) {
        const { uncacheable: got, why } = verdictOf(text);
        assert.equal(got, word, `${text}: ${why}`);
        assert.ok(why !== undefined && why.endsWith('.'), text);
      }
    });
  }

  it('lets every plain query pass', () => {
    for (const text of cacheable) {
      const { uncacheable: got, why, isReadOnly, writes } = verdictOf(text);
      assert.equal(got, undefined, `${text}: ${why}`);
      assert.ok(isReadOnly, text);
      assert.deepEqual(writes, []);
    }
  });

  const reads: readonly (readonly [string, string[]])[] = [
    [
      'select * from a, "B" b join s.c on true where exists (select 1 from d) and e in (select 1 from f)',
      ['a', 'B', 's.c', 'd', 'f'],
    ],
    ['with t as (select * from t) select * from t', ['t']],
    ['with recursive t as (select 1 union select * from t) select * from t', []],
    ['with a as (select * from b), b as (select * from a) select * from b, a, c', ['b', 'c']],
    ['select * from (with x as (select 1) select * from x) y, x', ['x']],
    ['with x as (select 1) select * from s.x', ['s.x']],
    ['with x as (select 1) select * from (select * from x) z', []],
    ['select * from a union (select * from b except select * from c)', ['a', 'b', 'c']],
    ['select 1 from a order by (select max(x) from b)', ['a', 'b']],
    ['insert into a select * from b', ['b']],
  ];
  it('knows the relations it reads, and not the names that WITH gives', () => {
    for (const [text, names] of reads) {
      const got = verdictOf(text).reads.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
      assert.deepEqual(got.sort(), names.sort(), text);
    }
  });

  const writes: readonly (readonly [string, string[] | 'unknown'])[] = [
    ['insert into a values (1)', ['a insert']],
    ['insert into a values (1) on conflict do nothing', ['a insert']],
    ['insert into a values (1) on conflict (x) do update set x = 1', ['a update']],
    ['update s.a set x = 1', ['s.a update']],
    ['delete from a using b', ['a delete']],
    ['merge into a using b on true when not matched then do nothing', ['a merge']],
    ['truncate a, b', ['a truncate', 'b truncate']],
    ['truncate a cascade', ['a truncate-cascade']],
    ['copy a (x) from stdin', ['a insert']],
    ['refresh materialized view concurrently m', ['m truncate']],
    [
      'with x as (insert into a values (1)), y as (update b set c = 1) delete from d',
      ['a insert', 'b update', 'd delete'],
    ],
    ['explain analyze delete from a', ['a delete']],
    ['insert into a values (1); insert into b values (1)', ['a insert', 'b insert']],
    ['with a as (select 1) insert into a select * from a', ['a insert']],
    ['begin', []],
    ['commit', []],
    ["prepare transaction 'x'", []],
    ["commit prepared 'x'", 'unknown'],
    ['select 1', []],
    ['set x = 1', []],
    ['call p()', 'unknown'],
    ['do $$ begin end $$', 'unknown'],
    ['execute p', 'unknown'],
    ['create temp table a (x int)', []],
    ['create table a (x int)', 'unknown'],
    ['select * into temp x from a', []],
    ['create temp table a as select * from b', []],
    ['alter table a add b int', 'unknown'],
    ['grant select on a to b', 'unknown'],
    ['insert into a values (1); drop table b', 'unknown'],
    ['not sql at all', 'unknown'],
  ];
  it('knows the relations it writes', () => {
    for (const [text, names] of writes) {
      const got = verdictOf(text).writes;
      const shown =
        got === 'unknown'
          ? got
          : got.map(({ schema, name, kind }) => `${schema === undefined ? '' : `${schema}.`}${name} ${kind}`);
      assert.deepEqual(shown, names, text);
    }
  });

  it('knows functions with their arguments, operators and fields', () => {
    const { functions, operators, fields } = verdictOf(
      'select f(a, 1), s.g(), t.h, (t).i from t where a @@ b and c operator(s.~~~) d',
    );
    assert.deepEqual(functions, [
      { name: 'f', args: 2 },
      { schema: 's', name: 'g', args: 0 },
    ]);
    assert.deepEqual(operators, ['@@', '~~~']);
    assert.deepEqual(fields, ['h', 'i']);
  });

  it('knows what changes the meaning of names', () => {
    const alter = [
      'set search_path = a',
      'set local role x',
      'reset all',
      'discard all',
      "set schema 'a'",
      'set session authorization x',
    ];
    const keep = [
      'set timezone = utc',
      'set local statement_timeout = 1',
      'begin',
      'select 1',
      "select set_config('app.x', $1, true)",
    ];
    alter.push(
      "select set_config('search_path', 'a', true)",
      'select set_config($1, $2, true)',
      'create temp table x ()',
      'call p()',
    );
    for (const text of alter) assert.ok(verdictOf(text).altersNames, text);
    for (const text of keep) assert.ok(!verdictOf(text).altersNames, text);
  });

  it('is remembered for all numbers and comments', () => {
    verdictOf('select a from b where c = 1');
    const before = classifier.parsed;
    for (let id = 0; id < 1_000; id += 1)
      verdictOf(`select a from b where c = ${id} -- trace ${id}`.replace(/ -- .*/, ''));
    verdictOf('/* from=page 7 */select a from b where c = 12345 ');
    verdictOf("select a from b where d = 'x'");
    for (let id = 0; id < 1_000; id += 1) verdictOf(`select a from b where d = 'name ''${id}'''`);
    assert.ok(classifier.parsed - before <= 3);
  });

  it('does not grow with the rows of an INSERT', () => {
    const rows = Array.from({ length: 20_000 }, (_, id) => `(${id}, 'row ${id}', ${id / 7}, null)`).join(', ');
    assert.deepEqual(verdictOf(`insert into a (b, c, d, e) values ${rows}`).writes, [{ name: 'a', kind: 'insert' }]);
    const numbers = Array.from({ length: 20_000 }, (_, id) => id).join(',');
    assert.equal(verdictOf(`select * from a where b in (${numbers})`).uncacheable, undefined);
  });
});
