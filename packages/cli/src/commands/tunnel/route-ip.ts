// `sallyport tunnel route ip …`: which tunnel serves which addresses.
import type { IpRouteInfo } from '@sallyport/control/client';
import { toText, UsageError, type Command, type Option, type Values } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { createClient, edgeOptions, outputOptions, trying } from './control-command.ts';
import { findNetworkId, findTunnel, isId } from './lookup.ts';
import { checkFormat, print, toDeleted, toSeconds, toTable, toTime } from './print.ts';

export const vnetOption: Record<string, Option> = {
  vnet: { value: 'NETWORK', help: 'Name or id of the virtual network (default: the default one)' },
};

export const commentOption: Record<string, Option> = {
  comment: { value: 'TEXT', help: 'What it is for; also as the last argument' },
};

const path = 'teamnet/routes';

export const addIpRoute: Command = {
  name: 'tunnel route ip add',
  summary: 'Lead a network of addresses through a tunnel.',
  positionals: ['CIDR', 'TUNNEL', '[COMMENT]'],
  options: { ...vnetOption, ...commentOption, ...edgeOptions },
  examples: [
    ['sallyport tunnel route ip add 10.0.0.0/8 home', 'connect("10.0.0.7:5432") goes through the tunnel home'],
    ['sallyport tunnel route ip add fd00::/8 lab --vnet lab', 'in the virtual network lab only'],
  ],
  async run(values, [network = '', nameOrId = '', comment]) {
    const client = createClient(values);
    const { id: tunnel_id } = await trying('Invalid tunnel', () => findTunnel(client, nameOrId));
    const virtual_network_id = await findNetworkId(client, toText(values, 'vnet'));
    const body = { network, tunnel_id, virtual_network_id, comment: comment ?? toText(values, 'comment') };
    const route = await trying('API error', () => client.call<IpRouteInfo>('POST', client.account(path), { body }));
    process.stdout.write(`Successfully added route for ${route.network} over tunnel ${tunnel_id}\n`);
    return 0;
  },
};

export const showIpRoutes: Command = {
  name: 'tunnel route ip show',
  summary: 'Show the routes of addresses.',
  positionals: [],
  options: {
    'filter-is-deleted': { help: 'Only deleted routes; none are kept' },
    'filter-tunnel-id': { value: 'ID', help: 'Only routes of this tunnel' },
    'filter-network-is-subset-of': { value: 'CIDR', help: 'Only routes within this network' },
    'filter-network-is-superset-of': { value: 'CIDR', help: 'Only routes around this network' },
    'filter-comment-is': { value: 'TEXT', help: 'Only routes with this comment' },
    'filter-vnet-id': { value: 'ID', help: 'Only routes in this virtual network' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport tunnel route ip show --filter-network-is-superset-of 10.1.2.3/32', 'what serves 10.1.2.3']],
  async run(values) {
    checkFormat(values);
    for (const name of ['filter-tunnel-id', 'filter-vnet-id']) {
      const id = toText(values, name);
      if (id !== undefined && !isId(id)) throw new UsageError(`Couldn't parse UUID from ${name}`);
    }
    const client = createClient(values);
    const routes = await client.list<IpRouteInfo>(client.account(path), {
      tun_types: 'cfd_tunnel',
      is_deleted: values['filter-is-deleted'] === true,
      tunnel_id: toText(values, 'filter-tunnel-id'),
      network_subset: toText(values, 'filter-network-is-subset-of'),
      network_superset: toText(values, 'filter-network-is-superset-of'),
      comment: toText(values, 'filter-comment-is'),
      virtual_network_id: toText(values, 'filter-vnet-id'),
    });
    printRoutes(values, routes, () => {
      return 'No routes were found for the given filter flags. You can use "sallyport tunnel route ip add" to add a route.\n';
    });
    return 0;
  },
};

export const deleteIpRoute: Command = {
  name: 'tunnel route ip delete',
  summary: 'Delete a route of addresses.',
  positionals: ['ID|CIDR'],
  options: { ...vnetOption, ...edgeOptions },
  examples: [['sallyport tunnel route ip delete 10.0.0.0/8', 'the route for exactly this network']],
  async run(values, [idOrNetwork = '']) {
    const client = createClient(values);
    const id = isId(idOrNetwork) ? idOrNetwork.toLowerCase() : await findRoute(values, idOrNetwork);
    await trying('API error', () => client.call('DELETE', client.account(`${path}/${id}`)));
    process.stdout.write(`Successfully deleted route with ID ${id}\n`);
    return 0;
  },
};

export const getIpRoute: Command = {
  name: 'tunnel route ip get',
  summary: 'Say which route an address takes.',
  positionals: ['IP'],
  options: { ...vnetOption, ...outputOptions, ...edgeOptions },
  examples: [['sallyport tunnel route ip get 10.0.0.7', 'the route with the longest prefix']],
  async run(values, [ip = '']) {
    checkFormat(values);
    const client = createClient(values);
    const virtual_network_id = await findNetworkId(client, toText(values, 'vnet'));
    const route = await trying('API error', () =>
      client.call<Partial<IpRouteInfo>>('GET', client.account(`${path}/ip/${encodeURIComponent(ip)}`), {
        query: { virtual_network_id },
      }),
    );
    const found = route.id === undefined ? [] : [route as IpRouteInfo];
    printRoutes(values, found, () => `No route matches the IP ${ip}\n`);
    return 0;
  },
};

async function findRoute(values: Values, network: string): Promise<string> {
  const client = createClient(values);
  const found = await client.list<IpRouteInfo>(client.account(path), {
    is_deleted: false,
    network_subset: network,
    network_superset: network,
    virtual_network_id: await findNetworkId(client, toText(values, 'vnet')),
  });
  if (found.length === 1) return found[0]!.id;
  throw new CommandError(
    'unable to find route for provided network and vnet',
    found.length === 0
      ? 'See "sallyport tunnel route ip show" for those there are.'
      : `${found.length} virtual networks have it: say which with --vnet.`,
  );
}

function printRoutes(values: Values, routes: readonly IpRouteInfo[], none: () => string): void {
  const output = routes.map(
    ({ id, network, tunnel_id, virtual_network_id, comment, created_at, deleted_at, ...rest }) => ({
      id,
      network,
      tunnel_id,
      virtual_network_id,
      comment,
      created_at: toTime(created_at),
      deleted_at: toTime(deleted_at),
      tunnel_name: rest.tunnel_name,
    }),
  );
  print(values, output, () => {
    if (routes.length === 0) return none();
    const head = ['ID', 'NETWORK', 'VIRTUAL NET ID', 'COMMENT', 'TUNNEL ID', 'TUNNEL NAME', 'CREATED', 'DELETED'];
    const rows = routes.map((route) => [
      route.id,
      route.network,
      route.virtual_network_id,
      route.comment,
      route.tunnel_id,
      route.tunnel_name,
      toSeconds(route.created_at),
      toDeleted(route.deleted_at),
    ]);
    return toTable(head, rows);
  });
}
