// `sallyport vpc service list`, `get`, `update` and `delete`.
import type { ControlClient, ServiceInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Command, toText } from '../../command.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print, toTable } from '../tunnel/print.ts';
import { serviceOptions, toServiceBody } from './service-options.ts';
import { withStored } from './stored-settings.ts';
import { serviceColumns, toServiceRow, toServiceText } from './service-text.ts';

const path = 'connectivity/directory/services';

export async function findService(client: ControlClient, nameOrId: string): Promise<ServiceInfo> {
  const services = await client.list<ServiceInfo>(client.account(path));
  const found =
    services.find(({ service_id: id }) => id === nameOrId.toLowerCase()) ??
    services.find(({ name }) => name === nameOrId);
  if (found !== undefined) return found;
  throw new CommandError(
    `${nameOrId} is neither the ID nor the name of a VPC service`,
    'See "sallyport vpc service list" for those there are.',
  );
}

export const list: Command = {
  name: 'vpc service list',
  summary: 'List VPC services.',
  positionals: [],
  options: {
    'service-type': { value: 'TYPE', help: 'Only those of type http or tcp' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport vpc service list', 'every service, its ports, host and tunnel']],
  async run(values) {
    checkFormat(values);
    const client = createClient(values);
    const query = { service_type: toText(values, 'service-type') };
    const services = await client.list<ServiceInfo>(client.account(path), query);
    print(values, services, () =>
      services.length === 0
        ? 'There are no VPC services. "sallyport vpc service create" makes one.\n'
        : toTable(serviceColumns, services.map(toServiceRow)),
    );
    return 0;
  },
};

export const get: Command = {
  name: 'vpc service get',
  summary: 'Print a VPC service.',
  positionals: ['SERVICE'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport vpc service get api --json', 'in the shape of the API']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const service = await findService(createClient(values), nameOrId);
    print(values, service, () => `VPC service ${service.service_id}\n${toServiceText(service)}`);
    return 0;
  },
};

export const update: Command = {
  name: 'vpc service update',
  summary: 'Change a VPC service; Workers use it so from their next connection on.',
  positionals: ['SERVICE'],
  options: {
    name: { value: 'NAME', help: 'Its new name (default: the one it has)' },
    ...serviceOptions,
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [
    ['sallyport vpc service update api --http-port 8080 --ca-certificate-id corp', 'what is not named stays'],
    ['sallyport vpc service update api --mtls-certificate-id none', 'shows no client certificate any more'],
    [
      'sallyport vpc service update api --type http --http-port 8080 --hostname api2.internal --tunnel-id office',
      'with --type everything is said again, as wrangler has it',
    ],
  ],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const client = createClient(values);
    const stored = await findService(client, nameOrId);
    const { service_id, name } = stored;
    const all = toText(values, 'type') === undefined ? withStored(values, stored) : values;
    const body = await toServiceBody(all, toText(values, 'name') ?? name, () => client);
    const service = await trying('Could not update the VPC service', () =>
      client.call<ServiceInfo>('PUT', client.account(`${path}/${service_id}`), { body }),
    );
    print(values, service, () => `Updated VPC service: ${service.service_id}\n${toServiceText(service)}`);
    return 0;
  },
};

export const remove: Command = {
  name: 'vpc service delete',
  summary: 'Delete a VPC service; Workers that are bound to it get errors.',
  positionals: ['SERVICE'],
  options: { ...edgeOptions },
  examples: [['sallyport vpc service delete api', 'connections that are open stay open']],
  async run(values, [nameOrId = '']) {
    const client = createClient(values);
    const { service_id, name } = await findService(client, nameOrId);
    await trying('Could not delete the VPC service', () =>
      client.call('DELETE', client.account(`${path}/${service_id}`)),
    );
    process.stdout.write(`Deleted VPC service: ${service_id} (${name})\n`);
    return 0;
  },
};
