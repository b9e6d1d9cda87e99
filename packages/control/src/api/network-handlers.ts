// `/accounts/A/teamnet/virtual_networks`.
import type { Control } from '../domain/control.ts';
import { ControlError } from '../errors.ts';
import { succeeded } from './envelope.ts';
import { maxPageSize, queryBoolean, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';
import { toNetworkShape } from './shapes.ts';

export function networkHandlers({ networks }: Pick<Control, 'networks'>): ApiRoute[] {
  const path = '/accounts/:account/teamnet/virtual_networks';
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const { id, name } = { id: queryText(query, 'id'), name: queryText(query, 'name') };
        const isDefault = queryBoolean(query, 'is_default') ?? queryBoolean(query, 'is_default_network');
        const none = queryBoolean(query, 'is_deleted') === true;
        const found = networks.list().filter((network) => {
          const wanted = isDefault === undefined || network.is_default_network === isDefault;
          return !none && wanted && (id ?? network.id) === network.id && (name ?? network.name) === network.name;
        });
        // cloudflared asks for no second page of these.
        return toPage(query, found.map(toNetworkShape), { pageSize: maxPageSize });
      },
    },
    {
      method: 'POST',
      path,
      async handle({ body }) {
        const network = await networks.create({
          name: body.requiredText('name'),
          comment: body.text('comment'),
          // cloudflared and the API's reference write it one way, older clients the other.
          is_default_network: body.boolean('is_default_network') ?? body.boolean('is_default'),
        });
        return succeeded(toNetworkShape(network));
      },
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      handle({ parameters: { id = '' } }) {
        const network = networks.get(id);
        if (network === undefined) throw new ControlError('not_found', `virtual network ${id}`);
        return succeeded(toNetworkShape(network));
      },
    },
    {
      method: 'PATCH',
      path: `${path}/:id`,
      async handle({ parameters: { id = '' }, body }) {
        const network = await networks.update(id, {
          name: body.text('name'),
          comment: body.text('comment'),
          is_default_network: body.boolean('is_default_network') ?? body.boolean('is_default'),
        });
        return succeeded(toNetworkShape(network));
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      async handle({ parameters: { id = '' }, query }) {
        const force = queryBoolean(query, 'force') ?? false;
        return succeeded(toNetworkShape(await networks.delete(id, { force })));
      },
    },
  ];
}
