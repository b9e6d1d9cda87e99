// A Worker far from its database: requests with and without the binding, over the same emulated path.
import { devPolicy } from '@sallyport/egress';
import { startDevServer } from '../../packages/edge/src/index.ts';
import { startFaultProxy } from '../../packages/testkit/src/index.ts';
import { Scope } from '../kit/scope.ts';
import { toMedian, toRatio } from '../kit/statistics.ts';
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';

/** Milliseconds each way. */
const delay = 10;
/** Requests of each kind in one round, after as many that are thrown away. */
const requests = 20;
const ways = ['binding', 'direct'] as const;

type Times = Record<(typeof ways)[number], number[]>;

async function timeRequest(url: string, queries: number): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(url);
  const text = await response.text();
  const milliseconds = performance.now() - startedAt;
  const answers = response.ok ? (JSON.parse(text) as boolean[]) : [];
  if (answers.length !== queries || answers.includes(false)) throw new Error(`${url}: ${response.status} ${text}`);
  return milliseconds;
}

function toRow(key: string, what: string, { binding, direct }: Times, target?: number): Row {
  const { ofMedians, ofPairs } = toRatio(binding, direct);
  return {
    key,
    what,
    ours: `${toMedian(binding).toFixed(1)} ms`,
    peer: `direct ${toMedian(direct).toFixed(1)} ms`,
    value: ofMedians,
    pairs: ofPairs,
    ...(target === undefined ? {} : { target: { value: target, atLeast: false } }),
  };
}

export async function measureWorker({ server, runs, raw, wants }: Context): Promise<Row[]> {
  if (!wants('worker_first_query') && !wants('worker_five_queries')) return [];
  await using scope = new Scope();
  const path = scope.use(await startFaultProxy(server, { delay }));
  const { user, password, database } = server;
  const to = `postgres://${user}:${encodeURIComponent(password)}@${path.address}/${database}`;
  const edge = scope.use(
    await startDevServer({
      policy: devPolicy,
      host: '127.0.0.1',
      port: 0,
      onHostEvent: (event) => {
        if (event.type === 'failed') throw event.error;
      },
      onGatewayEvent: () => {},
      onRequest: () => {},
      project: {
        cwd: 'bench/fixtures/hyperdrive-worker',
        processEnv: { CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB: to },
      },
    }),
  );
  const ask = (way: string, queries: number): Promise<number> =>
    timeRequest(`${edge.url}/${way}?queries=${queries}&to=${encodeURIComponent(to)}`, queries);
  const measure = async (name: string, queries: number): Promise<Times> => {
    const times: Times = { binding: [], direct: [] };
    for (const way of ways) for (let request = 0; request < requests; request += 1) await ask(way, queries);
    for (let request = 0; request < requests * runs; request += 1) {
      for (const way of request % 2 === 0 ? ways : ways.toReversed()) times[way].push(await ask(way, queries));
    }
    raw[name] = times;
    console.log(`${name}: ${ways.map((way) => `${way} ${toMedian(times[way]).toFixed(1)} ms`).join(', ')}`);
    return times;
  };
  const text = `a Worker's request over ${2 * delay} ms, new client`;
  return [
    toRow('worker_first_query', `${text}, one query`, await measure('worker_first_query', 1), 0.35),
    toRow('worker_five_queries', `${text}, five queries`, await measure('worker_five_queries', 5)),
  ];
}
