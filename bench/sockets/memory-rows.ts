// The memory claims as rows, each subject in a fresh process and one after the other.
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';
import { type Churn, measureChurn, measureStall, type Stall } from './memory.ts';
import { echoHosts } from './peer-ports.ts';
import {
  type GuestName,
  startGuest,
  startWorker,
  type Subject,
  type SubjectName,
  type WorkerOrder,
} from './subjects.ts';

const guests: readonly GuestName[] = ['node', 'net', 'deno', 'bun'];
const churnTarget = { value: 1.1, atLeast: false };
const stallTarget = { value: 4, atLeast: false };

export async function measureMemory(context: Context): Promise<Row[]> {
  return [
    ...(context.wants('churn_rss') ? await churnRows(context) : []),
    ...(context.wants('stall_rss_mib') ? await stallRows(context) : []),
  ];
}

async function churnRows({ plan, ports, executables, raw }: Context): Promise<Row[]> {
  const order: WorkerOrder = {
    work: 'cycles',
    hosts: [...echoHosts],
    port: ports.echo,
    bytes: 0,
    count: plan.cycles,
    wait: 0,
  };
  const found: Partial<Record<SubjectName, Churn>> = {};
  for (const name of guests) {
    const subject = startGuest(name, executables);
    if (subject !== undefined) found[name] = await closing(subject, () => measureChurn(subject, order));
  }
  raw['churn'] = found;
  const what = `memory after ${plan.cycles} connections ÷ after a tenth`;
  const [ours, ...others] = guests.map((name) => toChurnRow(name, what, found[name]));
  const { half, last } = found.node!;
  return [
    { ...ours!, key: 'churn_rss', what, target: churnTarget },
    { key: 'churn_rss_late', what: 'the same ÷ after half', value: last / half },
    ...others,
  ];
}

async function stallRows(context: Context): Promise<Row[]> {
  const { raw } = context;
  const found: Record<string, Stall | undefined> = {};
  for (const [name, work] of [
    ['node', 'stall'],
    ['node', 'pipe'],
    ['worker', 'stall'],
    ['worker', 'pipe'],
    ['net', 'stall'],
    ['deno', 'stall'],
    ['bun', 'stall'],
    ['workerd', 'stall'],
    ['workerd', 'pipe'],
  ] as const) {
    found[`${name} ${work}`] = await stallOf(context, name, work);
  }
  raw['stall'] = found;
  const offered = `${context.plan.stallBytes >> 20} MiB offered to a peer that never reads: memory grows`;
  const claim = (key: string, text: string, stall: Stall | undefined): Row => ({
    ...toRow(key, text, stall),
    target: stallTarget,
  });
  const inWorker = 'Worker, edge process';
  return [
    claim('stall_rss_mib', offered, found['node stall']),
    claim('stall_pipe_rss_mib', 'the same through an un-awaited pipeTo()', found['node pipe']),
    claim('worker_stall_rss_mib', `${inWorker}: the same`, found['worker stall']),
    claim('worker_stall_pipe_rss_mib', `${inWorker}: through pipeTo()`, found['worker pipe']),
    toRow(
      'worker_stall_runtime_rss_mib',
      'Worker, its workerd: the same',
      found['worker stall'],
      found['worker stall']?.runtimeGrowth,
    ),
    toRow(
      'worker_stall_pipe_runtime_rss_mib',
      'Worker, its workerd: through pipeTo()',
      found['worker pipe'],
      found['worker pipe']?.runtimeGrowth,
    ),
    toRow('workerd_stall_rss_mib', 'workerd: the same', found['workerd stall']),
    toRow('workerd_stall_pipe_rss_mib', 'workerd: through pipeTo()', found['workerd pipe']),
    toRow('net_stall_rss_mib', 'node:net: the same', found['net stall']),
    toRow('deno_stall_rss_mib', 'deno: the same', found['deno stall']),
    toRow('bun_stall_rss_mib', 'bun: the same', found['bun stall']),
  ];
}

function toChurnRow(name: GuestName, what: string, churn: Churn | undefined): Row {
  const row = { key: `${name}_churn_rss`, what: `${name === 'net' ? 'node:net' : name}: ${what}` };
  if (churn === undefined) return { ...row, value: null };
  return {
    ...row,
    ours: `${churn.first.toFixed(0)} → ${churn.half.toFixed(0)} → ${churn.last.toFixed(0)} MiB`,
    value: churn.last / churn.first,
  };
}

function toRow(key: string, what: string, stall: Stall | undefined, growth = stall?.growth): Row {
  if (stall === undefined || growth === undefined) return { key, what, value: null };
  return { key, what, ours: `${stall.taken.toFixed(1)} MiB taken`, value: growth, unit: ' MiB' };
}

async function stallOf(
  { plan, ports, executables }: Context,
  name: SubjectName,
  work: 'stall' | 'pipe',
): Promise<Stall | undefined> {
  const isWorker = name === 'worker' || name === 'workerd';
  const subject = isWorker ? await startWorker(name) : startGuest(name, executables);
  if (subject === undefined) return undefined;
  const { stallBytes: bytes, stallWait: wait } = plan;
  const order: WorkerOrder = { work, hosts: ['127.0.0.1'], port: ports.stalled, bytes, count: 0, wait };
  return closing(subject, () => measureStall(subject, { order, sink: ports.sink }));
}

async function closing<T>(subject: Subject, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await subject[Symbol.asyncDispose]();
  }
}
