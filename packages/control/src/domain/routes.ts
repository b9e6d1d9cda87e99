// The three kinds of routes: addresses and names inside a virtual network, and public host names.
import { ControlError } from '../errors.ts';
import type { Networks } from './networks.ts';
import {
  type HostnameRoute,
  hostnameRouteKey,
  type IpRoute,
  ipRouteKey,
  prefixes,
  type PublicHostname,
  publicHostnameKey,
} from './records.ts';
import { RouteCollection, type RoutePatch } from './route-collection.ts';
import { parseCidr, parseHostnamePattern } from './values.ts';
import type { Writer } from './writer.ts';

export interface NewIpRoute extends RoutePatch {
  network: string;
  tunnel_id: string;
  /** The default network when left out. */
  virtual_network_id?: string | undefined;
}

export interface NewHostnameRoute extends RoutePatch {
  hostname: string;
  tunnel_id: string;
  virtual_network_id?: string | undefined;
}

export interface NewPublicHostname extends RoutePatch {
  hostname: string;
  tunnel_id: string;
}

/** One kind of route, as callers see it. */
export interface RouteSet<Route, New> {
  /** Rejects with `already_exists`, `not_found`, `invalid_value`. */
  create: (route: New) => Promise<Route>;
  list: () => Route[];
  get: (id: string) => Route | undefined;
  update: (id: string, patch: { [Name in keyof New]?: New[Name] | undefined }) => Promise<Route>;
  delete: (id: string) => Promise<Route>;
}

export interface PublicHostnames extends RouteSet<PublicHostname, NewPublicHostname> {
  /**
   * Leads a host name to a tunnel. One that leads to another tunnel is refused (`already_exists`) unless `overwrite`.
   */
  put: (
    route: NewPublicHostname,
    options: { overwrite: boolean },
  ) => Promise<{ route: PublicHostname; change: 'new' | 'updated' | 'unchanged' }>;
}

export interface Routes {
  readonly ip: RouteSet<IpRoute, NewIpRoute>;
  readonly hostnames: RouteSet<HostnameRoute, NewHostnameRoute>;
  readonly publicHostnames: PublicHostnames;
  /** How many lead to a tunnel or are in a network. */
  count: (of: { tunnelId?: string; networkId?: string }) => number;
  deleteAll: (of: { tunnelId?: string; networkId?: string }) => Promise<void>;
}

export function createRoutes(
  writer: Writer,
  { date, networks }: { date: () => Date; networks: () => Pick<Networks, 'defaultId'> },
): Routes {
  const ip = new RouteCollection<IpRoute>(
    writer,
    {
      prefix: prefixes.ipRoutes,
      keyOf: ipRouteKey,
      noun: 'IP route',
      describe: (route) => `${route.network} in virtual network ${route.virtual_network_id}`,
    },
    { date },
  );
  const hostnames = new RouteCollection<HostnameRoute>(
    writer,
    {
      prefix: prefixes.hostnameRoutes,
      keyOf: hostnameRouteKey,
      noun: 'hostname route',
      describe: (route) => `${route.hostname} in virtual network ${route.virtual_network_id}`,
    },
    { date },
  );
  const publicHostnames = new RouteCollection<PublicHostname>(
    writer,
    {
      prefix: prefixes.publicHostnames,
      keyOf: publicHostnameKey,
      noun: 'public hostname',
      describe: ({ hostname, tunnel_id }) => `${hostname} leads to tunnel ${tunnel_id}`,
    },
    { date },
  );
  const networkOf = (id: string | undefined): string => (id === undefined || id === '' ? networks().defaultId : id);
  const all: readonly RouteCollection<IpRoute | HostnameRoute | PublicHostname>[] = [
    ip,
    hostnames,
    publicHostnames,
  ] as unknown as RouteCollection<IpRoute | HostnameRoute | PublicHostname>[];
  return {
    ip: {
      ...reading(ip),
      create: ({ network, virtual_network_id, tunnel_id, comment }) =>
        attempt(() =>
          ip.add({
            network: parseCidr(network).text,
            virtual_network_id: networkOf(virtual_network_id),
            tunnel_id,
            comment,
          }),
        ),
      update: (id, { network, ...patch }) =>
        attempt(() =>
          ip.update(id, given({ ...patch, network: network === undefined ? undefined : parseCidr(network).text })),
        ),
    },
    hostnames: {
      ...reading(hostnames),
      create: ({ hostname, virtual_network_id, tunnel_id, comment }) =>
        attempt(() =>
          hostnames.add({
            hostname: parseHostnamePattern(hostname),
            virtual_network_id: networkOf(virtual_network_id),
            tunnel_id,
            comment,
          }),
        ),
      update: (id, { hostname, ...patch }) =>
        attempt(() =>
          hostnames.update(
            id,
            given({ ...patch, hostname: hostname === undefined ? undefined : parseHostnamePattern(hostname) }),
          ),
        ),
    },
    publicHostnames: {
      ...reading(publicHostnames),
      create: ({ hostname, tunnel_id, comment }) =>
        attempt(() => publicHostnames.add({ hostname: parseHostnamePattern(hostname), tunnel_id, comment })),
      update: (id, { hostname, ...patch }) =>
        attempt(() =>
          publicHostnames.update(
            id,
            given({ ...patch, hostname: hostname === undefined ? undefined : parseHostnamePattern(hostname) }),
          ),
        ),
      put: (route, options) => attempt(() => putPublicHostname(publicHostnames, route, options)),
    },
    count: (of) => all.reduce((sum, kind) => sum + kind.count(leadsTo(of)), 0),
    async deleteAll(of) {
      for (const kind of all) await kind.deleteAll(leadsTo(of));
    },
  };
}

async function putPublicHostname(
  collection: RouteCollection<PublicHostname>,
  { hostname: written, tunnel_id, comment }: NewPublicHostname,
  { overwrite }: { overwrite: boolean },
): Promise<{ route: PublicHostname; change: 'new' | 'updated' | 'unchanged' }> {
  const hostname = parseHostnamePattern(written);
  const found = collection.list().find((route) => route.hostname === hostname);
  const known = found === undefined || collection.isLeftOver(found) ? undefined : found;
  if (known?.tunnel_id === tunnel_id) return { route: known, change: 'unchanged' };
  if (known !== undefined && !overwrite) {
    throw new ControlError('already_exists', `${hostname} already leads to tunnel ${known.tunnel_id}`);
  }
  const route = await collection.add({ hostname, tunnel_id, comment }, { overwrite });
  return { route, change: known === undefined ? 'new' : 'updated' };
}

function reading<Route extends IpRoute | HostnameRoute | PublicHostname>(
  collection: RouteCollection<Route>,
): Pick<RouteSet<Route, never>, 'list' | 'get' | 'delete'> {
  return {
    list: () => collection.list(),
    get: (id) => collection.get(id),
    delete: (id) => collection.delete(id),
  };
}

function leadsTo({ tunnelId, networkId }: { tunnelId?: string; networkId?: string }): (route: object) => boolean {
  return (route) => {
    const { tunnel_id, virtual_network_id } = route as { tunnel_id: string; virtual_network_id?: string };
    return tunnelId === undefined ? virtual_network_id === networkId : tunnel_id === tunnelId;
  };
}

/** Without what was left out, so that it does not overwrite what is there. */
function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** What is thrown while reading arguments rejects as well. */
async function attempt<Result>(body: () => Promise<Result>): Promise<Result> {
  return body();
}
