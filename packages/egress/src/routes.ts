// Which way a connection goes: straight from this machine, or through a tunnel into the private network behind it.
//
// Names are looked at before DNS, because a name that a tunnel covers is resolved by its connector, never here.
import type { Ip } from './ip.ts';
import { isWithin, namedAddresses } from './ranges.ts';

/** From this machine, to the pinned address. */
export interface DirectRoute {
  readonly kind: 'direct';
}

/** Through a tunnel. Plain data, so that a decision can be printed. */
export interface TunnelRoute {
  readonly kind: 'tunnel';
  readonly tunnelId: string;
  readonly tunnelName: string;
  /** Name of the virtual network; undefined for a way straight into the tunnel, without a route. */
  readonly network: string | undefined;
  /** The route that matched: a CIDR, a host name or `*.name`. */
  readonly match: string;
  /** DNS servers its connector asks for a name, instead of its own. */
  readonly resolvers?: readonly string[];
}

export type Route = DirectRoute | TunnelRoute;

/** What tunnels cover, as one Worker's virtual network sees it. */
export interface Routes {
  /** The tunnel route for a canonical name. */
  forName(name: string): TunnelRoute | undefined;
  /** The tunnel route with the longest prefix that holds the address. */
  forAddress(address: string): TunnelRoute | undefined;
}

export const directRoute: DirectRoute = { kind: 'direct' };

/** No tunnels: everything goes directly. */
export const directRoutes: Routes = { forName: () => undefined, forAddress: () => undefined };

/** Sets whose addresses mean another machine at each place they are used from. */
const placeBound = ['loopback', 'link-local', 'metadata', 'multicast'] as const;

/**
 * The tunnel route for an address. A wide route such as 0.0.0.0/0 says nothing about loopback, link-local, metadata and
 * multicast addresses: only one inside such a set, which somebody must have meant, does.
 */
export function tunnelFor(ip: Ip, routes: Routes): TunnelRoute | undefined {
  const route = routes.forAddress(ip.text);
  if (route === undefined) return undefined;
  const bound = placeBound.find((set) => namedAddresses(set)(ip));
  return bound === undefined || isWithin(route.match, bound) ? route : undefined;
}
