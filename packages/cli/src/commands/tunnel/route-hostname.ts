// `sallyport tunnel route hostname …`: which tunnel serves which private host names.
import type { HostnameRouteInfo } from '@sallyport/control/client';
import { toText, type Command, type Values } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { createClient, edgeOptions, outputOptions, trying } from './control-command.ts';
import { findNetworkId, findTunnel, isId } from './lookup.ts';
import { checkFormat, print, toSeconds, toTable, toTime } from './print.ts';
import { commentOption, vnetOption } from './route-ip.ts';

const path = 'zerotrust/routes/hostname';

export const addHostnameRoute: Command = {
  name: 'tunnel route hostname add',
  summary: 'Lead a private host name, or all below one, through a tunnel; its connector resolves it.',
  positionals: ['HOSTNAME', 'TUNNEL', '[COMMENT]'],
  options: { ...vnetOption, ...commentOption, ...edgeOptions },
  examples: [
    [
      'sallyport tunnel route hostname add db.internal home',
      'connect("db.internal:5432") goes through the tunnel home',
    ],
    ["sallyport tunnel route hostname add '*.internal' home", 'every name below internal'],
  ],
  async run(values, [hostname = '', nameOrId = '', comment]) {
    const client = createClient(values);
    const { id: tunnel_id } = await trying('Invalid tunnel', () => findTunnel(client, nameOrId));
    const virtual_network_id = await findNetworkId(client, toText(values, 'vnet'));
    const body = { hostname, tunnel_id, virtual_network_id, comment: comment ?? toText(values, 'comment') };
    const route = await trying('API error', () =>
      client.call<HostnameRouteInfo>('POST', client.account(path), { body }),
    );
    process.stdout.write(`Successfully added route for ${route.hostname} over tunnel ${tunnel_id}\n`);
    return 0;
  },
};

export const showHostnameRoutes: Command = {
  name: 'tunnel route hostname show',
  summary: 'Show the routes of private host names.',
  positionals: [],
  options: {
    'filter-tunnel-id': { value: 'ID', help: 'Only routes of this tunnel' },
    'filter-comment-is': { value: 'TEXT', help: 'Only routes with this comment' },
    'filter-vnet-id': { value: 'ID', help: 'Only routes in this virtual network' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport tunnel route hostname show', 'every route']],
  async run(values) {
    checkFormat(values);
    const client = createClient(values);
    const routes = await client.list<HostnameRouteInfo>(client.account(path), {
      tunnel_id: toText(values, 'filter-tunnel-id'),
      comment: toText(values, 'filter-comment-is'),
      virtual_network_id: toText(values, 'filter-vnet-id'),
    });
    const output = routes.map(({ created_at, deleted_at, ...route }) => {
      return { ...route, created_at: toTime(created_at), deleted_at: toTime(deleted_at) };
    });
    print(values, output, () => describe(routes));
    return 0;
  },
};

export const deleteHostnameRoute: Command = {
  name: 'tunnel route hostname delete',
  summary: 'Delete a route of a private host name.',
  positionals: ['ID|HOSTNAME'],
  options: { ...vnetOption, ...edgeOptions },
  examples: [['sallyport tunnel route hostname delete db.internal', 'the route for exactly this name']],
  async run(values, [idOrHostname = '']) {
    const client = createClient(values);
    const id = isId(idOrHostname) ? idOrHostname.toLowerCase() : await findRoute(values, idOrHostname);
    await trying('API error', () => client.call('DELETE', client.account(`${path}/${id}`)));
    process.stdout.write(`Successfully deleted route with ID ${id}\n`);
    return 0;
  },
};

async function findRoute(values: Values, hostname: string): Promise<string> {
  const client = createClient(values);
  const virtual_network_id = await findNetworkId(client, toText(values, 'vnet'));
  const found = await client.list<HostnameRouteInfo>(client.account(path), { hostname, virtual_network_id });
  if (found.length === 1) return found[0]!.id;
  throw new CommandError(
    'unable to find route for provided hostname and vnet',
    found.length === 0
      ? 'See "sallyport tunnel route hostname show" for those there are.'
      : `${found.length} virtual networks have it: say which with --vnet.`,
  );
}

function describe(routes: readonly HostnameRouteInfo[]): string {
  if (routes.length === 0) {
    return 'No routes were found for the given filter flags. You can use "sallyport tunnel route hostname add" to add one.\n';
  }
  const rows = routes.map((route) => [
    route.id,
    route.hostname,
    route.virtual_network_id,
    route.comment,
    route.tunnel_id,
    route.tunnel_name,
    toSeconds(route.created_at),
  ]);
  return toTable(['ID', 'HOSTNAME', 'VIRTUAL NET ID', 'COMMENT', 'TUNNEL ID', 'TUNNEL NAME', 'CREATED'], rows);
}
