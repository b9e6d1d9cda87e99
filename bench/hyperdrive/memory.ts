// The claims about memory: what an idle client costs, and that a big result to a slow reader is not held.
import { toRss, watchRss } from '../kit/memory.ts';
import { Scope } from '../kit/scope.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';
import type { IdleOrder, SlowOrder } from './programs/clients.ts';
import { startProgram } from './programs.ts';
import { startPgbouncer, startSallyport, type Subject } from './subjects.ts';

type Pooler = Subject & { pid: number };

/** Clients that come and go before anything is measured: code that runs for the first time is compiled and kept. */
const warmUp = 200;

async function startPoolers({ server, pgbouncer }: Context): Promise<Pooler[]> {
  const ours = await startSallyport(server, 'cleartext');
  if (pgbouncer === undefined) return [ours];
  return [ours, await startPgbouncer(server, pgbouncer, { auth: 'cleartext', mode: 'transaction' })];
}

/** KiB of each idle client. */
async function measureIdle({ door, pid }: Pooler, count: number): Promise<number> {
  await using scope = new Scope();
  const clients = scope.use(await startProgram('clients')).program;
  const order = (clientCount: number): IdleOrder => ({ ...door, count: clientCount });
  await clients.ask('idle', order(warmUp));
  await clients.ask('leave');
  const before = toRss(pid);
  await clients.ask('idle', order(count));
  return ((toRss(pid) - before) * 1024) / count;
}

/** MiB by which the pooler grows at most while a result goes to somebody who reads slowly. */
async function measureSlow({ door, pid }: Pooler, order: Omit<SlowOrder, keyof Pooler['door']>): Promise<number> {
  await using scope = new Scope();
  const clients = scope.use(await startProgram('clients')).program;
  await clients.ask('prepare', door);
  const { before, peak, result } = await watchRss(pid, () =>
    clients.ask<{ bytes: number; milliseconds: number }>('slow', { ...door, ...order }),
  );
  const rate = result.bytes / 2 ** 20 / (result.milliseconds / 1000);
  console.log(
    `slow: ${(result.bytes / 2 ** 20).toFixed(0)} MiB at ${rate.toFixed(0)} MiB/s: ${before.toFixed(1)} → ${peak.toFixed(1)} MiB`,
  );
  return peak - before;
}

type Figures = Partial<Record<Pooler['name'], number[]>>;

/** Each pooler afresh for each run, because memory that was given back to nobody would count for less the next time. */
async function measureFresh(
  context: Context,
  name: string,
  measure: (pooler: Pooler) => Promise<number>,
): Promise<Figures> {
  const figures: Figures = {};
  for (let round = 0; round < Math.min(context.runs, context.plan.memoryRuns); round += 1) {
    await using scope = new Scope();
    for (const pooler of await startPoolers(context)) {
      scope.use(pooler);
      (figures[pooler.name] ??= []).push(await measure(pooler));
    }
  }
  context.raw[name] = figures;
  console.log(
    `${name}: ${Object.entries(figures)
      .map(([pooler, all]) => `${pooler} ${all.map((each) => each.toFixed(1)).join(', ')}`)
      .join('; ')}`,
  );
  return figures;
}

interface RowOptions {
  key: string;
  what: string;
  figures: Figures;
  unit: string;
  target: number;
}

function toRow({ key, what, figures, unit, target }: RowOptions): Row {
  const { pgbouncer } = figures;
  return {
    key,
    what,
    ...(pgbouncer === undefined ? {} : { peer: `pgbouncer ${toMedian(pgbouncer).toFixed(1)}${unit}` }),
    value: toMedian(figures.sallyport ?? []),
    unit,
    target: { value: target, atLeast: false },
  };
}

export async function measureMemory(context: Context): Promise<Row[]> {
  const { idleClients, resultBytes, readRate: rate } = context.plan;
  const rows: Row[] = [];
  if (context.wants('idle_client_kb')) {
    const figures = await measureFresh(context, 'idle_client_kb', (pooler) => measureIdle(pooler, idleClients));
    const what = `${idleClients} idle clients that asked one query each: resident memory of each`;
    rows.push(toRow({ key: 'idle_client_kb', what, figures, unit: ' KiB', target: 10 }));
  }
  const mib = resultBytes / 2 ** 20;
  const text = `${mib} MiB to a client that takes ${rate >> 20} MiB/s`;
  for (const [key, what, query] of [
    ['slow_gb_mib', 'in rows of 1 KiB', `select repeat('x', 1000) from generate_series(1, ${resultBytes >> 10})`],
    ['slow_row_mib', 'in one row', `select repeat('x', ${resultBytes - 2 ** 20})`],
  ] as const) {
    if (!context.wants(key)) continue;
    const figures = await measureFresh(context, key, (pooler) => measureSlow(pooler, { query, rate }));
    rows.push(toRow({ key, what: `${text}, ${what}: growth of the pooler`, figures, unit: ' MiB', target: 8 }));
  }
  return rows;
}
