// Which queries leave something behind in their session, and which only look like it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionEffectsOf } from '../src/session/session-state.ts';

const pinning: readonly (readonly [string, string])[] = [
  ['set timezone to utc', 'set'],
  ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', 'set'],
  ['  /* why */ set -- not\n search_path = a', 'set'],
  ['begin; set role bob; commit', 'set'],
  ['-- a line\rset role bob', 'set'],
  ['select a$b$ from t; /* why */ set role bob; -- $b$', 'set'],
  ['reset all', 'set'],
  ["select set_config('a.b', 'c', false)", 'set'],
  ["select 'C:\\'; set timezone to utc; select 'x'", 'set'],
  ["/* /* */ ' */ set timezone to utc; select 'x'", 'set'],
  ['prepare p as select 1', 'prepare'],
  ['listen news', 'listen'],
  ["load 'auto_explain'", 'load'],
  ['create temp table t (n int)', 'temporary-object'],
  ['create temporary view v as select 1', 'temporary-object'],
  ['create local temp sequence s', 'temporary-object'],
  ['select 1 as n into temp t', 'temporary-object'],
  ['select 1 as n into local temporary t', 'temporary-object'],
  ['create table pg_temp.t (n int)', 'temporary-object'],
  ['declare c cursor with hold for select 1', 'hold-cursor'],
  ['select pg_advisory_lock(1)', 'advisory-lock'],
  ['with l as (select pg_try_advisory_lock_shared(1)) select * from l', 'advisory-lock'],
  ['(select 1 as n into temp t)', 'temporary-object'],
  ['explain analyze create temp table t as select 1', 'temporary-object'],
  ["select pg_backup_start('a')", 'function'],
  ["select pg_create_logical_replication_slot('a', 'b', true)", 'function'],
  ["select pg_replication_origin_session_setup('a')", 'set'],
  ["create function f() returns void language plpgsql as 'begin set timezone to utc; end'", 'function'],
  ['create or replace procedure f() language plpython3u as $$ GD["a"] = 1 $$', 'function'],
  ['do $$ begin set timezone to utc; end $$', 'set'],
  ['do $$ begin perform pg_advisory_lock(1); end $$', 'advisory-lock'],
];

for (const [query, cause] of pinning) {
  test(`${query} stays with its client: ${cause}`, () => {
    assert.equal(sessionEffectsOf(query).pin, cause);
  });
}

for (const query of [
  'select 1',
  "create function f() returns int language plpgsql as 'begin return 1; end'",
  'create function f(int) returns int immutable language c as $$lib$$',
  'explain select 1; create table t (n int)',
  'update t set n = 1',
  'insert into t values (1) on conflict do update set n = 2',
  'set local timezone to utc',
  'set transaction isolation level serializable',
  'set constraints all deferred',
  "prepare transaction 'x'",
  'create temp table t (n int) on commit drop',
  'select pg_advisory_xact_lock(1)',
  'select pg_try_advisory_xact_lock(1)',
  "notify news, 'listen'",
  "select 'set timezone'",
  'declare c cursor for select 1',
  'select temp from weather',
]) {
  test(`${query} leaves nothing behind`, () => {
    assert.equal(sessionEffectsOf(query).pin, undefined);
  });
}

test('DISCARD and DEALLOCATE are known, and whether they mean all', () => {
  assert.deepEqual(sessionEffectsOf('discard all'), { pin: undefined, forgetsHeld: true, forgetsNames: true });
  assert.deepEqual(sessionEffectsOf('DEALLOCATE PREPARE ALL'), {
    pin: undefined,
    forgetsHeld: true,
    forgetsNames: true,
  });
  assert.deepEqual(sessionEffectsOf('deallocate p'), { pin: undefined, forgetsHeld: true, forgetsNames: false });
  assert.deepEqual(sessionEffectsOf('discard plans'), { pin: undefined, forgetsHeld: true, forgetsNames: false });
});
