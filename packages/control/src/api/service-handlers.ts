// `/accounts/A/connectivity/directory/services`: VPC services in Cloudflare's shapes.
import type { Control } from '../domain/control.ts';
import {
  maxResolvers,
  type Service,
  type ServiceSettings,
  serviceTypes,
  type ServiceType,
} from '../domain/service-settings.ts';
import { ControlError } from '../errors.ts';
import { ApiError, succeeded } from './envelope.ts';
import { type Body, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';

export function serviceHandlers({ services }: Pick<Control, 'services'>): ApiRoute[] {
  const path = '/accounts/:account/connectivity/directory/services';
  const find = (id = ''): Service => {
    const service = services.get(id.toLowerCase());
    if (service === undefined) throw new ControlError('not_found', `VPC service ${id}`);
    return service;
  };
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const wanted = queryText(query, 'service_type');
        if (wanted !== undefined && !serviceTypes.includes(wanted as ServiceType)) {
          throw new ApiError('invalid_request', '"service_type" is "http" or "tcp"');
        }
        const name = queryText(query, 'name');
        const found = services
          .list()
          .filter((service) => (wanted ?? service.type) === service.type && (name ?? service.name) === service.name);
        return toPage(query, found);
      },
    },
    {
      method: 'POST',
      path,
      handle: async ({ body }) =>
        succeeded(await services.create({ name: body.requiredText('name'), ...toSettings(body) })),
    },
    { method: 'GET', path: `${path}/:id`, handle: ({ parameters }) => succeeded(find(parameters['id'])) },
    {
      method: 'PUT',
      path: `${path}/:id`,
      async handle({ parameters, body }) {
        const { service_id } = find(parameters['id']);
        return succeeded(await services.replace(service_id, { name: body.requiredText('name'), ...toSettings(body) }));
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      async handle({ parameters }) {
        await services.delete(find(parameters['id']).service_id);
        return succeeded(null);
      },
    },
  ];
}

function toSettings(body: Body): ServiceSettings {
  const host = body.object('host');
  const network = host?.object('network');
  const resolver = host?.object('resolver_network');
  const tls = body.object('tls_settings');
  return {
    type: body.requiredText('type'),
    http_port: body.number('http_port'),
    https_port: body.number('https_port'),
    tcp_port: body.number('tcp_port'),
    app_protocol: body.text('app_protocol'),
    host: host && {
      ipv4: host.text('ipv4'),
      ipv6: host.text('ipv6'),
      hostname: host.text('hostname'),
      network: network && { tunnel_id: network.text('tunnel_id') },
      resolver_network: resolver && {
        tunnel_id: resolver.text('tunnel_id'),
        resolver_ips: resolver.texts('resolver_ips', maxResolvers),
      },
    },
    tls_settings: tls && {
      cert_verification_mode: tls.text('cert_verification_mode'),
      ca_certificate_id: tls.text('ca_certificate_id'),
      mtls_certificate_id: tls.text('mtls_certificate_id'),
    },
  };
}
