// `/accounts/A/cfd_tunnel`: tunnels, their links and their tokens.
import type { Control } from '../domain/control.ts';
import type { Tunnel } from '../domain/tunnels.ts';
import { ControlError } from '../errors.ts';
import { ApiError, succeeded } from './envelope.ts';
import type { LinkDirectory } from './links.ts';
import { queryBoolean, queryDate, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';
import { toClientShapes, toTunnelShape } from './shapes.ts';

export interface TunnelHandlersOptions {
  control: Control;
  links: LinkDirectory;
  /** What a connector is given to run a tunnel. */
  tokenOf: (tunnel: Tunnel, secret: Uint8Array) => string;
}

/** Says so, as Cloudflare does, instead of ending links that somebody relies on. */
function refuseConnected({ id, name }: Tunnel, links: LinkDirectory): void {
  const count = links.connections(id).length;
  if (count === 0) return;
  throw new ControlError(
    'in_use',
    `Cannot delete tunnel because it has active connections: ${name} has ${count}. Stop its connectors, clean up ` +
      'with "tunnel cleanup", or delete with force',
    { remedy: 'Stop its connectors first, or give --force.' },
  );
}

export function tunnelHandlers({ control, links, tokenOf }: TunnelHandlersOptions): ApiRoute[] {
  const { tunnels, accountTag } = control;
  const path = '/accounts/:account/cfd_tunnel';
  const connected = (id: string): boolean => links.connections(id).length > 0;
  const find = (id = ''): Tunnel => {
    const tunnel = tunnels.get(id.toLowerCase());
    if (tunnel === undefined) throw new ControlError('not_found', `tunnel ${id}`);
    return tunnel;
  };
  const findLive = (id = ''): Tunnel => {
    const tunnel = find(id);
    if (tunnel.deleted_at !== null) throw new ControlError('not_found', `tunnel ${id} any more: it was deleted`);
    return tunnel;
  };
  const show = (tunnel: Tunnel): object =>
    toTunnelShape(tunnel, { account: accountTag, connections: links.connections(tunnel.id) });

  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const status = queryText(query, 'status');
        const found = tunnels
          .list({
            id: queryText(query, 'uuid'),
            name: queryText(query, 'name'),
            namePrefix: queryText(query, 'name_prefix') ?? queryText(query, 'include_prefix'),
            excludePrefix: queryText(query, 'exclude_prefix'),
            deleted: queryBoolean(query, 'is_deleted'),
            existedAt: queryDate(query, 'existed_at'),
          })
          .filter(({ id }) => status === undefined || status === (connected(id) ? 'healthy' : 'inactive'));
        return toPage(query, found.map(show));
      },
    },
    {
      method: 'POST',
      path,
      async handle({ body }) {
        if (body.text('config_src') === 'cloudflare') {
          throw new ApiError(
            'not_supported',
            'connectors are configured by their own config.yml ("config_src": "local")',
          );
        }
        const name = body.requiredText('name');
        const secret = body.bytes('tunnel_secret');
        return succeeded(show(await tunnels.create({ name, ...(secret === undefined ? {} : { secret }) })));
      },
    },
    { method: 'GET', path: `${path}/:id`, handle: ({ parameters }) => succeeded(show(find(parameters['id']))) },
    {
      method: 'PATCH',
      path: `${path}/:id`,
      async handle({ parameters, body }) {
        const { id } = findLive(parameters['id']);
        return succeeded(
          show(await tunnels.update(id, { name: body.text('name'), secret: body.bytes('tunnel_secret') })),
        );
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      async handle({ parameters, query }) {
        const cascade = queryBoolean(query, 'cascade') ?? false;
        const tunnel = findLive(parameters['id']);
        if (!cascade) refuseConnected(tunnel, links);
        const deleted = await tunnels.delete(tunnel.id, { cascade });
        links.disconnect(tunnel.id);
        return succeeded(show(deleted));
      },
    },
    {
      method: 'GET',
      path: `${path}/:id/connections`,
      handle: ({ parameters }) => succeeded(toClientShapes(links.connections(find(parameters['id']).id))),
    },
    {
      method: 'DELETE',
      path: `${path}/:id/connections`,
      handle({ parameters, query }) {
        links.disconnect(find(parameters['id']).id, queryText(query, 'client_id'));
        return succeeded({});
      },
    },
    {
      method: 'GET',
      path: `${path}/:id/token`,
      async handle({ parameters }) {
        const tunnel = findLive(parameters['id']);
        const secret = await tunnels.secretOf(tunnel.id);
        if (secret === undefined) throw new ControlError('not_found', `secret of tunnel ${tunnel.id} any more`);
        return succeeded(tokenOf(tunnel, secret));
      },
    },
  ];
}
