// The claims about speed: bulk throughput, connect + round trip, round trips on an open socket; on Node and in a Worker.
import type { Row } from '../kit/table.ts';
import type { Context } from './context.ts';
import { echoHosts } from './peer-ports.ts';
import { compare, toEach, toRate } from './rows.ts';
import { measureSeries, type Series } from './series.ts';
import {
  type GuestName,
  startGuest,
  startWorker,
  type Subject,
  type SubjectName,
  type WorkerOrder,
} from './subjects.ts';

interface Load {
  name: string;
  what: string;
  order: WorkerOrder;
  kind: 'throughput' | 'time';
  show: (milliseconds: number) => string;
  /** What the claim's row is called and has to reach, where there is a claim. */
  target?: number;
}

const local = ['127.0.0.1'];

function toOrder(work: WorkerOrder['work'], parts: Partial<WorkerOrder>): WorkerOrder {
  return { work, hosts: local, port: 0, bytes: 0, count: 0, wait: 0, ...parts };
}

function toLoads({ plan, ports }: Context, place: 'node' | 'worker'): Load[] {
  const bytes = plan.bulkBytes;
  const isNode = place === 'node';
  const connects = isNode ? plan.connects : plan.workerConnects;
  const [bulk, size] = ['throughput' as const, `${bytes >> 20} MiB`];
  return [
    {
      name: 'down',
      what: `download ${size}${isNode ? '' : ', default reader'}`,
      order: toOrder('down', { port: ports.source, bytes }),
      kind: bulk,
      show: toRate(bytes),
      target: isNode ? 0.9 : 1,
    },
    ...(isNode
      ? []
      : [
          {
            name: 'byob',
            what: `download ${size}, BYOB reader`,
            order: toOrder('byob', { port: ports.source, bytes }),
            kind: bulk,
            show: toRate(bytes),
          },
        ]),
    {
      name: 'up',
      what: `upload ${size}`,
      order: toOrder('up', { port: ports.sink, bytes }),
      kind: bulk,
      show: toRate(bytes),
      ...(isNode ? { target: 0.9 } : {}),
    },
    {
      name: isNode ? 'rtt' : 'connect',
      what: 'connect + 1-byte round trip + close',
      order: toOrder('rtt', { hosts: [...echoHosts], port: ports.echo, count: connects }),
      kind: 'time',
      show: toEach(connects),
      ...(isNode ? { target: 1.25 } : {}),
    },
    {
      name: isNode ? 'trips' : 'rtt',
      what: '1-byte round trip on an open socket',
      order: toOrder('trips', { hosts: [echoHosts[0]!], port: ports.echo, count: plan.trips }),
      kind: 'time',
      show: toEach(plan.trips),
      ...(isNode ? {} : { target: 1.3 }),
    },
  ];
}

async function measureLoads(context: Context, place: 'node' | 'worker', subjects: Subject[]): Promise<Row[]> {
  const rows: Row[] = [];
  const [ours, yardstick]: SubjectName[] = place === 'node' ? ['node', 'net'] : ['worker', 'workerd'];
  for (const { name, what, order, kind, show, target } of toLoads(context, place)) {
    const key = `${place}_${name}`;
    if (!context.wants(key)) continue;
    const bulk = kind === 'throughput' ? { expectBytes: order.bytes } : {};
    const series: Series = await measureSeries(subjects, { name: key, order, runs: context.runs, ...bulk });
    context.raw[key] = series;
    const base = { what, series, kind, show };
    rows.push(compare({ ...base, key, subject: ours!, peer: yardstick!, ...(target === undefined ? {} : { target }) }));
    if (place === 'worker') continue;
    for (const subject of ['deno', 'bun'] as const) {
      rows.push(compare({ ...base, key: `${subject}_${name}`, what: `${subject}: ${what}`, subject, peer: 'net' }));
    }
  }
  return rows;
}

async function withSubjects<T>(subjects: Subject[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await Promise.all(subjects.map((subject) => subject[Symbol.asyncDispose]()));
  }
}

export async function measureSpeed(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const place of ['node', 'worker'] as const) {
    if (!toLoads(context, place).some(({ name }) => context.wants(`${place}_${name}`))) continue;
    const guests: GuestName[] = ['net', 'node', 'deno', 'bun'];
    const subjects =
      place === 'node'
        ? guests.flatMap((name) => startGuest(name, context.executables) ?? [])
        : [await startWorker('worker'), await startWorker('workerd')];
    rows.push(...(await withSubjects(subjects, () => measureLoads(context, place, subjects))));
  }
  return rows;
}
