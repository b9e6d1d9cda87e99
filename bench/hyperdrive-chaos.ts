// Minutes of mixed load on a pooler while its database is killed and started again: what clients were told is compared
// with what the database has in the end. There is no peer: the figures to reach are zeros.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { createLedger, verifyLedger } from '../packages/hyperdrive/test/chaos/ledger.ts';
import { kinds } from '../packages/hyperdrive/test/chaos/operations.ts';
import { type LoadReport, patience, runLoad } from '../packages/hyperdrive/test/chaos/load.ts';
import { startCrashablePostgres } from '../packages/testkit/src/index.ts';
import { buildPrograms } from './hyperdrive/programs.ts';
import { poolSize, startSallyport } from './hyperdrive/subjects.ts';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import { toRss } from './kit/memory.ts';
import type { BenchOptions } from './kit/options.ts';
import { writeResults } from './kit/results.ts';
import { Scope } from './kit/scope.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';

interface Plan {
  seconds: number;
  kills: number;
  /** The longest the database stays down, in milliseconds. */
  longestDown: number;
}

const fullPlan: Plan = { seconds: 600, kills: 10, longestDown: 5_000 };
const quickPlan: Plan = { seconds: 45, kills: 3, longestDown: 1_000 };

const clientCount = Object.values(kinds).reduce((sum, { clients }) => sum + clients, 0);

const method = `
## How it was taken

* One PostgreSQL on loopback whose commits reach the page cache, one pooler with its cache, as a process of its own with
  ${poolSize} origin connections, ${clientCount} clients of node-postgres: ${Object.entries(kinds)
    .map(([kind, { clients }]) => `${clients} ${kind}`)
    .join(', ')}. Each pauses for up to 10 ms between operations.
* The database is killed with \`kill -9\` at even intervals and stays down for a while that grows from kill to kill.
* *Wrong*: an answer that is not the one to its question, or older than what anybody was acknowledged before, an error that no crash explains (a cancel that hit somebody
  else, for one), a transfer that is there although its client was told of an error before it asked for the commit,
  balances that are not the sums of transfers, the pooler telling something else than the database in the end.
* *Lost*: a transfer whose client read COMMIT, and which is not there in the end.
* *Stuck*: an operation that took longer than ${patience / 1000} s.
`;

interface Outcome {
  report: LoadReport;
  lost: string[];
  wrong: string[];
  stuck: string[];
  /** Queries by what the cache had to say. */
  queries: Record<string, number>;
  /** MiB, when the load began and when it was over. */
  memory: [number, number];
}

async function run({ seconds, kills, longestDown }: Plan): Promise<Outcome> {
  await using scope = new Scope();
  const server = scope.use(await startCrashablePostgres());
  const straight = new Client(server.url);
  await straight.connect();
  await createLedger(straight);
  await straight.end();
  const pooler = scope.use(await startSallyport(server, 'cleartext', true));
  const target = { host: '127.0.0.1', ...pooler.door };
  const controller = new AbortController();
  const load = runLoad({ target, signal: controller.signal });
  const interval = (seconds * 1000) / (kills + 1);
  await sleep(Math.min(interval, 5_000));
  const before = toRss(pooler.pid);
  await sleep(Math.max(0, interval - 5_000));
  for (let kill = 1; kill <= kills; kill += 1) {
    const down = (longestDown * kill) / kills;
    const startedAt = performance.now();
    await server.crash();
    await sleep(down);
    await server.restart();
    console.log(`kill ${kill} of ${kills}: down for ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    await sleep(Math.max(0, interval - (performance.now() - startedAt)));
  }
  controller.abort();
  const report = await load;
  const [database, pooled] = [new Client(server.url), new Client(target)];
  await Promise.all([database.connect(), pooled.connect()]);
  const { lost, wrong } = await verifyLedger(report.ledger, database, pooled);
  await Promise.all([database.end(), pooled.end()]);
  const { queries } = await pooler.program.ask<{ queries: Record<string, number> }>('status');
  const memory: [number, number] = [before, toRss(pooler.pid)];
  return { report, lost, wrong: [...report.wrong, ...wrong], stuck: report.stuck, queries, memory };
}

function toRows({ seconds, kills }: Plan, { report, lost, wrong, stuck, memory }: Outcome): Row[] {
  const { ledger, operations, losses } = report;
  const what = `${seconds} s of load, ${kills} kills of the database`;
  const zero = { value: 0, atLeast: false };
  const told = Object.values(losses).reduce((sum, count) => sum + count, 0);
  const [before, after] = memory.map((mib) => mib.toFixed(0));
  return [
    {
      key: 'chaos_wrong',
      what: `${what}: wrong answers`,
      ours: `${operations} operations`,
      value: wrong.length,
      target: zero,
    },
    {
      key: 'chaos_lost',
      what: `${what}: lost acknowledged commits`,
      ours: `${ledger.count('acknowledged')} acknowledged`,
      value: lost.length,
      target: zero,
    },
    {
      key: 'chaos_stuck',
      what: `${what}: stuck clients`,
      ours: `${clientCount} clients`,
      value: stuck.length,
      target: zero,
    },
    { key: 'chaos_unknown', what: 'commits whose connection was lost in them', value: ledger.count('unknown') },
    { key: 'chaos_losses', what: 'errors that told of a lost connection or database', value: told },
    {
      key: 'chaos_growth_mib',
      what: 'the pooler’s memory',
      ours: `${before} → ${after} MiB`,
      value: memory[1] - memory[0],
      unit: ' MiB',
    },
  ];
}

export async function benchHyperdriveChaos({ quick, write, build }: BenchOptions): Promise<void> {
  if (build) execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  const machine = describeMachine();
  console.log(toMachineLine(machine));
  await buildPrograms();
  const plan = quick ? quickPlan : fullPlan;
  const outcome = await run(plan);
  const rows = toRows(plan, outcome);
  const { lost, wrong, stuck, report } = outcome;
  for (const line of [...lost.map((id) => `lost: ${id}`), ...wrong, ...stuck.map((name) => `stuck: ${name}`)].slice(
    0,
    50,
  )) {
    console.log(line);
  }
  console.log(
    `\n${toTextTable(rows)}\n\nClients were told of losses: ${JSON.stringify(report.losses)}; queries: ${JSON.stringify(outcome.queries)}\n`,
  );
  if (write) {
    const command = `npm run bench -- hyperdrive-chaos${quick ? ' --quick' : ''}`;
    const raw = { losses: report.losses, queries: outcome.queries, lost, wrong, stuck };
    await writeResults({ name: 'hyperdrive-chaos', command, machine, runs: 1, rows, raw, method });
  }
  console.log(`RESULT ${JSON.stringify(toResult(rows))}`);
}
