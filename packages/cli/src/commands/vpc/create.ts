// `sallyport vpc service create NAME`: a private service for Workers to be bound to.
import type { ServiceInfo } from '@sallyport/control/client';
import { type Command, toText, UsageError, type Values } from '../../command.ts';
import { type BindingKind, bindingOptions, planBinding } from '../new-binding.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';
import { serviceOptions, toServiceBody } from './service-options.ts';
import { toServiceText } from './service-text.ts';

const bindingKind: BindingKind = { key: 'vpc_services', idKey: 'service_id', fallback: 'VPC_SERVICE' };

export const create: Command = {
  name: 'vpc service create',
  summary: 'Create a VPC service: one host and its ports in a private network, for Workers to be bound to.',
  positionals: ['[NAME]'],
  options: {
    name: { value: 'NAME', help: 'The same as NAME' },
    ...serviceOptions,
    ...bindingOptions(bindingKind.fallback),
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [
    [
      'sallyport vpc service create api --type http --hostname api.internal --tunnel-id office',
      'http on port 80, https on 443, as the connector of the tunnel office sees them',
    ],
    [
      'sallyport vpc service create cache --type tcp --tcp-port 6379 --ipv4 10.0.0.7 --tunnel-id office',
      'for env.CACHE.connect()',
    ],
    [
      'sallyport vpc service create api --type http --https-port 8443 --hostname api.internal --tunnel-id office --ca-certificate-id corp --binding API --update-config',
      'https only, with a private authority, bound as env.API',
    ],
  ],
  async run(values, [positional]) {
    checkFormat(values);
    const name = toServiceName(values, positional);
    const binding = await planBinding(values, bindingKind);
    const client = createClient(values);
    const body = await toServiceBody(values, name, () => client);
    const service = await trying('Could not create the VPC service', () =>
      client.call<ServiceInfo>('POST', client.account('connectivity/directory/services'), { body }),
    );
    const { text, failure } = await binding.write(service.service_id);
    print(values, service, () => `Created VPC service: ${service.service_id}\n${toServiceText(service)}\n${text}`);
    if (failure !== undefined) throw failure;
    return 0;
  },
};

/** @throws UsageError */
export function toServiceName(values: Values, positional: string | undefined): string {
  const option = toText(values, 'name');
  if (option !== undefined && positional !== undefined) throw new UsageError('NAME and --name say the name twice');
  const name = option ?? positional;
  if (name === undefined) throw new UsageError('Missing argument: NAME');
  return name;
}
