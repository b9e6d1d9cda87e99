// What is asked of the origin's own catalogue, in one snapshot, and what comes back. Rows are JSON arrays behind a tag.
//
// search_path is empty meanwhile, so that definitions come with the schemas of all names outside pg_catalog.

import { routinesQuery } from '../functions/routines-query.ts';
import type { RoutineRows } from '../functions/routines-query.ts';

const outside = `n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`;

/** Extensions whose functions in C write to no table, whatever their volatility says. */
const harmlessExtensions = [
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'moddatetime',
  'pg_trgm',
  'pgcrypto',
  'postgis',
  'seg',
  'unaccent',
  'uuid-ossp',
  'vector',
];

/** What a trigger that keeps `updated_at` consists of, and nothing else. */
const clockCall = `(now\\(\\)|current_timestamp|localtimestamp|(clock|statement|transaction)_timestamp\\(\\))`;
const touch = `^\\s*begin\\s+(new\\.\\w+\\s*:?=\\s*${clockCall}(\\s+at\\s+time\\s+zone\\s+''utc'')?\\s*;\\s*)+return\\s+new\\s*;\\s*end\\s*;?\\s*$`;

/** Functions of users that may write: VOLATILE ones, but those that are known not to. */
const writers = `
  select p.oid from pg_proc p join pg_language l on l.oid = p.prolang
  where p.oid >= 16384 and p.provolatile = 'v'
    and not (l.lanname = 'c' and exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_extension'::regclass
        and d.deptype = 'e' and e.extname in (${harmlessExtensions.map((name) => `'${name}'`).join(', ')})))
    and not (l.lanname = 'plpgsql' and p.prosrc ~* '${touch}' and not exists (select from pg_proc o
      where o.oid >= 16384 and o.proname in ('now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp')))`;

/** Whether some objects of a relation need a function that may write. */
function callsWriter(catalogue: string, relation: string, condition = 'true'): string {
  return `exists (select from ${catalogue} x join pg_depend d on d.classid = '${catalogue}'::regclass and d.objid = x.oid
    and d.refclassid = 'pg_proc'::regclass join writers f on f.oid = d.refobjid where x.${relation} = c.oid and ${condition})`;
}

/** Rows of a user's in a catalogue: they change whenever one of them does. Temporary tables come and go all day. */
function markOf([catalogue, table]: readonly [catalogue: string, table?: string]): string {
  const lasting = table && `and ${table} not in (select oid from pg_class where relpersistence = 't')`;
  return `(select count(*) || '.' || coalesce(sum(xmin::text::int8), 0) from ${catalogue} where oid >= 16384 ${lasting ?? ''})`;
}

const marked = [
  ['pg_proc'],
  ['pg_operator'],
  ['pg_cast'],
  ['pg_event_trigger'],
  ['pg_namespace'],
  ['pg_rewrite', 'ev_class'],
  ['pg_trigger', 'tgrelid'],
  ['pg_attrdef', 'adrelid'],
  ['pg_constraint', 'conrelid'],
  ['pg_policy', 'polrelid'],
] as const;
/** One text that is another one when the schema is. Of tables not by version, as TRUNCATE and the like make a new one. */
export const markQuery: string = `
select 'mark', to_json(concat_ws(' ', ${marked.map(markOf).join(', ')},
  (select count(*) || '.' || coalesce(sum(xmin::text::int8), 0) from pg_inherits),
  (select count(*) || '.' || coalesce(sum(xmin::text::int8), 0) from pg_type where typtype = 'd' and oid >= 16384),
  (select count(*) || '.' || coalesce(sum(hashtext(concat_ws(' ', oid, relname, relnamespace, relkind, relrowsecurity))), 0)
    from pg_class where oid >= 16384 and relpersistence <> 't')))`;

