// The two claims about memory: it does not grow with the number of connections there have been, nor with what a peer that
// does not read is offered.
import { setTimeout as sleep } from 'node:timers/promises';
import { findDescendant, type Growth, toRss, watchRss } from '../kit/memory.ts';
import type { Figures } from './guests/serve.ts';
import type { WorkerOrder, Subject } from './subjects.ts';

export interface Churn {
  /** MiB resident after the first tenth of the cycles, after half, and after all. */
  first: number;
  half: number;
  last: number;
}

/** Connect/close cycles in a fresh process. */
export async function measureChurn(subject: Subject, order: WorkerOrder): Promise<Churn> {
  const cycle = async (part: number): Promise<number> => {
    await subject.run({ ...order, work: 'cycles', count: Math.round(order.count * part) });
    return toRss(subject.pid);
  };
  const churn: Churn = { first: await cycle(0.1), half: await cycle(0.4), last: await cycle(0.5) };
  const [first, half, last] = Object.values(churn).map((value: number) => value.toFixed(1));
  console.log(`churn ${subject.name}: ${first} → ${half} → ${last} MiB`);
  return churn;
}

export interface Stall {
  /** MiB that were taken before backpressure stopped the writer. */
  taken: number;
  /** Highest resident memory while the writer waited, minus that before, in MiB. */
  growth: number;
  /** The same of the workerd under the edge. */
  runtimeGrowth?: number;
}

export interface StallOptions {
  order: WorkerOrder;
  /** A port that reads everything: where the same code warms up. */
  sink: number;
}

/** A writer that offers more than anybody takes, in a process that has done the same work to a peer that reads. */
export async function measureStall(subject: Subject, { order, sink }: StallOptions): Promise<Stall> {
  const warmUp = { ...order, port: sink, bytes: Math.min(order.bytes, 64 << 20), wait: 1_000 };
  await subject.run(warmUp);
  await sleep(500);
  const runtime = subject.name === 'worker' ? findDescendant(subject.pid, 'workerd') : undefined;
  const run = (): Promise<Figures> => subject.run(order);
  const outer = await watchRss(subject.pid, () => (runtime === undefined ? watchNone(run) : watchRss(runtime, run)));
  const { result: figures, ...inner } = outer.result;
  const growth = runtime === undefined ? undefined : inner.peak - inner.before;
  const stall: Stall = {
    taken: (figures.bytes ?? 0) / 2 ** 20,
    growth: outer.peak - outer.before,
    ...(growth === undefined ? {} : { runtimeGrowth: growth }),
  };
  const more = growth === undefined ? '' : `, its workerd ${growth.toFixed(1)} MiB`;
  console.log(
    `${order.work} ${subject.name}: ${stall.taken.toFixed(1)} MiB taken, grew ${stall.growth.toFixed(1)} MiB${more}`,
  );
  return stall;
}

async function watchNone<T>(work: () => Promise<T>): Promise<Growth & { result: T }> {
  return { result: await work(), before: 0, peak: 0 };
}
