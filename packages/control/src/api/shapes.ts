// Our things in Cloudflare's shapes.
import type { VirtualNetwork } from '../domain/networks.ts';
import type { HostnameRoute, IpRoute, PublicHostname } from '../domain/records.ts';
import type { RouteTable } from '../domain/route-table.ts';
import type { Tunnel } from '../domain/tunnels.ts';
import type { ConnectorConnection } from './links.ts';

/** Where a link ends; Cloudflare names a data centre here. */
const place = 'edge';

export function toConnectionShape({ id, connectorId, client, remoteAddress, openedAt }: ConnectorConnection): object {
  return {
    id,
    uuid: id,
    colo_name: place,
    client_id: connectorId,
    client_version: client.version,
    origin_ip: remoteAddress,
    opened_at: openedAt.toISOString(),
    is_pending_reconnect: false,
  };
}

export function toTunnelShape(
  { id, name, created_at, deleted_at }: Tunnel,
  { account, connections }: { account: string; connections: readonly ConnectorConnection[] },
): object {
  const since = connections.map(({ openedAt }) => openedAt.toISOString()).sort()[0] ?? null;
  return {
    id,
    account_tag: account,
    name,
    created_at,
    deleted_at,
    status: connections.length > 0 ? 'healthy' : 'inactive',
    tun_type: 'cfd_tunnel',
    config_src: 'local',
    remote_config: false,
    conns_active_at: since,
    conns_inactive_at: null,
    connections: connections.map(toConnectionShape),
    metadata: {},
  };
}

/** A tunnel's links by connector. */
export function toClientShapes(connections: readonly ConnectorConnection[]): object[] {
  const clients = new Map<string, ConnectorConnection[]>();
  for (const each of connections) clients.set(each.connectorId, [...(clients.get(each.connectorId) ?? []), each]);
  return [...clients].map(([id, links]) => ({
    id,
    features: [],
    version: links[0]!.client.version,
    arch: links[0]!.client.arch,
    config_version: 0,
    run_at: links.map(({ openedAt }) => openedAt.toISOString()).sort()[0]!,
    conns: links.map(toConnectionShape),
  }));
}

export function toNetworkShape(network: VirtualNetwork): object {
  return { ...network, deleted_at: null };
}

type Names = Pick<RouteTable, 'tunnelName' | 'networks'>;

function networkName(table: Names, id: string): string {
  return table.networks().find((network) => network.id === id)?.name ?? '';
}

export function toIpRouteShape(route: IpRoute, table: Names): object {
  return {
    ...route,
    deleted_at: null,
    tun_type: 'cfd_tunnel',
    tunnel_name: table.tunnelName(route.tunnel_id) ?? '',
    virtual_network_name: networkName(table, route.virtual_network_id),
  };
}

export function toHostnameRouteShape(route: HostnameRoute, table: Names): object {
  return {
    ...route,
    deleted_at: null,
    tunnel_name: table.tunnelName(route.tunnel_id) ?? '',
    virtual_network_name: networkName(table, route.virtual_network_id),
  };
}

export function toPublicHostnameShape(route: PublicHostname, table: Names): object {
  return { ...route, deleted_at: null, tunnel_name: table.tunnelName(route.tunnel_id) ?? '' };
}
