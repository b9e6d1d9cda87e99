// The bench of private services: what a request through a binding and a tunnel costs beside a request without either, and
// what drivers cost over our sockets beside workerd's own. The targets are those of the issue they were built for.
import { execFileSync } from 'node:child_process';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import { Patience, watchNeighbours } from './kit/neighbours.ts';
import type { BenchOptions } from './kit/options.ts';
import { writeResults } from './kit/results.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';
import type { Context } from './services/context.ts';
import { measureFetch } from './services/fetch.ts';
import { fullPlan, quickPlan } from './services/plan.ts';
import { buildPrograms } from './services/programs.ts';

const method = `
## How it was taken

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
  const rows: Row[] = [...(await measureFetch(context))];
  const busy = `Over the whole run other processes had ${neighbours().toFixed(1)} of the ${machine.cores} cores.`;
  console.log(`\n${toTextTable(rows)}\n\n${busy}\n`);
  if (write) {
    const command = `npm run bench -- services${quick ? ' --quick' : ''} --runs ${runs}`;
    const text = `${method}\n${busy}\n`;
    await writeResults({ name: 'services', command, machine, runs, rows, raw: context.raw, method: text });
  }
  console.log(`RESULT ${JSON.stringify(toResult(rows))}`);
}
