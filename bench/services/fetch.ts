// The claims about `fetch()` of a binding: latency and rate of small answers against undici straight to the service, and
// the throughput of a long one against a plain stream through a tunnel.
import { Scope } from '../kit/scope.ts';
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { buildPrograms as buildTunnelPrograms, startProgram as startTunnelProgram } from '../tunnel/programs.ts';
import type { Ports } from '../tunnel/ports.ts';
import { startTunnel } from '../tunnel/ways.ts';
import { type Context, measureSeries } from './context.ts';
import { startProgram } from './programs.ts';
import { startWorld, type World } from './world.ts';
import type { Program } from '../kit/programs.ts';

const smallBytes = 1_024;
/** Invocations at a time, and requests at a time in each: no more than one may have waiting for an answer. */
const invocations = 8;
const each = 6;

interface Parts {
  load: Program;
  /** Straight to the service. */
  service: string;
  world: World;
}

async function ask(load: Program, work: string, order: object): Promise<number> {
  return (await load.ask<{ milliseconds: number }>(work, order)).milliseconds;
}

async function measureSmall(context: Context, { load, service, world }: Parts): Promise<Row[]> {
  const { requests, rateRequests } = context.plan;
  const rows: Row[] = [];
  if (context.wants('fetch_latency')) {
    const [count, bytes] = [requests, smallBytes];
    const straight = (by: 'fetch' | 'request') => () =>
      ask(load, 'small', { url: `${service}/small`, by, count, concurrency: 1, bytes });
    const whole = { url: `${world.url}/sequential?count=${count}`, invocations: 1, bytes: count * bytes };
    const series = await measureSeries(context, 'fetch_latency', [
      { name: 'worker', run: () => ask(load, 'worker', whole) },
      { name: 'fetch', run: straight('fetch') },
      { name: 'request', run: straight('request') },
    ]);
    const show = (milliseconds: number): string => `${((milliseconds * 1_000) / count).toFixed(0)} µs`;
    const toRow = (key: string, peer: 'fetch' | 'request'): Row => {
      const { ofMedians, ofPairs } = toRatio(series.worker, series[peer]);
      return {
        key,
        what: 'env.API.fetch() of 1 KiB through a tunnel, one after the other',
        ours: show(toMedian(series.worker)),
        peer: `undici ${peer}(), no tunnel ${show(toMedian(series[peer]))}`,
        value: ofMedians,
        pairs: ofPairs,
      };
    };
    rows.push(
      { ...toRow('fetch_latency', 'fetch'), target: { value: 3, atLeast: false } },
      toRow('fetch_latency_vs_request', 'request'),
    );
  }
  if (context.wants('fetch_rps')) {
    const count = rateRequests / invocations;
    const query = `count=${count}&concurrency=${each}`;
    const whole = { invocations, bytes: count * smallBytes };
    const straight = { by: 'fetch', count: rateRequests, concurrency: invocations * each, bytes: smallBytes };
    const { worker, undici } = await measureSeries(context, 'fetch_rps', [
      { name: 'worker', run: () => ask(load, 'worker', { url: `${world.url}/parallel?${query}`, ...whole }) },
      { name: 'undici', run: () => ask(load, 'small', { url: `${service}/small`, ...straight }) },
    ]);
    const toRate = (milliseconds: number): number => rateRequests / (milliseconds / 1_000);
    const { ofMedians, ofPairs } = toRatio(undici, worker);
    const what = `env.API.fetch() of 1 KiB through a tunnel, ${each} at a time in each of ${invocations} invocations`;
    const ours = `${toRate(toMedian(worker)).toFixed(0)}/s`;
    rows.push(
      { key: 'fetch_rps', what, value: toRate(toMedian(worker)), unit: '/s' },
      {
        key: 'fetch_rps_share',
        what,
        ours,
        peer: `undici, no tunnel ${toRate(toMedian(undici)).toFixed(0)}/s`,
        value: ofMedians,
        pairs: ofPairs,
      },
    );
  }
  return rows;
}

function toSpeed(bytes: number, milliseconds: number): string {
  return `${(bytes / 2 ** 20 / (milliseconds / 1_000)).toFixed(0)} MiB/s`;
}

async function measureBulk(context: Context, { load, service, world }: Parts): Promise<Row[]> {
  if (!context.wants('fetch_bulk')) return [];
  await using scope = new Scope();
  await buildTunnelPrograms();
  const bytes = context.plan.bulkBytes;
  const targets = scope.use(await startTunnelProgram<Ports>('origin')).hello;
  const plain = scope.use(await startTunnelProgram('load')).program;
  const tunnel = scope.use(await startTunnel(targets));
  const series = await measureSeries(context, 'fetch_bulk', [
    {
      name: 'worker',
      run: () => ask(load, 'worker', { url: `${world.url}/read?bytes=${bytes}`, invocations: 1, bytes }),
    },
    { name: 'pass', run: () => ask(load, 'large', { url: `${world.url}/pass?bytes=${bytes}`, bytes }) },
    { name: 'tunnel', run: () => ask(plain, 'down', { port: tunnel.entries.source, bytes }) },
    { name: 'undici', run: () => ask(load, 'large', { url: `${service}/large?bytes=${bytes}`, bytes }) },
  ]);
  const size = `${bytes >> 20} MiB`;
  const toRow = (key: string, what: string, name: 'worker' | 'pass', peer: 'tunnel' | 'undici'): Row => {
    const { ofMedians, ofPairs } = toRatio(series[peer], series[name]);
    const [ours, theirs] = [toSpeed(bytes, toMedian(series[name])), toSpeed(bytes, toMedian(series[peer]))];
    return { key, what, ours, peer: `${peer} ${theirs}`, value: ofMedians, pairs: ofPairs };
  };
  return [
    {
      ...toRow('fetch_bulk_share', `a body of ${size}, read by the Worker`, 'worker', 'tunnel'),
      target: { value: 0.6, atLeast: true },
    },
    toRow('fetch_bulk_pass_share', `a body of ${size}, passed on to the Worker's own client`, 'pass', 'tunnel'),
    toRow('fetch_bulk_vs_undici', `a body of ${size}, read by the Worker`, 'worker', 'undici'),
  ];
}

export async function measureFetch(context: Context): Promise<Row[]> {
  if (!['fetch_latency', 'fetch_rps', 'fetch_bulk'].some(context.wants)) return [];
  await using scope = new Scope();
  const { port } = scope.use(await startProgram<{ port: number }>('origin')).hello;
  const load = scope.use(await startProgram('load')).program;
  const world = scope.use(await startWorld(port));
  const parts: Parts = { load, world, service: `http://127.0.0.1:${port}` };
  return [...(await measureSmall(context, parts)), ...(await measureBulk(context, parts))];
}
