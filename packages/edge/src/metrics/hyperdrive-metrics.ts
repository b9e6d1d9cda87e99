// What the pools of an edge measure, as Prometheus metrics. docs/guide/hyperdrive.md has the list.
import type { CacheUse, FleetStatus, HyperdriveErrorCode, PinCause } from '@sallyport/hyperdrive';
import { type Family, type Labels, type Sample, toFamily, toHistogramFamily } from './exposition.ts';

const prefix = 'sallyport_hyperdrive';

/** What an operator watches for is there before it happens: a rate begins with a zero. */
const watchedErrors = zeros(['pool_exhausted', 'connect_failed', 'origin_refused', 'connection_lost', 'query_timeout']);
const watchedPins = zeros([
  'set',
  'prepare',
  'listen',
  'advisory-lock',
  'temporary-object',
  'setting-changed',
  'function',
  'unknown-function',
]);

function zeros(names: readonly (HyperdriveErrorCode | PinCause)[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

const labelsOf = ({ id, name }: FleetStatus): Labels => ({ config: id, name });

export function toHyperdriveFamilies(fleet: readonly FleetStatus[], cache: CacheUse): Family[] {
  const ofCaches = (name: string, help: string, value: number): Family =>
    toFamily(`${prefix}_${name}`, 'gauge', { help, samples: [[{}, value]] });
  const gauge = (name: string, help: string, value: (status: FleetStatus) => number): Family =>
    toFamily(`${prefix}_${name}`, 'gauge', { help, samples: fleet.map((each) => [labelsOf(each), value(each)]) });
  /** One series for each key that has been counted. */
  const counts = (
    name: string,
    help: string,
    read: (status: FleetStatus) => [label: string, counts: Readonly<Partial<Record<string, number>>>],
  ): Family => {
    const samples = fleet.flatMap((each): Sample[] => {
      const [label, counted] = read(each);
      return Object.entries(counted).map(([key, count = 0]) => [{ ...labelsOf(each), [label]: key }, count]);
    });
    return toFamily(`${prefix}_${name}`, 'counter', { help, samples });
  };
  const histogram = (
    name: string,
    help: string,
    read: (status: FleetStatus) => FleetStatus['metrics']['acquireSeconds'],
  ): Family =>
    toHistogramFamily(`${prefix}_${name}`, { help, series: fleet.map((each) => [labelsOf(each), read(each)]) });
  const clientStates = fleet.flatMap((each): Sample[] =>
    Object.entries(each.clientStates).map(([state, count = 0]) => [{ ...labelsOf(each), state }, count]),
  );
  return [
    gauge('pool_max_connections', 'Connections to the origin there may be', (each) => each.maxConnections),
    gauge('pool_connections', 'Connections to the origin that are ready', (each) => each.connections),
    gauge('pool_idle_connections', 'Connections to the origin that nobody uses', (each) => each.idle),
    gauge('pool_connecting', 'Connections to the origin that are being made', (each) => each.connecting),
    toFamily(`${prefix}_up`, 'gauge', {
      help: 'Whether the last attempt to connect to the origin went well',
      samples: fleet.flatMap((each): Sample[] => {
        const { isUp } = each.metrics;
        return isUp === undefined ? [] : [[labelsOf(each), Number(isUp)]];
      }),
    }),
    gauge('waiting_clients', 'Clients that wait for a connection', (each) => each.waiting),
    gauge('longest_wait_seconds', 'How long the first of those has waited', (each) => each.longestWait / 1e3),
    gauge('prepared_statements', 'Different texts that clients have prepared', (each) => each.statements),
    toFamily(`${prefix}_clients`, 'gauge', { help: 'Clients, by what they are doing', samples: clientStates }),
    toFamily(`${prefix}_logins_total`, 'counter', {
      help: 'Clients that were let in',
      samples: fleet.map((each) => [labelsOf(each), each.metrics.logins]),
    }),
    counts('client_bytes_total', 'Bytes from (in) and to (out) clients', ({ metrics }) => [
      'direction',
      { in: metrics.clientBytesIn, out: metrics.clientBytesOut },
    ]),
    counts('queries_total', 'Queries, by what the cache had to say', ({ metrics }) => [
      'cache_status',
      metrics.queriesByCacheStatus,
    ]),
    counts('pins_total', 'Connections that stayed with their client, by cause', ({ metrics }) => [
      'cause',
      { ...watchedPins, ...metrics.pins },
    ]),
    counts('errors_total', 'Errors that clients were told by the pool itself', ({ metrics }) => [
      'code',
      { ...watchedErrors, ...metrics.errors },
    ]),
    ofCaches('cache_entries', 'Answers that all caches keep', cache.entries),
    ofCaches('cache_bytes', 'Bytes that they take', cache.bytes),
    ofCaches('cache_max_bytes', 'Bytes that they may take', cache.maxBytes),
    histogram('acquire_seconds', 'From asking for a connection to having it', ({ metrics }) => metrics.acquireSeconds),
    histogram('query_seconds', 'From a request to its answer, at the origin', ({ metrics }) => metrics.querySeconds),
    histogram('connect_seconds', 'From dialling the origin to being ready', ({ metrics }) => metrics.connectSeconds),
  ];
}
