// From a database to what its pool dials: through egress, so that policy, tunnels and decisions are those of every other
// connection, and with TLS that begins here and ends at the database.
import { definePolicy, type Egress, type Policy } from '@sallyport/egress';
import { createOriginTls, type FleetConfig, type Origin } from '@sallyport/hyperdrive';
import type { Database } from './database.ts';

/**
 * Where databases may be. An operator names them, and a Worker can say nothing to them but PostgreSQL, so this machine
 * and private networks are allowed; what no database is at is not.
 */
export const databasePolicy: Policy = definePolicy([
  { action: 'deny', to: 'metadata' },
  { action: 'deny', to: 'link-local' },
  { action: 'deny', to: 'multicast' },
  { action: 'allow', to: 'routed' },
  { action: 'deny', to: 'reserved' },
  { action: 'allow', to: 'loopback' },
  { action: 'allow', to: 'private' },
  { action: 'allow', to: 'cgnat' },
  { action: 'allow', to: 'public' },
]);

export function toOrigin({ host, port, user, password, database, tls }: Database, egress: Egress): Origin {
  return {
    user,
    password,
    database,
    dial: async ({ signal }) => (await egress.open({ hostname: host, port }, { signal })).stream,
    ...(tls.mode === 'disable' || tls.mode === 'allow'
      ? {}
      : { startTls: createOriginTls({ sslmode: tls.mode, host, ca: tls.ca, certificate: tls.cert, key: tls.key }) }),
    ...(tls.mode === 'prefer' ? { allowsPlain: true } : {}),
  };
}

export function toFleetConfig(database: Database, egress: Egress): FleetConfig {
  const { id, name, caching, connectionLimit } = database;
  return {
    id,
    name,
    caching,
    origin: toOrigin(database, egress),
    ...(connectionLimit === undefined ? {} : { pool: { maxConnections: connectionLimit } }),
  };
}
