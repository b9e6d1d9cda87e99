// The claims that compare ways: bulk each way, connect + round trip, and how many connects a second.
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { Scope } from '../kit/scope.ts';
import { type Context, measureSeries, type Series } from './context.ts';
import { startRaw, startSsh, startTls, startTunnel, type Way, type WayName } from './ways.ts';

interface Comparison {
  key: string;
  what: string;
  series: Series;
  peer: WayName;
  /** Throughput: more is better, and the ratio is that of rates. */
  kind: 'throughput' | 'time';
  target?: number;
  show: (milliseconds: number) => string;
}

function compare({ key, what, series, peer, kind, target, show }: Comparison): Row {
  const [ours = [], theirs = []] = [series['tunnel'], series[peer]];
  const { ofMedians, ofPairs } = kind === 'throughput' ? toRatio(theirs, ours) : toRatio(ours, theirs);
  return {
    key,
    what,
    ours: show(toMedian(ours)),
    peer: `${peer} ${show(toMedian(theirs))}`,
    value: ofMedians,
    pairs: ofPairs,
    ...(target === undefined ? {} : { target: { value: target, atLeast: kind === 'throughput' } }),
  };
}

async function bulkRows(context: Context, ways: readonly Way[]): Promise<Row[]> {
  const { plan, runs, patience, load, raw, wants } = context;
  const rows: Row[] = [];
  const sizes = `${plan.bulkBytes >> 20} MiB`;
  const show = (milliseconds: number): string =>
    `${(plan.bulkBytes / 2 ** 20 / (milliseconds / 1000)).toFixed(0)} MiB/s`;
  for (const direction of ['down', 'up'] as const) {
    const name = `bulk_${direction}`;
    if (!wants(name)) continue;
    const run = async ({ entries }: Way): Promise<number> => {
      const order = { port: direction === 'down' ? entries.source : entries.sink, bytes: plan.bulkBytes };
      return (await load.ask<{ milliseconds: number }>(direction, order)).milliseconds;
    };
    const series = await measureSeries(ways, { name, runs, patience, run });
    raw[name] = series;
    const what = `one stream ${direction}, ${sizes}`;
    const base = { series, kind: 'throughput', show } as const;
    const ofTls = direction === 'down' ? 'bulk_vs_tls_relay' : 'bulk_vs_tls_relay_up';
    rows.push(
      compare({ ...base, key: `bulk_vs_ssh_${direction}`, what, peer: 'ssh', target: 1.5 }),
      compare({ ...base, key: ofTls, what, peer: 'tls', target: 0.7 }),
      compare({ ...base, key: `bulk_vs_raw_${direction}`, what, peer: 'raw' }),
      compare({ ...base, key: `bulk_vs_ssh_gcm_${direction}`, what, peer: 'ssh_gcm' }),
    );
  }
  return rows;
}

async function tripRows({ plan, runs, patience, load, raw }: Context, ways: readonly Way[]): Promise<Row[]> {
  const count = plan.trips;
  // Opening is much code that runs seldom: as long as V8 has not compiled it, what is measured is V8.
  for (const { entries } of ways) {
    await load.ask('connects', { port: entries.echo, count: plan.connects, concurrency: plan.concurrency });
  }
  const run = async ({ entries, prepare }: Way): Promise<number> => {
    await prepare?.(count);
    return (await load.ask<{ milliseconds: number }>('trips', { port: entries.echo, count })).milliseconds;
  };
  const series = await measureSeries(ways, { name: 'rtt', runs, patience, run });
  raw['rtt'] = series;
  const show = (milliseconds: number): string => `${((milliseconds * 1000) / count).toFixed(0)} µs`;
  const base = { what: 'connect + 1-byte round trip', series, kind: 'time', show } as const;
  return [
    compare({ ...base, key: 'rtt_vs_tls_relay', peer: 'tls_warm', target: 1.5 }),
    compare({ ...base, key: 'rtt_vs_tls_handshake', peer: 'tls' }),
    compare({ ...base, key: 'rtt_vs_raw', peer: 'raw' }),
    compare({ ...base, key: 'rtt_vs_ssh', peer: 'ssh' }),
  ];
}

async function connectRows({ plan, runs, patience, load, raw }: Context, ways: readonly Way[]): Promise<Row[]> {
  const { connects: count, concurrency } = plan;
  const run = async ({ entries }: Way): Promise<number> => {
    const order = { port: entries.echo, count, concurrency };
    return (await load.ask<{ milliseconds: number }>('connects', order)).milliseconds;
  };
  const series = await measureSeries(ways, { name: 'connects', runs, patience, run });
  raw['connects'] = series;
  const show = (milliseconds: number): string => `${(count / (milliseconds / 1000)).toFixed(0)}/s`;
  const what = `TCP connect + round trip + close, ${concurrency} at a time`;
  return (['raw', 'tls'] as const).map((peer) =>
    compare({ key: `connects_vs_${peer}`, what, series, peer, kind: 'throughput', show }),
  );
}

export async function measureSpeed(context: Context): Promise<Row[]> {
  const { targets, wants } = context;
  if (!['bulk_down', 'bulk_up', 'rtt', 'connects'].some(wants)) return [];
  await using scope = new Scope();
  const ways: Way[] = [
    await startTunnel(targets),
    await startRaw(targets),
    await startTls(targets, false),
    await startSsh(targets),
  ].map((way) => scope.use(way));
  const gcm = scope.use(await startSsh(targets, 'aes128-gcm@openssh.com'));
  const warm = scope.use(await startTls(targets, true));
  return [
    ...(await bulkRows(context, [...ways, gcm])),
    ...(wants('connects')
      ? await connectRows(
          context,
          ways.filter(({ name }) => name !== 'ssh'),
        )
      : []),
    ...(wants('rtt') ? await tripRows(context, [...ways, warm]) : []),
  ];
}
