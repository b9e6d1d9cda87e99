// Bodies of functions that leave something in their session, and of those that only look like it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments, setsForSession } from '../../src/functions/call-arguments.ts';
import { judgeBody } from '../../src/functions/function-body.ts';

const bodies: readonly (readonly [string, ReturnType<typeof judgeBody>])[] = [
  [`begin set timezone to utc; end`, 'stateful'],
  [`begin -- why\n set timezone to utc; end`, 'stateful'],
  [`begin /* a /* b */ c */ set timezone to utc; end`, 'stateful'],
  [`begin if a then set session work_mem = '1MB'; end if; end`, 'stateful'],
  [`begin reset all; end`, 'stateful'],
  [`begin perform set_config('a.b', x, false); end`, 'stateful'],
  [`select set_config('a.b', $1, $2)`, 'stateful'],
  [`begin execute 'set timezone to utc'; end`, 'stateful'],
  [`begin execute format('set timezone to %L', x); end`, 'stateful'],
  [`begin execute q; end`, 'stateful'],
  [`begin execute 'select ' || q; end`, 'stateful'],
  [`begin execute format('select %s', q); end`, 'stateful'],
  [`begin execute format('select %I()', q); end`, 'stateful'],
  [`begin execute format('select 1') || q; end`, 'stateful'],
  [`begin execute format('select %1$s', q); end`, 'stateful'],
  [`begin create temporary table if not exists x (n int); end`, 'stateful'],
  [`begin perform pg_try_advisory_lock(1); end`, 'stateful'],
  [`begin listen news; end`, 'stateful'],
  [`begin perform query_to_xml(q, true, true, ''); end`, 'stateful'],
  [`begin execute 'x -- '; set timezone to utc; end`, 'stateful'],
  [`begin execute format('delete from %I where n = %L', t, v); end`, 'named'],
  [`begin for r in execute format('select * from %I', 't)') loop null; end loop; end`, 'named'],
  [`begin execute 'delete from x where n = $1' using v; end`, 'stateless'],
  [`begin return query execute $q$ select 1 $q$; end`, 'stateless'],
  [`begin update t set n = 1; end`, 'stateless'],
  [`begin insert into t values (1) on conflict do update set n = 2; end`, 'stateless'],
  [`begin update "T" set n = 1; end`, 'stateless'],
  [`begin set local timezone to utc; set constraints all deferred; end`, 'stateless'],
  [`begin perform set_config('a.b', coalesce(x, ','), true); end`, 'stateless'],
  [`begin perform set_config('a.b', x, is_local => true); end`, 'stateless'],
  [`begin create temp table x on commit drop as select 1; end`, 'stateless'],
  [`begin perform pg_advisory_xact_lock(1); end`, 'stateless'],
  [`begin perform 1; -- set timezone to utc\n end`, 'stateless'],
  [`begin execute 'grant execute on function f to x'; end`, 'stateless'],
];

for (const [body, verdict] of bodies) {
  test(`${JSON.stringify(body)} is ${verdict}`, () => {
    assert.equal(judgeBody(body), verdict);
  });
}

test('set_config() for the transaction only is told by its third argument, and in doubt it is not', () => {
  for (const text of [
    `select set_config('a', 'b', true)`,
    `select pg_catalog.set_config('a', 'it''s (', 'true'::boolean), set_config('b', 'c', 't')`,
    `select "set_config"('a', array['b', 'c'][1], true)`,
  ]) {
    assert.equal(setsForSession(text), false, text);
  }
  for (const text of [
    `select set_config('a', 'b', $1)`,
    `select set_config('a', 'b', true), set_config('c', 'd', false)`,
    `select set_config('a', E'b\\', true)', false)`,
    `select set_config('a', $x$, true)$x$, false)`,
    `select set_config /* x */ ('a', 'b', false)`,
    `select set_config('a', 'b', true and false)`,
    `select set_config('a', 'b', true`,
  ]) {
    assert.equal(setsForSession(text), true, text);
  }
});

test('Arguments end where their bracket does', () => {
  assert.deepEqual(readArguments(`a, (b, c), 'd)', e) f`, 0), { list: ['a', '(b, c)', `'d)'`, 'e'], end: 19 });
  assert.equal(readArguments('a, (b', 0), undefined);
});
