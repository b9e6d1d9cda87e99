// What the domain keeps in the store: one document per thing, under a key that holds what must be unique about it.
//
// A CIDR is unique in its network because it is part of the route's key, and so for host names. Only names that can
// change (of tunnels and networks) need a document of their own beside the thing: see `names.ts`.
import { createHash } from 'node:crypto';
import type { Sealed } from '../key-ring.ts';
import type { DocumentKey } from '../store.ts';

/** Something with an id that never changes and a name that may. */
export interface NamedRecord {
  readonly id: string;
  /** Empty until the name is taken for it. */
  readonly name: string;
  /** The name that is being taken for it; see `names.ts`. */
  readonly pending_name?: string;
  readonly created_at: string;
  /** Of something that is remembered after its deletion, which has its name no longer. */
  readonly deleted_at?: string | null;
}

export interface TunnelRecord extends NamedRecord {
  readonly deleted_at: string | null;
  /** Sealed for this document, field `secret`; null once the tunnel is deleted. */
  readonly secret: Sealed | null;
}

export interface NetworkRecord extends NamedRecord {
  readonly comment: string;
}

/** What every route has. */
export interface RouteRecord {
  readonly id: string;
  readonly tunnel_id: string;
  readonly comment: string;
  readonly created_at: string;
}

export interface IpRoute extends RouteRecord {
  /** In canonical form, host bits zero: `10.0.0.0/8`, `fd00::/8`. */
  readonly network: string;
  readonly virtual_network_id: string;
}

export interface HostnameRoute extends RouteRecord {
  /** A canonical name, or `*.` and one: every name below it, not the name itself. */
  readonly hostname: string;
  readonly virtual_network_id: string;
}

export interface PublicHostname extends RouteRecord {
  readonly hostname: string;
}

export const prefixes = {
  tunnels: 'tunnels/',
  tunnelNames: 'tunnel-names/',
  networks: 'networks/',
  networkNames: 'network-names/',
  ipRoutes: 'ip-routes/',
  hostnameRoutes: 'hostname-routes/',
  publicHostnames: 'public-hostnames/',
  hyperdrive: 'hyperdrive/',
  hyperdriveNames: 'hyperdrive-names/',
  certificates: 'certificates/',
  services: 'services/',
  serviceNames: 'service-names/',
} as const;

/** `{ id }` of the network that is meant when none is named. */
export const defaultNetworkKey: DocumentKey = 'settings/default-network';
/** `{ tag }` of the one account there is. */
export const accountKey: DocumentKey = 'settings/account';

/** The network that exists from the start, the same in every installation. */
export const firstNetworkId = '00000000-0000-4000-8000-000000000001';

export function tunnelKey(id: string): DocumentKey {
  return `${prefixes.tunnels}${id}`;
}

export function networkKey(id: string): DocumentKey {
  return `${prefixes.networks}${id}`;
}

export function hyperdriveKey(id: string): DocumentKey {
  return `${prefixes.hyperdrive}${id}`;
}

export function certificateKey(id: string): DocumentKey {
  return `${prefixes.certificates}${id}`;
}

export function serviceKey(id: string): DocumentKey {
  return `${prefixes.services}${id}`;
}

export function ipRouteKey({ network, virtual_network_id }: Pick<IpRoute, 'network' | 'virtual_network_id'>): string {
  return `${prefixes.ipRoutes}${virtual_network_id}/${network.replaceAll(':', '-').replace('/', '_')}`;
}

export function hostnameRouteKey(route: Pick<HostnameRoute, 'hostname' | 'virtual_network_id'>): DocumentKey {
  return `${prefixes.hostnameRoutes}${route.virtual_network_id}/${patternKey(route.hostname)}`;
}

export function publicHostnameKey({ hostname }: Pick<PublicHostname, 'hostname'>): DocumentKey {
  return `${prefixes.publicHostnames}${patternKey(hostname)}`;
}

function patternKey(hostname: string): string {
  return hostname.startsWith('*.') ? `below/${hostname.slice(2)}` : `exactly/${hostname}`;
}

/** Names may hold any character, keys may not. */
export function nameKey(prefix: string, name: string): DocumentKey {
  return `${prefix}${createHash('sha256').update(name).digest('hex')}`;
}
