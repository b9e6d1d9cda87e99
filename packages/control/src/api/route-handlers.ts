// `/accounts/A/teamnet/routes`, `/accounts/A/zerotrust/routes/hostname` and `/zones/Z/tunnels/ID/routes`: the three kinds
// of routes.
import type { Control } from '../domain/control.ts';
import type { IpRoute } from '../domain/records.ts';
import { type Cidr, parseCidr, parseHostnamePattern, toAddress, toPrefix } from '../domain/values.ts';
import { ControlError } from '../errors.ts';
import { ApiError, type Envelope, succeeded } from './envelope.ts';
import { queryBoolean, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';
import { toHostnameRouteShape, toIpRouteShape, toPublicHostnameShape } from './shapes.ts';

export function routeHandlers(control: Control): ApiRoute[] {
  return [...ipRouteHandlers(control), ...hostnameRouteHandlers(control), ...publicHostnameHandlers(control)];
}

/** Whether one block lies within another. */
function contains(outer: Cidr, inner: Cidr): boolean {
  const { family, base, length } = inner;
  return (
    outer.family === family && outer.length <= length && toPrefix({ family, value: base }, outer.length) === outer.base
  );
}

/** What is equal in the query and in every kind of route. */
function isWanted(query: URLSearchParams, route: object): boolean {
  const fields = route as Record<string, string>;
  return ['id', 'tunnel_id', 'virtual_network_id', 'comment', 'hostname'].every((name) => {
    const wanted = queryText(query, name);
    if (wanted === undefined || fields[name] === undefined) return true;
    return fields[name] === (name === 'hostname' ? parseHostnamePattern(wanted) : wanted);
  });
}

function ipRouteHandlers({ routes: { ip }, table, networks }: Control): ApiRoute[] {
  const path = '/accounts/:account/teamnet/routes';
  const show = (route: IpRoute): Envelope => succeeded(toIpRouteShape(route, table));
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const [subset, superset] = [queryText(query, 'network_subset'), queryText(query, 'network_superset')];
        const within = subset === undefined ? undefined : parseCidr(subset);
        const around = superset === undefined ? undefined : parseCidr(superset);
        const none = queryBoolean(query, 'is_deleted') === true;
        const found = ip.list().filter((route) => {
          const network = parseCidr(route.network);
          const isWithin = within === undefined || contains(within, network);
          const isAround = around === undefined || contains(network, around);
          return !none && isWithin && isAround && isWanted(query, route);
        });
        return toPage(
          query,
          found.map((route) => toIpRouteShape(route, table)),
        );
      },
    },
    {
      method: 'POST',
      path,
      handle: async ({ body }) =>
        show(
          await ip.create({
            network: body.requiredText('network'),
            tunnel_id: body.requiredText('tunnel_id'),
            virtual_network_id: body.text('virtual_network_id'),
            comment: body.text('comment'),
          }),
        ),
    },
    {
      method: 'GET',
      path: `${path}/ip/:ip`,
      handle({ parameters: { ip: address = '' }, query }) {
        if (toAddress(address) === undefined)
          throw new ControlError('invalid_value', `${address} is not an IP address`);
        const id = queryText(query, 'virtual_network_id') ?? networks.defaultId;
        const match = table.forAddress(id, address);
        const route = ip.list().find((each) => each.virtual_network_id === id && each.network === match?.match);
        // No route is no error: clients look for the missing tunnel.
        return route === undefined ? succeeded({}) : show(route);
      },
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      handle({ parameters: { id = '' } }) {
        const route = ip.get(id);
        if (route === undefined) throw new ControlError('not_found', `IP route ${id}`);
        return show(route);
      },
    },
    {
      method: 'PATCH',
      path: `${path}/:id`,
      handle: async ({ parameters: { id = '' }, body }) =>
        show(
          await ip.update(id, {
            network: body.text('network'),
            tunnel_id: body.text('tunnel_id'),
            virtual_network_id: body.text('virtual_network_id'),
            comment: body.text('comment'),
          }),
        ),
    },
    { method: 'DELETE', path: `${path}/:id`, handle: async ({ parameters: { id = '' } }) => show(await ip.delete(id)) },
  ];
}

function hostnameRouteHandlers({ routes: { hostnames }, table }: Control): ApiRoute[] {
  const path = '/accounts/:account/zerotrust/routes/hostname';
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const none = queryBoolean(query, 'is_deleted') === true;
        const found = hostnames.list().filter((route) => !none && isWanted(query, route));
        return toPage(
          query,
          found.map((route) => toHostnameRouteShape(route, table)),
        );
      },
    },
    {
      method: 'POST',
      path,
      async handle({ body }) {
        const route = await hostnames.create({
          hostname: body.requiredText('hostname'),
          tunnel_id: body.requiredText('tunnel_id'),
          virtual_network_id: body.text('virtual_network_id'),
          comment: body.text('comment'),
        });
        return succeeded(toHostnameRouteShape(route, table));
      },
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      handle({ parameters: { id = '' } }) {
        const route = hostnames.get(id);
        if (route === undefined) throw new ControlError('not_found', `hostname route ${id}`);
        return succeeded(toHostnameRouteShape(route, table));
      },
    },
    {
      method: 'PATCH',
      path: `${path}/:id`,
      async handle({ parameters: { id = '' }, body }) {
        const route = await hostnames.update(id, {
          hostname: body.text('hostname'),
          tunnel_id: body.text('tunnel_id'),
          virtual_network_id: body.text('virtual_network_id'),
          comment: body.text('comment'),
        });
        return succeeded(toHostnameRouteShape(route, table));
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      handle: async ({ parameters: { id = '' } }) => succeeded(toHostnameRouteShape(await hostnames.delete(id), table)),
    },
  ];
}

/** There are no zones here: a public host name needs none, and any zone in the path will do. */
function publicHostnameHandlers({ routes: { publicHostnames }, tunnels, table }: Control): ApiRoute[] {
  const path = '/zones/:zone/tunnels/:tunnel/routes';
  return [
    {
      method: 'PUT',
      path,
      async handle({ parameters: { tunnel = '' }, body }) {
        const type = body.requiredText('type');
        if (type !== 'dns') throw new ApiError('not_supported', `routes of type ${JSON.stringify(type.slice(0, 100))}`);
        const found = tunnels.find(tunnel);
        if (found === undefined) throw new ControlError('not_found', `tunnel ${tunnel}`);
        const { route, change } = await publicHostnames.put(
          { hostname: body.requiredText('user_hostname'), tunnel_id: found.id },
          { overwrite: body.boolean('overwrite_existing') ?? false },
        );
        return succeeded({ cname: change, name: route.hostname });
      },
    },
    {
      method: 'GET',
      path: '/accounts/:account/public_hostnames',
      handle: ({ query }) =>
        toPage(
          query,
          publicHostnames
            .list()
            .filter((route) => isWanted(query, route))
            .map((route) => toPublicHostnameShape(route, table)),
        ),
    },
    {
      method: 'DELETE',
      path: '/accounts/:account/public_hostnames/:id',
      handle: async ({ parameters: { id = '' } }) =>
        succeeded(toPublicHostnameShape(await publicHostnames.delete(id), table)),
    },
  ];
}
