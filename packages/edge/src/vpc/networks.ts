// The networks that bindings lead into: a tunnel, or what the routes of a virtual network cover.
import type { Control } from '@sallyport/control';
import type { DialTunnel, Routes } from '@sallyport/egress';
import { toRoutes } from '../tunnels/tunnel-routes.ts';
import { toTunnelRoutes } from './service-egress.ts';

/** Cloudflare's name of everything that is routed; here the default virtual network. */
export const wholeNetwork = 'cf1:network';

/** What of a network leads where, and how one gets there when not as everywhere else. */
export interface NetworkWay {
  routes: Routes;
  dialTunnel?: DialTunnel;
}

export interface NamedNetwork {
  /** The key of a binding that takes its id. */
  key: 'tunnel_id' | 'network_id';
  id: string;
}

/** Those of this edge, or of another one. Ids are in lower case. */
export interface Networks {
  /** Of a tunnel or a virtual network. */
  has(id: string): Promise<boolean>;
  /** What has this name, written where an id belongs. */
  named(name: string): Promise<NamedNetwork | undefined>;
  intoTunnel(id: string): NetworkWay;
  intoNetwork(id: string): NetworkWay;
}

/** What to do about a name where an id belongs; undefined when nothing has that name. */
export function toNameRemedy(named: NamedNetwork | undefined): string | undefined {
  if (named === undefined) return undefined;
  const what = named.key === 'tunnel_id' ? 'tunnel' : 'virtual network';
  return `That is a ${what}'s name: write its id, ${named.id}, as ${named.key}.`;
}

/** Of the control store, which may come later. */
export function createOwnNetworks(control: () => Control | undefined): Networks {
  const tunnelName = (id: string): string | undefined => control()?.table.tunnelName(id);
  const findRoutes = (id: string): Routes | undefined => {
    const table = control()?.table;
    if (table === undefined) return undefined;
    if (id === wholeNetwork) return toRoutes(table);
    const name = table.networks().find((network) => network.id === id)?.name;
    return name === undefined ? undefined : toRoutes(table, name);
  };
  return {
    async has(id) {
      return id === wholeNetwork || tunnelName(id) !== undefined || findRoutes(id) !== undefined;
    },
    async named(name) {
      const tunnel = control()?.tunnels.find(name);
      if (tunnel !== undefined) return { key: 'tunnel_id', id: tunnel.id };
      const network = control()?.networks.find(name);
      return network && { key: 'network_id', id: network.id };
    },
    intoTunnel: (id) => ({ routes: toTunnelRoutes(id, { tunnelName }) }),
    intoNetwork: (id) => ({
      routes: {
        forName: (name) => findRoutes(id)?.forName(name),
        forAddress: (address) => findRoutes(id)?.forAddress(address),
      },
    }),
  };
}
