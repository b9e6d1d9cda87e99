// The sockets bench: our connect() on Node against node:net, Deno and Bun, and in a Worker through the gateway against
// plain workerd. The targets are those of the first issue.
import { execFileSync } from 'node:child_process';
import { startChild } from './kit/child.ts';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import type { BenchOptions } from './kit/options.ts';
import { writeResults } from './kit/results.ts';
import { findRuntime } from './kit/runtimes.ts';
import { toMedian } from './kit/statistics.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';
import type { Context } from './sockets/context.ts';
import { measureMemory } from './sockets/memory-rows.ts';
import { buildNodeGuests, toNodeCommand } from './sockets/node-guests.ts';
import type { PeerPorts } from './sockets/peer-ports.ts';
import { fullPlan, quickPlan } from './sockets/plan.ts';
import { measureReady } from './sockets/ready.ts';
import { measureSpeed } from './sockets/speed.ts';
import type { Executables } from './sockets/subjects.ts';

const readyTarget = 1.5;

const method = `
## How it was taken

* Everything on loopback. The servers (source, sink, echo, never reads) are plain \`node:net\` in a process of their own,
  the same for all subjects. Each subject is one process that lives through all rounds; the first round is thrown away,
  and the order of the subjects turns from round to round. *figure* is the ratio of the medians, *of pairs* the median of
  the rounds' own ratios. Throughput: higher is better; time: lower is better.
* \`node\` is the built package (\`packages/sockets/dist\`), \`net\` is \`node:net\` as its users write it: \`data\` events
  counted, writes with \`drain\`. Deno uses \`Deno.connect\`, Bun uses \`Bun.connect\` with handlers.
* \`worker\` is the built \`sallyport dev\` in a process of its own, \`workerd\` the same Worker on plain workerd with its own
  network. Bulk and connects are timed from outside (one HTTP request each), round trips inside, from input to input.
* Closing means: our end was sent and the descriptor closed, without waiting for the other side's end.
* Memory is the kernel's resident set. Churn: one process; after a tenth of the cycles, after half and after all. V8's
  young generation reaches its full size some 20,000 cycles in, for \`node:net\` as for us; what is left of it after
  half (\`churn_rss_late\`) would be a leak. Stalled peer: the
  same work to a peer that reads comes first; then growth is the highest resident memory while the writer waits, minus
  that before.
* \`dev_ready_s\` runs from the spawn of \`sallyport dev\` on \`bench/fixtures/hello\` to the first 200, asked every 5 ms.
`;

async function findExecutables(): Promise<Executables> {
  const found: Executables = { deno: undefined, bun: undefined };
  for (const name of ['deno', 'bun'] as const) {
    const { path, version, reason } = await findRuntime(name);
    found[name] = path;
    console.log(path === undefined ? `${name} ${version} left out: ${reason}` : `${name} ${version}: ${path}`);
  }
  return found;
}

function toSecondsRow(key: string, what: string, seconds: number[]): Row {
  return { key, what, value: toMedian(seconds), unit: ' s' };
}

async function readyRows({ runs, raw }: Context): Promise<Row[]> {
  const { worker, workerd } = await measureReady(runs);
  raw['ready'] = { worker, workerd };
  return [
    {
      ...toSecondsRow('dev_ready_s', 'sallyport dev: command to first 200', worker),
      target: { value: readyTarget, atLeast: false },
    },
    toSecondsRow('workerd_ready_s', 'workerd alone, nothing to bundle', workerd),
  ];
}

/** The rows with a target first, as the issue orders them. */
function toOrdered(rows: readonly Row[]): Row[] {
  return [...rows.filter(({ target }) => target !== undefined), ...rows.filter(({ target }) => target === undefined)];
}

export async function benchSockets(options: BenchOptions): Promise<void> {
  const { runs, quick, only, write, build } = options;
  if (build) execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  const machine = describeMachine();
  console.log(toMachineLine(machine));
  const plan = quick ? quickPlan : fullPlan;
  const executables = await findExecutables();
  await buildNodeGuests();
  await using peer = startChild(toNodeCommand('peer', String(plan.bulkBytes)));
  const context: Context = {
    plan,
    runs,
    executables,
    ports: JSON.parse(await peer.nextLine()) as PeerPorts,
    wants: (name) => only.length === 0 || only.some((word) => name.includes(word)),
    raw: {},
  };
  const rows = toOrdered([
    ...(await measureSpeed(context)),
    ...(await measureMemory(context)),
    ...(context.wants('dev_ready_s') ? await readyRows(context) : []),
  ]);
  console.log(`\n${toTextTable(rows)}\n`);
  if (write) {
    const command = `npm run bench -- sockets${quick ? ' --quick' : ''} --runs ${runs}`;
    await writeResults({ name: 'sockets', command, machine, runs, rows, raw: context.raw, method });
  }
  console.log(`RESULT ${JSON.stringify(toResult(rows))}`);
}
