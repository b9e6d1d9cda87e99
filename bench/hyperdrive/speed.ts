// The rows of pgbench: transactions a second through the pooler, through PgBouncer, and straight.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** Rounds that are thrown away, where one is not enough. */
  warmUps?: number;
  /** Sallyport keeps answers, PgBouncer has no part in it. */
  isCached?: boolean;
}

/** How many accounts a cached run asks for: each is asked for again and again. */
const hotKeys = 1_000;

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
    // What accepts a client runs once for each, and is compiled only after some twenty thousand of them.
    warmUps: 4,
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

async function startSubjects(
  context: Context,
  { load, auth = 'cleartext', isCached = false }: Comparison,
): Promise<Subject[]> {
  const { server, pgbouncer } = context;
  const subjects: Subject[] = [toDirect(server), await startSallyport(server, auth, isCached)];
  if (pgbouncer === undefined || isCached) return subjects;
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

async function describeHits(subjects: readonly Subject[]): Promise<string> {
  const { program } = subjects.find(({ name }) => name === 'sallyport')!;
  const { queries } = await program!.ask<{ queries: Record<string, number> }>('status');
  const all = Object.values(queries).reduce((sum, count) => sum + count, 0);
  return `${(((queries['hit'] ?? 0) / all) * 100).toFixed(1)} % hits`;
}

async function compare(context: Context, comparison: Comparison): Promise<Row[]> {
  const { key, load, what, target, targetVsDirect, warmUps } = comparison;
  await using scope = new Scope();
  const subjects = await startSubjects(context, comparison);
  for (const subject of subjects) scope.use(subject);
  const seconds = context.plan.seconds + (load.clients > poolSize ? loginSeconds : 0);
  const run = ({ door }: Subject): Promise<number> => runPgbench(door, { ...load, seconds });
  const series = await measureSeries(context, subjects, {
    name: key,
    unit: '/s',
    run,
    ...(warmUps === undefined ? {} : { warmUps }),
  });
  const text = `pgbench ${what}, ${load.clients} clients`;
  if (comparison.isCached === true) console.log(`${key}: ${await describeHits(subjects)}`);
  if (comparison.isCached === true) return [toRateRow({ key, what: text, series, peer: 'direct', target })];
  return [
    toRateRow({ key, what: text, series, peer: 'pgbouncer', target }),
    toRateRow({ key: `${key}_vs_direct`, what: text, series, peer: 'direct', target: targetVsDirect }),
  ];
}

/** pgbench's own select, of a few accounts only. */
async function toCacheComparisons(scope: Scope): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'hot.sql');
  await writeFile(file, `\\set aid random(1, ${hotKeys})\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n`);
  return (['simple', 'extended', 'prepared'] as const).map((protocol) => ({
    key: protocol === 'simple' ? 'cache_hit_vs_direct' : `cache_hit_${protocol}_vs_direct`,
    what: `select of ${hotKeys} accounts from the cache, ${protocol}`,
    load: { script: { file }, protocol, clients: 16 },
    isCached: true,
    ...(protocol === 'simple' ? { target: 2 } : {}),
  }));
}

export async function measureSpeed(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  await using scope = new Scope();
  for (const comparison of [...comparisons, ...(await toCacheComparisons(scope))]) {
    if (context.wants(comparison.key)) rows.push(...(await compare(context, comparison)));
  }
  return rows;
}
