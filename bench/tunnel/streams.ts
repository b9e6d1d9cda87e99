// The claims about many streams on one link: how fast they open, what an idle one costs, and what a slow reader costs the
// others.
import { setTimeout as sleep } from 'node:timers/promises';
import { toRss } from '../kit/memory.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';
import { startRaw, startTunnel, type Tunnel, type Way } from './ways.ts';

/** Milliseconds after which what was only needed to open is gone, or will not go. */
const settling = 2_000;

async function openRow({ plan, runs, patience, raw }: Context, { edge }: Tunnel): Promise<Row> {
  const { opens: count, concurrency } = plan;
  const rates: number[] = [];
  for (let round = -1; round < runs; round += 1) {
    const open = (): Promise<{ milliseconds: number }> => edge.ask('open', { count, concurrency });
    const { milliseconds } = await patience.inQuiet(open);
    if (round >= 0) rates.push(count / (milliseconds / 1000));
  }
  raw['streams'] = rates;
  console.log(`streams: ${rates.map((rate) => rate.toFixed(0)).join(', ')} a second`);
  const what = `opened by the edge to a real TCP server, answered, ended; ${concurrency} at a time`;
  return { key: 'streams_per_s', what, value: toMedian(rates), unit: '/s', target: { value: 5_000, atLeast: true } };
}

/** KiB of resident memory that each held connection adds to each process. */
async function holdIdle(
  { load }: Context,
  { entries }: Way,
  { count, pids }: { count: number; pids: readonly number[] },
): Promise<number[]> {
  const order = { port: entries.echo };
  await load.ask('hold', { ...order, count: 200 });
  await load.ask('release');
  await sleep(settling);
  const before = pids.map(toRss);
  await load.ask('hold', { ...order, count });
  await sleep(settling);
  const after = pids.map(toRss);
  await load.ask('release');
  return after.map((mebibytes, index) => ((mebibytes - before[index]!) * 1024) / count);
}

async function idleRows(context: Context): Promise<Row[]> {
  const { plan, targets, raw } = context;
  await using tunnel = await startTunnel(targets);
  const [edge, connector] = await holdIdle(context, tunnel, {
    count: plan.idleStreams,
    pids: [tunnel.edge.pid, tunnel.connector.pid],
  });
  // One process with two sockets for each: half as many, as descriptors are usually limited to 20,000.
  await using relay = await startRaw(targets);
  const [peer] = await holdIdle(context, relay, { count: plan.idleStreams / 2, pids: [relay.program.pid] });
  raw['idle'] = { edge, connector, raw: peer };
  console.log(`idle: edge ${edge!.toFixed(1)}, connector ${connector!.toFixed(1)}, raw relay ${peer!.toFixed(1)} KiB`);
  const target = { value: 30, atLeast: false };
  const what = `${plan.idleStreams} idle streams: resident memory of each and its TCP socket`;
  const base = { unit: ' KiB', peer: `raw relay ${peer!.toFixed(1)} KiB` };
  return [
    { ...base, key: 'idle_kb_edge', what: `${what}, edge`, value: edge!, target },
    { ...base, key: 'idle_kb_connector', what: `${what}, connector`, value: connector!, target },
  ];
}

function toMilliseconds(values: readonly number[]): string {
  return `${toMedian(values).toFixed(0)} ms`;
}

async function slowReaderRow({ plan, runs, patience, load, raw }: Context, { entries }: Tunnel): Promise<Row> {
  const { fanStreams: streams, fanBytes: bytes } = plan;
  const port = entries.source;
  const fan = async (): Promise<number> =>
    (await load.ask<{ milliseconds: number }>('fan', { port, streams, bytes })).milliseconds;
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = -1; round < runs; round += 1) {
    const run = { alone: 0, beside: 0 };
    // Which comes first turns, as a warm cache or a busy neighbour would favour one.
    for (const turn of round % 2 === 0 ? (['alone', 'beside'] as const) : (['beside', 'alone'] as const)) {
      if (turn === 'beside') {
        await load.ask('crawl', { port, bytes: 1 << 30, interval: 50 });
        await sleep(200);
      }
      run[turn] = await patience.inQuiet(fan);
      if (turn === 'beside') await load.ask('hurry');
    }
    if (round < 0) continue;
    alone.push(run.alone);
    beside.push(run.beside);
  }
  raw['slow_reader'] = { alone, beside };
  console.log(`slow_reader: alone ${toMilliseconds(alone)}, beside ${toMilliseconds(beside)}`);
  return {
    key: 'slow_reader_slowdown',
    what: `${streams} downloads of ${bytes >> 10} KiB beside one slow reader, how much longer they take`,
    ours: toMilliseconds(beside),
    peer: `without it ${toMilliseconds(alone)}`,
    value: toMedian(beside) / toMedian(alone) - 1,
    pairs: toMedian(beside.map((value, round) => value / alone[round]! - 1)),
    target: { value: 0.1, atLeast: false },
  };
}

export async function measureStreams(context: Context): Promise<Row[]> {
  const { targets, wants } = context;
  const rows: Row[] = [];
  if (wants('streams_per_s') || wants('slow_reader')) {
    await using tunnel = await startTunnel(targets);
    if (wants('streams_per_s')) rows.push(await openRow(context, tunnel));
    if (wants('slow_reader')) rows.push(await slowReaderRow(context, tunnel));
  }
  if (wants('idle')) rows.push(...(await idleRows(context)));
  return rows;
}
