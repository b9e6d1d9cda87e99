// `sallyport hyperdrive create NAME`: a configuration that the edge has tried, and the lines that bind it to a Worker.
import type { HyperdriveInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Command, toText, UsageError, type Values } from '../../command.ts';
import { checkProject } from '../check-project.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';
import { type OriginBody, settingOptions, toSettings } from './origin-options.ts';

const identifier = /^[A-Za-z_$][\w$]*$/;

export const create: Command = {
  name: 'hyperdrive create',
  summary: 'Create a Hyperdrive configuration: the edge connects to the database once, and keeps how.',
  positionals: ['NAME'],
  options: {
    ...settingOptions,
    binding: { value: 'NAME', help: 'Name of the binding in the Worker (default: HYPERDRIVE)' },
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
      'sallyport hyperdrive create sales --connection-string postgres://app:secret@db.internal:5432/sales',
      'the password is seen by others on this machine while it runs',
    ],
    [
      'pass db | sallyport hyperdrive create sales --host 10.0.0.7 --database sales --user app --password -',
      'the password comes from a password manager',
    ],
    [
      '… | sallyport hyperdrive create sales --connection-string - --binding DB --update-config',
      'and is bound as env.DB',
    ],
  ],
  async run(values, [name = '']) {
    checkFormat(values);
    const binding = toText(values, 'binding') ?? 'HYPERDRIVE';
    if (!identifier.test(binding)) throw new UsageError(`--binding takes a JavaScript identifier, not ${binding}`);
    const settings = await toSettings(values);
    const origin = settings.origin ?? {};
    origin.password ??= process.env['SALLYPORT_ORIGIN_PASSWORD'] || undefined;
    checkComplete(origin);
    await checkProject(values);
    const client = createClient(values);
    const config = await trying('Could not create the Hyperdrive configuration', () =>
      client.call<HyperdriveInfo>('POST', client.account('hyperdrive/configs'), {
        body: { name, ...settings, origin },
      }),
    );
    const written = await toBinding(values, { binding, id: config.id });
    print(values, config, () => `Created Hyperdrive PostgreSQL configuration ${name}: ${config.id}\n\n${written.text}`);
    if (written.problem === undefined) return 0;
    throw new CommandError(
      `The configuration was created, and its binding was not written: ${written.problem}`,
      `Add this yourself:\n\n${written.snippet}`,
    );
  },
};

/** Says it as wrangler does, in the words of the options. @throws CommandError */
function checkComplete(origin: OriginBody): void {
  for (const field of ['host', 'database', 'user', 'password'] as const) {
    if (origin[field] !== undefined || (field === 'host' && origin.service_id !== undefined)) continue;
    const option = field === 'database' ? field : `origin-${field}`;
    const also = field === 'password' ? ' or $SALLYPORT_ORIGIN_PASSWORD' : '';
    throw new CommandError(
      `The ${field === 'database' ? 'name' : field} of the database is missing: --${option}${also}`,
      'Alternatively, say everything at once with --connection-string.',
    );
  }
}

async function toBinding(
  values: Values,
  entry: { binding: string; id: string },
): Promise<{ text: string; snippet: string; problem?: string | undefined }> {
  const { addResource, findEditableConfig, toResourceText } = await import('@sallyport/workers');
  const resource = { key: 'hyperdrive', entry, env: toText(values, 'env') };
  const found = await findEditableConfig(process.cwd(), { config: toText(values, 'config') });
  const snippet = toResourceText(resource, found?.format ?? 'jsonc');
  const byHand = `To use it as env.${entry.binding}, add this to the project's configuration:\n\n${snippet}`;
  if (values['update-config'] !== true || found === undefined) return { text: byHand, snippet };
  const problem = await addResource(found.file, resource);
  if (problem !== undefined) return { text: '', snippet, problem };
  return { text: `Added to ${found.file}: env.${entry.binding}\n`, snippet };
}
