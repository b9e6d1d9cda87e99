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

/** Those of this edge, or of another one. Ids are in lower case. */
export interface Networks {
  /** Of a tunnel or a virtual network. */
  has(id: string): Promise<boolean>;
  intoTunnel(id: string): NetworkWay;
  intoNetwork(id: string): NetworkWay;
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
    intoTunnel: (id) => ({ routes: toTunnelRoutes(id, { tunnelName }) }),
    intoNetwork: (id) => ({
      routes: {
        forName: (name) => findRoutes(id)?.forName(name),
        forAddress: (address) => findRoutes(id)?.forAddress(address),
      },
    }),
  };
}
