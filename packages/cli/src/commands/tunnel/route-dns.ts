// `sallyport tunnel route dns …`: public host names that the edge's HTTP listener serves from behind a tunnel.
import type { PublicHostnameInfo } from '@sallyport/control/client';
import type { Command } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { createClient, edgeOptions, outputOptions, trying } from './control-command.ts';
import { findTunnel } from './lookup.ts';
import { checkFormat, print, toSeconds, toTable, toTime } from './print.ts';

/** In cloudflared's words. */
const summaries: Record<string, (name: string) => string> = {
  new: (name) => `Added CNAME ${name} which will route to this tunnel`,
  updated: (name) => `${name} updated to route to your tunnel`,
  unchanged: (name) => `${name} is already configured to route to your tunnel`,
};

export const routeDns: Command = {
  name: 'tunnel route dns',
  summary: "Serve a public host name on the edge's HTTP listener from behind a tunnel.",
  positionals: ['TUNNEL', 'HOSTNAME'],
  options: {
    'overwrite-dns': { short: 'f', help: 'Also when the name leads to another tunnel' },
    ...edgeOptions,
  },
  examples: [
    ['sallyport tunnel route dns home www.example.com', "the connector's ingress rules decide what answers"],
    ['sallyport tunnel route dns -f office www.example.com', 'lead it to another tunnel'],
  ],
  async run(values, [nameOrId = '', hostname = '']) {
    const client = createClient(values);
    const { id } = await findTunnel(client, nameOrId);
    const body = { type: 'dns', user_hostname: hostname, overwrite_existing: values['overwrite-dns'] === true };
    const { cname, name } = await trying('Failed to add route', () =>
      client.call<{ cname: string; name: string }>('PUT', `/zones/default/tunnels/${id}/routes`, { body }),
    );
    process.stdout.write(`${summaries[cname]?.(name) ?? cname} tunnelID=${id}\n`);
    process.stderr.write(`The edge makes no DNS record: point ${name} at the edge's HTTP listener yourself.\n`);
    return 0;
  },
};

export const showDnsRoutes: Command = {
  name: 'tunnel route dns show',
  summary: 'Show the public host names.',
  positionals: [],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport tunnel route dns show', 'every public host name']],
  async run(values) {
    checkFormat(values);
    const client = createClient(values);
    const routes = await client.list<PublicHostnameInfo>(client.account('public_hostnames'));
    const output = routes.map(({ created_at, deleted_at, ...route }) => {
      return { ...route, created_at: toTime(created_at), deleted_at: toTime(deleted_at) };
    });
    print(values, output, () => {
      if (routes.length === 0)
        return 'There are no public host names. You can use "sallyport tunnel route dns" to add one.\n';
      const rows = routes.map(({ id, hostname, tunnel_id, tunnel_name, created_at }) => {
        return [id, hostname, tunnel_id, tunnel_name, toSeconds(created_at)];
      });
      return toTable(['ID', 'HOSTNAME', 'TUNNEL ID', 'TUNNEL NAME', 'CREATED'], rows);
    });
    return 0;
  },
};

export const deleteDnsRoute: Command = {
  name: 'tunnel route dns delete',
  summary: 'Serve a public host name no longer.',
  positionals: ['HOSTNAME'],
  options: edgeOptions,
  examples: [['sallyport tunnel route dns delete www.example.com', 'it is answered with 404 from then on']],
  async run(values, [hostname = '']) {
    const client = createClient(values);
    const [route] = await client.list<PublicHostnameInfo>(client.account('public_hostnames'), { hostname });
    if (route === undefined) {
      throw new CommandError(
        `${hostname} leads to no tunnel`,
        'See "sallyport tunnel route dns show" for those that do.',
      );
    }
    await client.call('DELETE', client.account(`public_hostnames/${route.id}`));
    process.stdout.write(`Successfully deleted route for ${route.hostname}\n`);
    return 0;
  },
};
