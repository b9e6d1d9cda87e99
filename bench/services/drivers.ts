// The claims about drivers: queries a second in a Worker over our sockets, against the same Worker on workerd alone.
import { startMariadb, startPostgres, startRedis } from '../../packages/testkit/src/index.ts';
import { startPlainWorkerd } from '../kit/plain-workerd.ts';
import { Scope } from '../kit/scope.ts';
import { type Served, untilAnswered } from '../kit/served.ts';
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import { startDev } from '../sockets/subjects.ts';
import { type Context, measureSeries } from './context.ts';
import { startProgram } from './programs.ts';

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

interface Subject {
  driver: string;
  door: Door;
  count: number;
}

/** How a row's questions were asked. */
interface Asked {
  connections: number;
  words: string;
}

async function run({ origin }: Served, { driver, door, count }: Subject): Promise<number> {
  const { host, port, user, password, database = '' } = door;
  const query = new URLSearchParams({ host, port: String(port), user, password, database, count: String(count) });
  const response = await fetch(`${origin}/${driver}?${query}`, { signal: AbortSignal.timeout(deadline) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${driver}: ${response.status} ${text}`);
  return (JSON.parse(text) as { milliseconds: number }).milliseconds;
}

/** As many at a time as there are connections; the milliseconds of a connection. */
async function runAll(served: Served, subject: Subject, parallel: number): Promise<number> {
  const times = await Promise.all(Array.from({ length: parallel }, () => run(served, subject)));
  return times.reduce((sum, time) => sum + time, 0) / parallel;
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
    await using relay = await startProgram<{ port: number }>('relay', { port: door.port });
    const subject = { driver, door, count };
    const parallel = await measureSeries(context, driver, [
      { name: 'worker', run: () => runAll(ours, subject, connections) },
      { name: 'workerd', run: () => runAll(plain, subject, connections) },
    ]);
    const sequential = await measureSeries(context, `${driver}_sequential`, [
      { name: 'worker', run: () => runAll(ours, subject, 1) },
      { name: 'workerd', run: () => runAll(plain, subject, 1) },
      { name: 'relay', run: () => runAll(plain, { ...subject, door: { ...door, port: relay.hello.port } }, 1) },
    ]);
    const toRow = (key: string, asked: Asked, peer: { name: string; times: number[] }, times: number[]): Row => {
      const { ofMedians, ofPairs } = toRatio(peer.times, times);
      const toRate = (milliseconds: number): string =>
        `${((asked.connections * count) / (milliseconds / 1_000)).toFixed(0)}/s`;
      return {
        key,
        what: `${driver} in a Worker, ${name}: queries on ${asked.words}`,
        ours: toRate(toMedian(times)),
        peer: `${peer.name} ${toRate(toMedian(peer.times))}`,
        value: ofMedians,
        pairs: ofPairs,
      };
    };
    const several = { connections, words: `${connections} connections` };
    const single = { connections: 1, words: 'one connection' };
    rows.push(
      {
        ...toRow(driver, several, { name: 'workerd', times: parallel.workerd }, parallel.worker),
        target: { value: 0.8, atLeast: true },
      },
      toRow(`${driver}_sequential`, single, { name: 'workerd', times: sequential.workerd }, sequential.worker),
      toRow(
        `${driver}_sequential_vs_relay`,
        single,
        { name: 'workerd through a bare relay', times: sequential.relay },
        sequential.worker,
      ),
    );
  }
  return rows;
}