export const catalogueQuery: string = `
begin isolation level repeatable read read only;
set local search_path = '';
set local statement_timeout = 0;
set local jit = off;
with writers as (${writers})
select 'relation', json_build_array(c.oid::int8, n.nspname, c.relname, c.relkind, c.relrowsecurity,
    exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D'
        and t.tgfoid in (select oid from writers))
      or exists (select from pg_rewrite w where w.ev_class = c.oid and w.ev_type <> '1')
      or ${callsWriter('pg_attrdef', 'adrelid')}
      or ${callsWriter('pg_constraint', 'conrelid')}
      or ${callsWriter('pg_policy', 'polrelid')},
    ${callsWriter('pg_rewrite', 'ev_class')} or ${callsWriter('pg_policy', 'polrelid', `x.polcmd in ('r', '*')`)},
    case when c.relkind = 'v' then pg_get_viewdef(c.oid) end)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and ${outside};
select 'child', json_build_array(inhrelid::int8, inhparent::int8) from pg_inherits;
select 'key', json_build_array(conrelid::int8, confrelid::int8, confupdtype, confdeltype)
  from pg_constraint where contype = 'f';
select 'policy', json_build_array(p.polrelid::int8, pg_get_expr(p.polqual, p.polrelid))
  from pg_policy p where p.polcmd in ('r', '*') and p.polqual is not null;
with writers as (${writers})
select 'function', json_build_array(p.proname, true, p.provolatile, p.oid in (select oid from writers),
    p.pronargs = 1 and exists (select from pg_type t where t.oid = p.proargtypes[0] and t.typtype in ('c', 'p')))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${outside};
with writers as (${writers})
select 'function', json_build_array(p.proname, true, i.provolatile, i.oid in (select oid from writers), false)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_aggregate a on a.aggfnoid = p.oid
    join pg_proc i on i.oid in (a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
  where ${outside};
select 'function', json_build_array(p.proname, false, v, false, false)
  from (select p.proname, case when bool_or(p.provolatile = 'v') then 'v' when bool_or(p.provolatile = 's') then 's' else 'i' end v
    from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace group by 1) p;
select 'operator', json_build_array(o.oprname)
  from pg_operator o join pg_namespace n on n.oid = o.oprnamespace join pg_proc p on p.oid = o.oprcode
  where ${outside} and p.provolatile <> 'i';
select 'cast', json_build_array(format_type(c.castsource, null), format_type(c.casttarget, null))
  from pg_cast c join pg_proc p on p.oid = c.castfunc join pg_namespace n on n.oid = p.pronamespace
  where ${outside} and p.provolatile <> 'i';
${routinesQuery}
${markQuery};
commit`;

/** What names without a schema mean to a session, and whom it is. */
export const environmentQuery = `select 'schemas', to_json(current_schemas(true)::text[])`;

export type RelationRow = [
  oid: number,
  schema: string,
  name: string,
  kind: 'r' | 'p' | 'v' | 'm' | 'f' | 'S',
  hasRowSecurity: boolean,
  /** A write to it may write anything else: triggers, rules, defaults that call functions. */
  hasSideEffects: boolean,
  /** A read of it may write anything: a view or a policy that calls a function. */
  writesOnRead: boolean,
  definition: string | null,
];
export type FunctionRow = [
  name: string,
  /** Not PostgreSQL's. */
  isOwn: boolean,
  volatility: 'i' | 's' | 'v',
  mayWrite: boolean,
  isField: boolean,
];

/** Nothing, restrict, cascade, set null, set default. */
export type KeyAction = 'a' | 'r' | 'c' | 'n' | 'd';

export interface CatalogueRows extends RoutineRows {
  relation: RelationRow[];
  child: [child: number, parent: number][];
  key: [referring: number, referred: number, onUpdate: KeyAction, onDelete: KeyAction][];
  policy: [relation: number, expression: string][];
  function: FunctionRow[];
  operator: [name: string][];
  cast: [from: string, to: string][];
}

export function toCatalogueRows(rows: string[][]): CatalogueRows {
  const all: CatalogueRows = {
    relation: [],
    child: [],
    key: [],
    policy: [],
    function: [],
    operator: [],
    cast: [],
    routine: [],
    symbol: [],
    use: [],
    root: [],
  };
  for (const [tag, json] of rows) {
    if (tag === 'mark') continue;
    const list = all[tag as keyof CatalogueRows] as unknown[] | undefined;
    list?.push(JSON.parse(json ?? 'null'));
  }
  return all;
}
