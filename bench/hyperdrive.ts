// The bench of the pool: pgbench against a PostgreSQL, against PgBouncer and against Sallyport before the same one, and
// what the pooler's process needs. The targets are those of the issue the pool was built for.
import { execFileSync } from 'node:child_process';
import type { Context } from './hyperdrive/context.ts';
import { measureMemory } from './hyperdrive/memory.ts';
import { prepareTables } from './hyperdrive/pgbench.ts';
import { fullPlan, quickPlan } from './hyperdrive/plan.ts';
import { buildPrograms } from './hyperdrive/programs.ts';
import { measureSpeed } from './hyperdrive/speed.ts';
import { poolSize, startServer } from './hyperdrive/subjects.ts';
import { measureWorker } from './hyperdrive/worker.ts';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import { Patience, watchNeighbours } from './kit/neighbours.ts';
import type { BenchOptions } from './kit/options.ts';
import { findPgbouncer } from './kit/pgbouncer.ts';
import { writeResults } from './kit/results.ts';
import { Scope } from './kit/scope.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';

const method = `
## How it was taken

* One PostgreSQL on loopback, without durability (\`fsync\` off), \`shared_buffers\` 256 MB, passwords by SCRAM. Before it,
  each a process of its own with at most ${poolSize} origin connections: PgBouncer (transaction mode) and Sallyport
  (\`startPooler\`, listening on TCP as PgBouncer does). pgbench runs with one thread and asks for no TLS.
* Subjects take turns in an order that changes from round to round; the first round is thrown away. *figure* is the ratio
  of the medians of transactions a second, *of pairs* the median of the rounds' own ratios. Higher is better.
* A round during which other processes had more than 0.3 cores is taken again, as long as the run's patience lasts.
* Clients of both poolers log in with a cleartext password, as the binding's private way has it; straight, with SCRAM, the
  database's default. \`connect_each_scram\` has SCRAM everywhere.
* \`prepared\`: PgBouncer before 1.21 keeps no prepared statements in transaction mode and runs in session mode, where with
  as many clients as connections it has nothing to do for a query but to copy it. With 200 clients it cannot take part.
* \`cache_hit\`: the same select of 1,000 accounts. The discarded round fills the cache; answers are kept for a minute, so
  now and then one is read again.
* Idle memory: the kernel's resident set after, minus before, by the number of clients; no forced collection; clients that
  came and left before it was taken warmed the pooler up. Each client has asked one query.
* Worker: \`sallyport dev\` with one Worker and node-postgres, a new client for each request, queries that are never the same
  twice; between edge and database the test kit's proxy, 10 ms each way. The proxy answers a TCP connect at once and there
  is no TLS: on a real path the direct connection would take longer. Time is that of the whole request.
* Slow reader: the highest resident set of the pooler during the transfer, looked at every 20 ms, minus that before it. The
  pooler is fresh and has served one small query.
`;

export async function benchHyperdrive(options: BenchOptions): Promise<void> {
  const { runs, quick, only, write, build } = options;
  if (build) execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  const machine = describeMachine();
  const neighbours = watchNeighbours();
  const found = await findPgbouncer();
  const peer = 'path' in found ? `PgBouncer ${found.version}.` : `No PgBouncer: ${found.reason}.`;
  console.log(`${toMachineLine(machine)}\n${peer}`);
  await buildPrograms();
  await using scope = new Scope();
  const server = scope.use(await startServer());
  const plan = quick ? quickPlan : fullPlan;
  await prepareTables(server, plan.scale);
  const context: Context = {
    plan,
    runs,
    server,
    pgbouncer: 'path' in found ? found : undefined,
    patience: new Patience(plan.patience),
    wants: (name) => only.length === 0 || only.some((word) => name.includes(word)),
    raw: {},
  };
  const rows: Row[] = [
    ...(await measureSpeed(context)),
    ...(await measureMemory(context)),
    ...(await measureWorker(context)),
  ];
  const ordered = rows.toSorted((a, b) => Number(b.target !== undefined) - Number(a.target !== undefined));
  const busy = `Over the whole run other processes had ${neighbours().toFixed(1)} of the ${machine.cores} cores.`;
  console.log(`\n${toTextTable(ordered)}\n\n${busy}\n`);
  if (write) {
    const command = `npm run bench -- hyperdrive${quick ? ' --quick' : ''} --runs ${runs}`;
    const text = `${method}\n${peer}\n\n${busy}\n`;
    await writeResults({ name: 'hyperdrive', command, machine, runs, rows: ordered, raw: context.raw, method: text });
  }
  console.log(`RESULT ${JSON.stringify(toResult(ordered))}`);
}
