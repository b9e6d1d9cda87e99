// The control's routes as egress asks for them: by one virtual network, with names for people beside ids.
import type { Routes, TunnelRoute } from '@sallyport/egress';
import type { RouteMatch, RouteTable } from '@sallyport/control';

/** The routes of a virtual network, by name; the default network when left out or unknown. */
export function toRoutes(table: RouteTable, networkName?: string): Routes {
  const toRoute = (
    network: { id: string; name: string } | undefined,
    found: RouteMatch | undefined,
  ): TunnelRoute | undefined => {
    if (found === undefined) return undefined;
    const { tunnelId, match } = found;
    const tunnelName = table.tunnelName(tunnelId) ?? tunnelId;
    return { kind: 'tunnel', tunnelId, tunnelName, network: network?.name ?? 'default', match };
  };
  // Asked anew each time: networks can be renamed, and made after the Worker was started.
  const find = () =>
    table.networks().find(({ name, isDefault }) => (networkName === undefined ? isDefault : name === networkName));
  return {
    forName(name) {
      const network = find();
      return network && toRoute(network, table.forName(network.id, name));
    },
    forAddress(address) {
      const network = find();
      return network && toRoute(network, table.forAddress(network.id, address));
    },
  };
}
