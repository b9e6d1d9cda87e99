// Which tunnel serves an address or a name: asked for every connection, so it lives in memory and answers at once.
//
// It follows the replica change by change. A route whose tunnel or network is gone counts as absent, whatever is left
// of it in the store.
import { parseIp, toCanonicalHost } from '@sallyport/egress';
import type { Json } from '../store.ts';
import { AddressTree } from './address-tree.ts';
import { NameTree } from './name-tree.ts';
import type { Networks } from './networks.ts';
import {
  type HostnameRoute,
  type IpRoute,
  prefixes,
  type PublicHostname,
  tunnelKey,
  type TunnelRecord,
} from './records.ts';
import type { Replica } from './replica.ts';
import { addressesOf, tunnelOf } from './service-settings.ts';
import type { ServiceRecord } from './services.ts';
import { parseCidr } from './values.ts';

/** The route that decided. */
export interface RouteMatch {
  readonly tunnelId: string;
  /** The route as it was written: `10.0.0.0/8`, `db.internal`, `*.internal`. */
  readonly match: string;
}

export interface RouteTable {
  /** The route for a name: exact before `*.suffix`, longest suffix first. No network means the default one. */
  forName: (networkId: string | undefined, hostname: string) => RouteMatch | undefined;
  /** The route for an IP address: longest prefix first. An IPv4-mapped address is its IPv4 address. */
  forAddress: (networkId: string | undefined, ip: string) => RouteMatch | undefined;
  /** The tunnel that serves a public host name. */
  forPublicHostname: (host: string) => RouteMatch | undefined;
  /** What a tunnel's connectors may be asked for, in any network. */
  announced: (tunnelId: string) => { cidrs: string[]; hostnames: string[] };
  networks: () => { id: string; name: string; isDefault: boolean }[];
  /** Undefined when there is no such tunnel (any more). */
  tunnelName: (id: string) => string | undefined;
}

export function createRouteTable(replica: Replica, networks: Pick<Networks, 'defaultId' | 'list' | 'get'>): RouteTable {
  const addresses = new Map<string, AddressTree<IpRoute>>();
  const names = new Map<string, NameTree<HostnameRoute>>();
  const publicNames = new NameTree<PublicHostname>();

  const liveTunnel = (id: string): TunnelRecord | undefined => {
    const tunnel = replica.get(tunnelKey(id)) as unknown as TunnelRecord | undefined;
    return tunnel === undefined || tunnel.name === '' || tunnel.deleted_at !== null ? undefined : tunnel;
  };
  const isLive = ({ tunnel_id }: { tunnel_id: string }): boolean => liveTunnel(tunnel_id) !== undefined;
  const networkOf = (id: string | undefined): string => id ?? networks.defaultId;

  /** Takes a route out, or puts it in. */
  const edit = (key: string, value: Json, action: 'add' | 'remove'): void => {
    if (key.startsWith(prefixes.ipRoutes)) {
      const route = value as unknown as IpRoute;
      treeOf(addresses, route.virtual_network_id, AddressTree)[action](parseCidr(route.network), route);
    } else if (key.startsWith(prefixes.hostnameRoutes)) {
      const route = value as unknown as HostnameRoute;
      treeOf(names, route.virtual_network_id, NameTree)[action](route.hostname, route);
    } else if (key.startsWith(prefixes.publicHostnames)) {
      const route = value as unknown as PublicHostname;
      publicNames[action](route.hostname, route);
    }
  };
  replica.onChange(({ key, before, after }) => {
    if (before !== undefined) edit(key, before, 'remove');
    if (after !== undefined) edit(key, after, 'add');
  });

  const findName = <Route extends { tunnel_id: string; hostname: string }>(
    tree: NameTree<Route> | undefined,
    hostname: string,
  ): RouteMatch | undefined => {
    const host = toCanonicalHost(hostname);
    if ('problem' in host || host.kind === 'address') return undefined;
    const route = tree?.find(host.text, isLive);
    return route && { tunnelId: route.tunnel_id, match: route.hostname };
  };

  return {
    forName(networkId, hostname) {
      const id = networkOf(networkId);
      return networks.get(id) && findName(names.get(id), hostname);
    },
    forAddress(networkId, text) {
      const id = networkOf(networkId);
      const ip = parseIp(text);
      if (ip === undefined || networks.get(id) === undefined) return undefined;
      const route = addresses.get(id)?.find(ip.text, isLive);
      return route && { tunnelId: route.tunnel_id, match: route.network };
    },
    forPublicHostname: (host) => findName(publicNames, host),
    announced(tunnelId) {
      if (liveTunnel(tunnelId) === undefined) return { cidrs: [], hostnames: [] };
      const of = <Route extends { tunnel_id: string; virtual_network_id: string }>(prefix: string): Route[] =>
        ([...replica.values(prefix)] as unknown as Route[]).filter(
          (route) => route.tunnel_id === tunnelId && networks.get(route.virtual_network_id) !== undefined,
        );
      const cidrs = of<IpRoute>(prefixes.ipRoutes).map(({ network }) => network);
      const hostnames = of<HostnameRoute>(prefixes.hostnameRoutes).map(({ hostname }) => hostname);
      // A service that is reached through a tunnel needs no route to it, and opens none to Workers.
      for (const { name, host } of [...replica.values(prefixes.services)] as unknown as ServiceRecord[]) {
        if (name === '' || tunnelOf(host) !== tunnelId) continue;
        if ('hostname' in host) hostnames.push(host.hostname);
        else cidrs.push(...addressesOf(host).map((address) => parseCidr(address).text));
      }
      return { cidrs: [...new Set(cidrs)].sort(), hostnames: [...new Set(hostnames)].sort() };
    },
    networks: () =>
      networks.list().map(({ id, name, is_default_network }) => ({ id, name, isDefault: is_default_network })),
    tunnelName: (id) => liveTunnel(id)?.name,
  };
}

function treeOf<Tree>(trees: Map<string, Tree>, id: string, Kind: new () => Tree): Tree {
  const tree = trees.get(id) ?? new Kind();
  trees.set(id, tree);
  return tree;
}
