// The rows of pgbench: transactions a second through the pooler, through PgBouncer, and straight.
import { Scope } from '../kit/scope.ts';
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { type Context, measureSeries, type Series } from './context.ts';
import { type PgbenchOptions, runPgbench } from './pgbench.ts';
import {
  type ClientAuth,
  poolSize,
  startPgbouncer,
  startSallyport,
  type Subject,
  type SubjectName,
  toDirect,
} from './subjects.ts';

interface Comparison {
  key: string;
  what: string;
  load: Omit<PgbenchOptions, 'seconds'>;
  /** Default: cleartext at the poolers, and what it is by default straight. */
  auth?: ClientAuth;
  target?: number;
  targetVsDirect?: number;
}

const select = { script: 'select', clients: 16 } as const;
const many = { script: 'select', clients: 200 } as const;

const comparisons: readonly Comparison[] = [
  { key: 'simple', what: 'select-only, simple', load: { ...select, protocol: 'simple' }, target: 1 },
  { key: 'extended', what: 'select-only, extended', load: { ...select, protocol: 'extended' }, target: 1 },
  { key: 'prepared', what: 'select-only, prepared', load: { ...select, protocol: 'prepared' }, target: 1 },
  {
    key: 'connect_each',
    what: 'a connection for each transaction',
    load: { ...select, protocol: 'simple', connects: true },
    target: 1,
    targetVsDirect: 10,
  },
  {
    key: 'connect_each_scram',
    what: 'a connection for each transaction, SCRAM everywhere',
    load: { ...select, protocol: 'simple', connects: true },
    auth: 'scram-sha-256',
  },
  { key: 'tpcb', what: 'TPC-B-like, simple', load: { script: 'tpcb', clients: 16, protocol: 'simple' } },
  { key: 'clients200_simple', what: 'select-only, simple', load: { ...many, protocol: 'simple' } },
  { key: 'clients200_extended', what: 'select-only, extended', load: { ...many, protocol: 'extended' } },
  { key: 'clients200_prepared', what: 'select-only, prepared', load: { ...many, protocol: 'prepared' } },
];

/** pgbench's time runs from before its clients log in, which takes two hundred a while with SCRAM. */
const loginSeconds = 2;

const show = (rate: number): string => `${rate.toFixed(0)}/s`;

export interface RatioOptions {
  key: string;
  what: string;
  series: Series;
  peer: SubjectName;
  target?: number | undefined;
}

/** Sallyport ÷ a peer; more is better. */
export function toRateRow({ key, what, series, peer, target }: RatioOptions): Row {
  const [ours = [], theirs = []] = [series['sallyport'], series[peer]];
  const base = { key, what, ...(target === undefined ? {} : { target: { value: target, atLeast: true } }) };
  if (theirs.length === 0) return { ...base, ours: show(toMedian(ours)), peer: `no ${peer}`, value: null };
  const { ofMedians, ofPairs } = toRatio(ours, theirs);
  return {
    ...base,
    ours: show(toMedian(ours)),
    peer: `${peer} ${show(toMedian(theirs))}`,
    value: ofMedians,
    pairs: ofPairs,
  };
}

async function startSubjects(context: Context, { load, auth = 'cleartext' }: Comparison): Promise<Subject[]> {
  const { server, pgbouncer } = context;
  const subjects: Subject[] = [toDirect(server), await startSallyport(server, auth)];
  if (pgbouncer === undefined) return subjects;
  const keepsPrepared = load.protocol !== 'prepared' || !isOlder(pgbouncer.version, [1, 21]);
  // In session mode only as many clients as connections can be served.
  if (keepsPrepared || load.clients <= poolSize) {
    const mode = keepsPrepared ? 'transaction' : 'session';
    subjects.push(await startPgbouncer(server, pgbouncer, { auth, mode }));
  }
  return subjects;
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

async function compare(context: Context, comparison: Comparison): Promise<Row[]> {
  const { key, load, what, target, targetVsDirect } = comparison;
  await using scope = new Scope();
  const subjects = await startSubjects(context, comparison);
  for (const subject of subjects) scope.use(subject);
  const seconds = context.plan.seconds + (load.clients > poolSize ? loginSeconds : 0);
  const run = ({ door }: Subject): Promise<number> => runPgbench(door, { ...load, seconds });
  const series = await measureSeries(context, subjects, { name: key, unit: '/s', run });
  const text = `pgbench ${what}, ${load.clients} clients`;
  return [
    toRateRow({ key, what: text, series, peer: 'pgbouncer', target }),
    toRateRow({ key: `${key}_vs_direct`, what: text, series, peer: 'direct', target: targetVsDirect }),
  ];
}

export async function measureSpeed(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const comparison of comparisons) {
    if (context.wants(comparison.key)) rows.push(...(await compare(context, comparison)));
  }
  return rows;
}
