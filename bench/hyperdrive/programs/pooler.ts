// A pooler as a process of its own, listening on loopback; its origin is reached over plain TCP. Prints its port.
import type { AddressInfo } from 'node:net';
import { argv } from 'node:process';
import { dialTcp } from '@sallyport/egress';
import { startPooler } from '@sallyport/hyperdrive';
import { print, serveOrders } from '../../kit/orders.ts';

export interface PoolerSetup {
  origin: { port: number; user: string; password: string; database: string };
  client: { user: string; password: string; database: string; auth: 'cleartext' | 'scram-sha-256' };
  maxConnections: number;
  /** Keeps answers for a minute. */
  isCached?: boolean;
}

const { origin, client, maxConnections, isCached = false } = JSON.parse(argv[2]!) as PoolerSetup;
const { user, password, database, port } = origin;
const pooler = await startPooler({
  origin: {
    user,
    password,
    database,
    dial: async (options) => (await dialTcp({ address: '127.0.0.1', port }, { ...options, lendsReads: true })).stream,
  },
  client,
  pool: { maxConnections },
  ...(isCached ? { caching: { disabled: false, maxAge: 60, staleWhileRevalidate: 15 } } : {}),
  listen: { host: '127.0.0.1', port: 0, backlog: 4_096 },
});
print({ port: (pooler.address as AddressInfo).port });
serveOrders({ status: () => ({ ...pooler.status, queries: { ...pooler.metrics.queriesByCacheStatus } }) });
