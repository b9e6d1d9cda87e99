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
  maxConnections: number;
  /** Those that are ready, idle ones among them. */
  connections: number;
  idle: number;
  connecting: number;
  /** Clients that wait for a connection. */
  waiting: number;
  clients: number;
  clientStates: FleetStatus['clientStates'];
  /** Different texts that clients have prepared. */
  statements: number;
  logins: number;
  clientBytesIn: number;
  clientBytesOut: number;
  queriesByCacheStatus: Readonly<Partial<Record<string, number>>>;
  pins: FleetStatus['pins'];
  errors: Readonly<Partial<Record<string, number>>>;
  acquireMs: Timing;
  queryMs: Timing;
  connectMs: Timing;
}

export function toPoolStatus(status: FleetStatus): PoolStatusShape {
  const { id, name, maxConnections, connections, idle, connecting, waiting, clients, metrics } = status;
  return {
    id,
    name,
    maxConnections,
    connections,
    idle,
    connecting,
    waiting,
    clients,
    clientStates: status.clientStates,
    statements: status.statements,
    logins: metrics.logins,
    clientBytesIn: metrics.clientBytesIn,
    clientBytesOut: metrics.clientBytesOut,
    queriesByCacheStatus: { ...metrics.queriesByCacheStatus },
    pins: { ...metrics.pins },
    errors: { ...metrics.errors },
    acquireMs: toTiming(metrics.acquireSeconds),
    queryMs: toTiming(metrics.querySeconds),
    connectMs: toTiming(metrics.connectSeconds),
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
