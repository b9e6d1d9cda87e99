// The way to one service, whatever it is asked for: through its tunnel to its host, or from the edge itself.
import {
  createEgress,
  type Egress,
  EgressError,
  type EgressOptions,
  type Routes,
  type TunnelRoute,
} from '@sallyport/egress';
import { addressesOf, type Service, type ServiceHost, tunnelOf } from '@sallyport/control';
import { databasePolicy } from '../hyperdrive/origin.ts';
import { withServiceRemedies } from './remedies.ts';

/** What every way out of an edge has in common. */
export type EgressWays = Omit<EgressOptions, 'policy'>;

export interface Tunnels {
  tunnelName(id: string): string | undefined;
}

/** A host of its own for each target: the port is all that a caller chooses. */
export function createServiceEgress(
  service: Service,
  { ways, tunnels }: { ways: EgressWays; tunnels: Tunnels },
): Egress {
  const { host } = service;
  const tunnelId = tunnelOf(host);
  const routes = tunnelId === undefined ? ways.routes : toTunnelRoutes(tunnelId, tunnels, resolversOf(host));
  const inner = withServiceRemedies(createEgress({ ...ways, policy: databasePolicy, routes }));
  const hosts = 'hostname' in host ? [host.hostname] : addressesOf(host);
  return {
    decide: ({ port }, options) => inner.decide({ hostname: hosts[0]!, port }, options),
    async open({ port }, options) {
      let first: unknown;
      // A second address is for when the first cannot be reached.
      for (const hostname of hosts) {
        try {
          return await inner.open({ hostname, port }, options);
        } catch (error) {
          first ??= error;
          if (!(error instanceof EgressError) || !error.retryable || options?.signal?.aborted === true) break;
        }
      }
      throw first;
    },
  };
}

function resolversOf(host: ServiceHost): readonly string[] | undefined {
  return 'hostname' in host ? host.resolver_network?.resolver_ips : undefined;
}

/** Everything leads into one tunnel, and nothing past it: also not what would mean the edge's own machine. */
export function toTunnelRoutes(tunnelId: string, tunnels: Tunnels, resolvers?: readonly string[]): Routes {
  const toRoute = (match: string): TunnelRoute => {
    const tunnelName = tunnels.tunnelName(tunnelId) ?? tunnelId;
    return { kind: 'tunnel', tunnelId, tunnelName, network: undefined, match, ...(resolvers && { resolvers }) };
  };
  return {
    forName: toRoute,
    forAddress: (address) => toRoute(`${address}/${address.includes(':') ? 128 : 32}`),
  };
}
