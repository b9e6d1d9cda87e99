// From a database to what its pool dials: through egress, so that policy, tunnels and decisions are those of every other
// connection, and with TLS that begins here and ends at the database.
import type { Duplex } from 'node:stream';
import {
  definePolicy,
  type Egress,
  EgressError,
  type EgressErrorCode,
  type EgressTarget,
  type Policy,
} from '@sallyport/egress';
import type { Service } from '@sallyport/control';
import { createOriginTls, type FleetConfig, HyperdriveError, type Origin } from '@sallyport/hyperdrive';
import type { GatewayEvent, OnGatewayEvent } from '../gateway/events.ts';
import { contextOf } from '@sallyport/sockets/internal';
import { bareTls, createRecordLayer, entryWays, type FindTls, type HostTls, toUsed } from '../tls/host-tls.ts';
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

/** The way out to databases, and who hears of connections that take it. */
export interface OriginWay {
  egress: Egress;
  /** The way to a database that is a VPC service. */
  toService?: ((service: Service) => Egress) | undefined;
  /** The host's TLS settings, for what a configuration leaves out. */
  findTls?: FindTls | undefined;
  onEvent?: OnGatewayEvent | undefined;
}

export function toOrigin(target: Database, given: OriginWay): Origin {
  const { host, port, user, password, database, tls, service } = target;
  const way = service === undefined ? given : { ...given, egress: given.toService?.(service) ?? given.egress };
  const { mode, channelBinding } = tls;
  return {
    user,
    password,
    database,
    dial: ({ signal }) => dialDatabase({ hostname: host, port }, way, signal),
    ...(mode === 'disable' || mode === 'allow' ? {} : toTls(mode, target, way.findTls)),
    ...(mode === 'prefer' ? { allowsPlain: true } : {}),
    ...(channelBinding === undefined ? {} : { channelBinding }),
  };
}

/** TLS that asks for its settings at each connection, so that it uses the certificates of then. */
function toTls(
  sslmode: Exclude<Database['tls']['mode'], 'disable' | 'allow'>,
  { name, host, port, tls }: Database,
  findTls: FindTls = () => bareTls,
): Pick<Origin, 'startTls' | 'explainTls'> {
  const layer = createRecordLayer(tls, { source: `database ${name}`, ways: entryWays });
  const settingsNow = (): HostTls => layer(findTls({ hostname: host, port }));
  return {
    async startTls(plain) {
      try {
        const settings = settingsNow();
        const hasAuthority = settings.ca !== undefined;
        return await createOriginTls({ sslmode, host, hasAuthority, secureContext: contextOf(settings) })(plain);
      } catch (error) {
        plain.destroy();
        throw error;
      }
    },
    explainTls(_code, remedy) {
      try {
        return `${remedy} ${toUsed(settingsNow().about)}`;
      } catch (error) {
        return (error as { remedy?: string }).remedy ?? remedy;
      }
    },
  };
}

async function dialDatabase(target: EgressTarget, way: OriginWay, signal: AbortSignal): Promise<Duplex> {
  const { egress, onEvent = () => {} } = way;
  const startedAt = performance.now();
  const { hostname, port } = target;
  const toEvent = (): Pick<GatewayEvent, 'kind' | 'destination' | 'took' | 'secure'> => ({
    kind: 'database',
    destination: hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]:${port}` : `${hostname}:${port}`,
    took: performance.now() - startedAt,
    secure: false,
  });
  try {
    const { stream, decision } = await egress.open(target, { signal, lendsReads: true });
    onEvent({ ...toEvent(), decision, code: undefined, message: undefined });
    return stream;
  } catch (error) {
    if (error instanceof EgressError) {
      const { decision, code, message, detail } = error;
      const remedy = remedies[code] ?? error.remedy;
      onEvent({ ...toEvent(), decision, code, message, detail, remedy });
      const told = `Server connection attempt failed: ${code}`;
      throw new HyperdriveError('connect_failed', told, { cause: error, remedy });
    }
    throw error;
  }
}

/** Where egress speaks of what Workers dial, whose policy can be changed. */
const remedies: Partial<Record<EgressErrorCode, string>> = {
  destination_denied:
    'Correct the host: at link-local, metadata, multicast and reserved addresses there are no databases.',
  tcp_loop: "That is one of this edge's own ports: name the host and port of the database itself.",
  dns_error: 'Correct the name, or add a tunnel route for it: `sallyport tunnel route hostname add NAME TUNNEL`.',
};

export function toFleetConfig(database: Database, way: OriginWay): FleetConfig {
  const { id, name, host, port, caching, connectionLimit } = database;
  return {
    id,
    name,
    caching,
    server: `${host.toLowerCase()}:${port}`,
    origin: toOrigin(database, way),
    ...(connectionLimit === undefined ? {} : { pool: { maxConnections: connectionLimit } }),
  };
}
