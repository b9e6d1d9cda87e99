// The bench of private services: what a request through a binding and a tunnel costs beside a request without either, and
// what drivers cost over our sockets beside workerd's own. The targets are those of the issue they were built for.
import { execFileSync } from 'node:child_process';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import { Patience, watchNeighbours } from './kit/neighbours.ts';
import type { BenchOptions } from './kit/options.ts';
import { writeResults } from './kit/results.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';
import type { Context } from './services/context.ts';
import { measureDrivers } from './services/drivers.ts';
import { measureFetch } from './services/fetch.ts';
import { fullPlan, quickPlan } from './services/plan.ts';
import { buildPrograms } from './services/programs.ts';

const method = `
## How it was taken

* Everything on loopback: the service (\`node:http\`), the built \`sallyport edge\` with one Worker, the built
  \`sallyport tunnel run\`, and the load (\`undici\`), each a process of its own. The edge's log goes to a file.
* \`fetch_latency\`: one invocation makes all requests of a run, one after the other, and reads each body; the time is
  taken outside, around the whole invocation, so the request that starts it is a thousandth of it. The peer makes as
  many requests with undici's \`fetch()\`, the same function with the same work, straight to the service.
  \`fetch_latency_vs_request\` compares with undici's \`request()\`, which does less.
* \`fetch_bulk_share\`: the Worker reads the body with a BYOB reader of 256 KiB. Beside it, in the same rounds, one plain
  stream of as many bytes through a tunnel as the tunnel's own bench has it: neither HTTP nor a runtime.
* \`mysql2\`, \`pg\`, \`redis\`: queries a second on eight connections, each of an invocation of its own that asks one query
  after the other, timed in the Worker behind the connect and 50 queries. The peer is the same
  Worker on workerd alone, whose own sockets reach loopback; nothing has TLS. Ours is the built \`sallyport dev\`. Servers:
  MariaDB, PostgreSQL and Redis on loopback.
* \`…_sequential\` has one connection only: there the time of a query counts and not what a machine can do, and a process
  more on the way, which has to wake up twice for each query, is not hidden by the work of others. No target is set for it, since
  none that an edge made of Node could reach makes sense: \`…_sequential_vs_relay\` compares with workerd alone through fifteen lines
  of Node that only pass bytes on (\`bench/services/programs/relay.ts\`), without policy, frames or limits.
* Subjects take turns in an order that changes from round to round; the first round is thrown away. *figure* is the ratio of
  the medians, *of pairs* the median of the rounds' own ratios. A round during which other processes had more than 0.3
  cores is taken again, as long as the run's patience lasts.
`;

export async function benchServices(options: BenchOptions): Promise<void> {
  const { runs, quick, only, write, build } = options;
  if (build) execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  const machine = describeMachine();
  const neighbours = watchNeighbours();
  console.log(toMachineLine(machine));
  await buildPrograms();
  const plan = quick ? quickPlan : fullPlan;
  const context: Context = {
    plan,
    runs,
    patience: new Patience(plan.patience),
    wants: (name) => only.length === 0 || only.some((word) => name.includes(word)),
    raw: {},
  };
  const rows: Row[] = [...(await measureFetch(context)), ...(await measureDrivers(context))];
  const busy = `Over the whole run other processes had ${neighbours().toFixed(1)} of the ${machine.cores} cores.`;
  console.log(`\n${toTextTable(rows)}\n\n${busy}\n`);
  if (write) {
    const command = `npm run bench -- services${quick ? ' --quick' : ''} --runs ${runs}`;
    const text = `${method}\n${busy}\n`;
    await writeResults({ name: 'services', command, machine, runs, rows, raw: context.raw, method: text });
  }
  console.log(`RESULT ${JSON.stringify(toResult(rows))}`);
}
