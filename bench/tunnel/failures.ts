// The claims about what happens when a process dies: one of two connectors, and the edge.
import { Scope } from '../kit/scope.ts';
import { toMedian } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import { startConnector, startEdge } from './ways.ts';

const connectors = 2;
const links = 4;
/** Milliseconds of steady load before the kill. */
const leadTime = 1_000;

interface Steady {
  count: number;
  failures: { begun: number; took: number; reason: string }[];
}

async function killReplica({ plan, targets, load }: Context): Promise<{ killedAt: number; steady: Steady }> {
  await using scope = new Scope();
  const edge = scope.use(await startEdge(targets));
  const replicas = await Promise.all(
    Array.from({ length: connectors }, () => startConnector(edge.hello.tunnel, links)),
  );
  for (const replica of replicas) scope.use(replica);
  await edge.program.ask('links', { count: connectors * links });
  const order = { port: edge.hello.entries.echo, rate: plan.steadyRate, milliseconds: plan.steadyTime };
  await load.ask('steady', order);
  await sleep(leadTime);
  const killedAt = Date.now();
  replicas[0]!.program.kill();
  return { killedAt, steady: await load.next<Steady>() };
}

async function replicaRows(context: Context): Promise<Row[]> {
  const { plan, runs, raw } = context;
  let [early, atOnce, late, count] = [0, 0, 0, 0];
  const all: object[] = [];
  for (let round = 0; round < Math.min(runs, plan.slowRuns); round += 1) {
    const { killedAt, steady } = await killReplica(context);
    const after = steady.failures.map(({ begun }) => begun - killedAt);
    early += after.filter((age) => age < 0).length;
    atOnce += after.filter((age) => age >= 0 && age < 1_000).length;
    late += after.filter((age) => age >= 1_000).length;
    count += steady.count;
    all.push({ killedAt, ...steady });
  }
  raw['replica_kill'] = all;
  console.log(
    `replica_kill: ${count} connects; failed: ${early} begun before, ${atOnce} within 1 s after, ${late} later`,
  );
  const what = `kill -9 of one of ${connectors} connectors under ${plan.steadyRate} connects/s`;
  return [
    {
      key: 'replica_kill_failures_after_1s',
      what: `${what}: connects begun later than 1 s after that fail`,
      value: late,
      target: { value: 0, atLeast: false },
    },
    { key: 'replica_kill_failures_in_1s', what: `${what}: begun in the first second after`, value: atOnce },
    { key: 'replica_kill_failures_running', what: `${what}: begun before`, value: early },
  ];
}

/** Seconds from the kill until every link is registered with the edge that took its place. */
async function restartEdge({ plan, targets, load }: Context): Promise<number> {
  await using scope = new Scope();
  const first = scope.use(await startEdge(targets));
  const started = Array.from({ length: connectors }, () => startConnector(first.hello.tunnel, links));
  for (const replica of await Promise.all(started)) scope.use(replica);
  await first.program.ask('links', { count: connectors * links });
  const order = { port: first.hello.entries.echo, rate: plan.steadyRate, milliseconds: plan.steadyTime };
  await load.ask('steady', order);
  await sleep(leadTime);
  const killedAt = Date.now();
  first.program.kill();
  const second = scope.use(await startEdge(targets, first.hello));
  const { at } = await second.program.ask<{ at: number }>('links', { count: connectors * links });
  await load.next<Steady>();
  return (at - killedAt) / 1000;
}

async function restartRow(context: Context): Promise<Row> {
  const { plan, runs, raw } = context;
  const seconds: number[] = [];
  for (let round = 0; round < Math.min(runs, plan.slowRuns); round += 1) seconds.push(await restartEdge(context));
  raw['edge_restart'] = seconds;
  console.log(`edge_restart: ${seconds.map((each) => each.toFixed(2)).join(', ')} s`);
  return {
    key: 'edge_restart_s',
    what: `kill -9 and restart of the edge under ${plan.steadyRate} connects/s: until all ${connectors * links} links are back`,
    ours: `longest ${Math.max(...seconds).toFixed(2)} s`,
    value: toMedian(seconds),
    unit: ' s',
    target: { value: 3, atLeast: false },
  };
}

export async function measureFailures(context: Context): Promise<Row[]> {
  return [
    ...(context.wants('replica_kill') ? await replicaRows(context) : []),
    ...(context.wants('edge_restart') ? [await restartRow(context)] : []),
  ];
}
