// What is asked of the origin about functions that may leave something in a session, and about what calls them. A part
// of the catalogue's query: the same snapshot, the same form of rows.

/** Characters of a function's body that are read; a longer one may do anything. */
export const maxBody = 65_536;

/** Extensions of which no function leaves anything in a session, but those that are named below. */
const statelessExtensions = [
  'address_standardizer',
  'amcheck',
  'bloom',
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'dict_int',
  'dict_xsyn',
  'earthdistance',
  'file_fdw',
  'fuzzystrmatch',
  'h3',
  'hll',
  'hstore',
  'insert_username',
  'intagg',
  'intarray',
  'isn',
  'lo',
  'ltree',
  'moddatetime',
  'pageinspect',
  'pg_buffercache',
  'pg_cron',
  'pg_freespacemap',
  'pg_jsonschema',
  'pg_net',
  'pg_prewarm',
  'pg_stat_statements',
  'pg_trgm',
  'pg_uuidv7',
  'pg_visibility',
  'pgcrypto',
  'pgjwt',
  'pgmq',
  'pgrouting',
  'pgstattuple',
  'plpgsql',
  'postgis',
  'postgis_raster',
  'postgis_tiger_geocoder',
  'postgis_topology',
  'postgres_fdw',
  'refint',
  'seg',
  'sslinfo',
  'tablefunc',
  'tcn',
  'timescaledb',
  'tsm_system_rows',
  'tsm_system_time',
  'unaccent',
  'uuid-ossp',
  'vector',
  'xml2',
];

/** And these do: they change a setting of the extension, or the search path. */
const statefulOfExtensions = '^(set_limit$|hll_set_|set_?search_?path|addtosearchpath|timescaledb_(pre|post)_restore)';

/** PostgreSQL's own functions that leave something behind. */
const builtIn = `^(set_config|setseed|pg_(try_)?advisory_lock(_shared)?|(query|cursor|schema|database)_to_xml\\w*)$`;

/** Expressions are kept as trees that name functions by number. */
const calls = (tree: string): string => `${tree}::text ~ (select ':funcid (' || string_agg(oid::text, '|') || ') '
  from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ '${builtIn}')`;

/** What depends on functions, operators and, where \`relations\`, on tables and views; by what \`owner\` it is a part of. */
function uses(catalogue: string, owner: string, { relations = false } = {}): string {
  const extra = relations ? ` or d.refclassid = 'pg_class'::regclass` : '';
  return `
  select 'use', json_build_array(case d.refclassid when 'pg_proc'::regclass then 'p' when 'pg_class'::regclass then 'r' else 'o' end
      || d.refobjid, ${owner})
  from pg_depend d join ${catalogue} x on d.classid = '${catalogue}'::regclass and d.objid = x.oid
  where d.refobjid >= 16384 and (d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass)${extra});`;
}

export const routinesQuery: string = `
select 'routine', json_build_array(p.oid::int8, p.proname, l.lanname, p.provolatile,
    case when l.lanname not in ('sql', 'plpgsql') then '' else left(
      case when p.prosrc = '' then pg_get_functiondef(p.oid) else p.prosrc end, ${maxBody + 1}) end,
    (select substring(c.description, 'sallyport: *(state(?:less|ful))') from pg_description c
      where c.classoid = 'pg_proc'::regclass and c.objoid = p.oid and c.objsubid = 0),
    p.proname !~ '${statefulOfExtensions}' and exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_extension'::regclass
        and d.deptype = 'e' and e.extname in (${statelessExtensions.map((name) => `'${name}'`).join(', ')})))
  from pg_proc p join pg_language l on l.oid = p.prolang where p.oid >= 16384;
select 'symbol', json_build_array(o.oid::int8, o.oprname) from pg_operator o where o.oid >= 16384;
${uses('pg_proc', `'p' || x.oid`, { relations: true })}
${uses('pg_rewrite', `'r' || x.ev_class`, { relations: true })}
${uses('pg_policy', `'r' || x.polrelid`, { relations: true })}
${uses('pg_trigger', `'w' || x.tgrelid`)}
${uses('pg_attrdef', `'w' || x.adrelid`)}
${uses('pg_constraint', `case x.conrelid when 0 then '*' else 'w' || x.conrelid end`)}
${uses('pg_class', `'w' || coalesce((select i.indrelid from pg_index i where i.indexrelid = x.oid), x.oid)`)}
${uses(`pg_type`, `'d' || x.oid`)}
select 'use', json_build_array('d' || atttypid, 'w' || attrelid) from pg_attribute
  where atttypid in (select oid from pg_type where typtype = 'd' and typdefaultbin is not null);
${uses('pg_operator', `'o' || x.oid`)}
${uses('pg_cast', `'*'`)}
${uses('pg_event_trigger', `'ddl'`)}
select 'root', json_build_array('r' || ev_class) from pg_rewrite where oid >= 16384 and ${calls('ev_action')};
select 'root', json_build_array('p' || oid) from pg_proc where oid >= 16384 and ${calls('proargdefaults')};
select 'root', json_build_array('d' || oid) from pg_type where typtype = 'd' and ${calls('typdefaultbin')};
select 'root', json_build_array('w' || adrelid) from pg_attrdef where ${calls('adbin')};
select 'root', json_build_array(case conrelid when 0 then '*' else 'w' || conrelid end) from pg_constraint
  where conbin is not null and oid >= 16384 and ${calls('conbin')};
select 'root', json_build_array('r' || polrelid) from pg_policy where ${calls('polqual')} or ${calls('polwithcheck')};
select 'root', json_build_array('w' || tgrelid) from pg_trigger where tgqual is not null and ${calls('tgqual')};`;

/**
 * By the first letter and its number: a function (`p`), an operator (`o`), a relation that is read or written (`r`), one
 * that is written (`w`), a domain (`d`). `*` is everything, `ddl` is any DDL.
 */
export type ObjectKey = string;

export type RoutineRow = [
  oid: number,
  name: string,
  language: string,
  volatility: 'i' | 's' | 'v',
  body: string,
  /** What its comment says. */
  said: 'stateless' | 'stateful' | null,
  isKnownStateless: boolean,
];

export interface RoutineRows {
  routine: RoutineRow[];
  symbol: [oid: number, name: string][];
  /** Whoever uses the first uses the second. */
  use: [used: ObjectKey, user: ObjectKey | null][];
  /** These leave something behind by themselves. */
  root: [key: ObjectKey][];
}
