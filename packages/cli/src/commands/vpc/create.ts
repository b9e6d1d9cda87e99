// `sallyport vpc service create NAME`: a private service for Workers to be bound to.
import type { ServiceInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Command, toText, UsageError, type Values } from '../../command.ts';
import { checkProject } from '../check-project.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';
import { serviceOptions, toServiceBody } from './service-options.ts';
import { toServiceText } from './service-text.ts';

const identifier = /^[A-Za-z_$][\w$]*$/;

export const create: Command = {
  name: 'vpc service create',
  summary: 'Create a VPC service: one host and its ports in a private network, for Workers to be bound to.',
  positionals: ['[NAME]'],
  options: {
    name: { value: 'NAME', help: 'The same as NAME' },
    ...serviceOptions,
    binding: { value: 'NAME', help: 'Name of the binding in the Worker (default: VPC_SERVICE)' },
    'update-config': { help: "Write the binding into the project's configuration" },
    config: {
      short: 'c',
      value: 'FILE',
      help: 'That configuration (default: the nearest wrangler.json, .jsonc or .toml)',
    },
    env: { short: 'e', value: 'NAME', help: 'The environment in it that gets the binding' },
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
    const binding = toText(values, 'binding') ?? 'VPC_SERVICE';
    if (!identifier.test(binding)) throw new UsageError(`--binding takes a JavaScript identifier, not ${binding}`);
    await checkProject(values);
    const client = createClient(values);
    const body = await toServiceBody(values, name, () => client);
    const service = await trying('Could not create the VPC service', () =>
      client.call<ServiceInfo>('POST', client.account('connectivity/directory/services'), { body }),
    );
    const written = await toBinding(values, { binding, service_id: service.service_id });
    print(
      values,
      service,
      () => `Created VPC service: ${service.service_id}\n${toServiceText(service)}\n${written.text}`,
    );
    if (written.problem === undefined) return 0;
    throw new CommandError(
      `The service was created, and its binding was not written: ${written.problem}`,
      `Add this yourself:\n\n${written.snippet}`,
    );
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

async function toBinding(
  values: Values,
  entry: { binding: string; service_id: string },
): Promise<{ text: string; snippet: string; problem?: string | undefined }> {
  const { addResource, findEditableConfig, toResourceText } = await import('@sallyport/workers');
  const resource = { key: 'vpc_services', entry, env: toText(values, 'env') };
  const found = await findEditableConfig(process.cwd(), { config: toText(values, 'config') });
  const snippet = toResourceText(resource, found?.format ?? 'jsonc');
  const byHand = `To use it as env.${entry.binding}, add this to the project's configuration:\n\n${snippet}`;
  if (values['update-config'] !== true || found === undefined) return { text: byHand, snippet };
  const problem = await addResource(found.file, resource);
  if (problem !== undefined) return { text: '', snippet, problem };
  return { text: `Added to ${found.file}: env.${entry.binding}\n`, snippet };
}
