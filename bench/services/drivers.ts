// The claims about drivers: queries a second in a Worker over our sockets, against the same Worker on workerd alone.
import { startMariadb, startPostgres, startRedis } from '../../packages/testkit/src/index.ts';
import { startPlainWorkerd } from '../kit/plain-workerd.ts';
import { Scope } from '../kit/scope.ts';
import { type Served, untilAnswered } from '../kit/served.ts';
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { startDev } from '../sockets/subjects.ts';
import { type Context, measureSeries } from './context.ts';

const fixture = 'bench/fixtures/drivers-worker';
/** Connections at a time of the rate, each of an invocation of its own, as where each request opens one. */
const connections = 8;
/** Milliseconds one run may take. */
const deadline = 120_000;

interface Door extends AsyncDisposable {
  host: string;
  port: number;
  user: string;
  password: string;
  database?: string;
}

const servers: Record<'mysql2' | 'pg' | 'redis', { name: string; start: () => Promise<Door> }> = {
  mysql2: { name: 'MariaDB', start: () => startMariadb() },
  pg: { name: 'PostgreSQL', start: () => startPostgres() },
  redis: { name: 'Redis', start: () => startRedis() },
};

async function run({ origin }: Served, driver: string, door: Door, count: number): Promise<number> {
  const { host, port, user, password, database = '' } = door;
  const query = new URLSearchParams({ host, port: String(port), user, password, database, count: String(count) });
  const response = await fetch(`${origin}/${driver}?${query}`, { signal: AbortSignal.timeout(deadline) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${driver}: ${response.status} ${text}`);
  return (JSON.parse(text) as { milliseconds: number }).milliseconds;
}

export async function measureDrivers(context: Context): Promise<Row[]> {
  const wanted = (['mysql2', 'pg', 'redis'] as const).filter((driver) => context.wants(driver));
  if (wanted.length === 0) return [];
  await using scope = new Scope();
  const ours = scope.use(await startDev(fixture));
  const compatibility = { compatibilityDate: '2026-11-01', compatibilityFlags: ['nodejs_compat'] };
  const plain = scope.use(await startPlainWorkerd({ main: `${fixture}/src/index.js`, ...compatibility }));
  await untilAnswered(ours);
  await untilAnswered(plain);
  const count = context.plan.queries;
  const rows: Row[] = [];
  for (const driver of wanted) {
    const { name, start } = servers[driver];
    await using door = await start();
    for (const [key, parallel] of [[driver, connections] as const, [`${driver}_sequential`, 1] as const]) {
      const runAll = async (served: Served): Promise<number> => {
        const times = await Promise.all(Array.from({ length: parallel }, () => run(served, driver, door, count)));
        return times.reduce((sum, time) => sum + time, 0) / parallel;
      };
      const { worker, workerd } = await measureSeries(context, key, [
        { name: 'worker', run: () => runAll(ours) },
        { name: 'workerd', run: () => runAll(plain) },
      ]);
      const { ofMedians, ofPairs } = toRatio(workerd, worker);
      const toRate = (milliseconds: number): string => `${((parallel * count) / (milliseconds / 1_000)).toFixed(0)}/s`;
      rows.push({
        key,
        what: `${driver} in a Worker, ${name}: queries on ${parallel === 1 ? 'one connection' : `${parallel} connections`}`,
        ours: toRate(toMedian(worker)),
        peer: `workerd ${toRate(toMedian(workerd))}`,
        value: ofMedians,
        pairs: ofPairs,
        ...(parallel > 1 && { target: { value: 0.8, atLeast: true } }),
      });
    }
  }
  return rows;
}
