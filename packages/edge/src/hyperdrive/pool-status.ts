// A pool as people see it: `sallyport hyperdrive status`, which is what PgBouncer's SHOW commands are for.
import { bucketBounds, type FleetStatus, type Histogram } from '@sallyport/hyperdrive';

/** How long something took, in milliseconds; the quantiles are upper bounds of their buckets. */
export interface Timing {
  count: number;
  mean: number | null;
  p50: number | null;
  p99: number | null;
}

export interface PoolStatusShape {
  id: string;
  name: string;
  pool: { max_connections: number; connections: number; idle: number; connecting: number };
  waiting_clients: number;
  /** Of the one who has waited longest; PgBouncer's `maxwait`. */
  longest_wait_ms: number;
  clients: number;
  client_states: Readonly<Partial<Record<string, number>>>;
  prepared_statements: number;
  logins: number;
  bytes_in: number;
  bytes_out: number;
  /** By cacheStatus. */
  queries: Readonly<Partial<Record<string, number>>>;
  pins: Readonly<Partial<Record<string, number>>>;
  errors: Readonly<Partial<Record<string, number>>>;
  acquire_ms: Timing;
  query_ms: Timing;
  connect_ms: Timing;
}

export function toPoolStatus(status: FleetStatus): PoolStatusShape {
  const { id, name, metrics } = status;
  return {
    id,
    name,
    pool: {
      max_connections: status.maxConnections,
      connections: status.connections,
      idle: status.idle,
      connecting: status.connecting,
    },
    waiting_clients: status.waiting,
    longest_wait_ms: Math.round(status.longestWait),
    clients: status.clients,
    client_states: status.clientStates,
    prepared_statements: status.statements,
    logins: metrics.logins,
    bytes_in: metrics.clientBytesIn,
    bytes_out: metrics.clientBytesOut,
    queries: { ...metrics.queriesByCacheStatus },
    pins: { ...metrics.pins },
    errors: { ...metrics.errors },
    acquire_ms: toTiming(metrics.acquireSeconds),
    query_ms: toTiming(metrics.querySeconds),
    connect_ms: toTiming(metrics.connectSeconds),
  };
}

function toTiming(histogram: Histogram): Timing {
  const { count, sum } = histogram;
  return {
    count,
    mean: count === 0 ? null : Math.round((sum / count) * 1e6) / 1e3,
    p50: toQuantile(histogram, 0.5),
    p99: toQuantile(histogram, 0.99),
  };
}

/** Null when there is nothing, or when it is above every bound. */
function toQuantile({ buckets, count }: Histogram, quantile: number): number | null {
  if (count === 0) return null;
  let below = 0;
  for (const [index, bound] of bucketBounds.entries()) {
    below += buckets[index] ?? 0;
    if (below >= quantile * count) return bound * 1e3;
  }
  return null;
}
