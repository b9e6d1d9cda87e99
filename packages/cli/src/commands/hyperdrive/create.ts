// `sallyport hyperdrive create NAME`: a configuration that the edge has tried, and the lines that bind it to a Worker.
import type { HyperdriveInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import type { Command } from '../../command.ts';
import { type BindingKind, bindingOptions, planBinding } from '../new-binding.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print } from '../tunnel/print.ts';
import { nameService, type OriginBody, settingOptions, toSettings } from './origin-options.ts';

const bindingKind: BindingKind = { key: 'hyperdrive', idKey: 'id', fallback: 'HYPERDRIVE' };

export const create: Command = {
  name: 'hyperdrive create',
  summary: 'Create a Hyperdrive configuration: the edge connects to the database once, and keeps how.',
  positionals: ['NAME'],
  options: {
    ...settingOptions,
    ...bindingOptions(bindingKind.fallback),
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
    const settings = await toSettings(values);
    const origin = settings.origin ?? {};
    origin.password ??= process.env['SALLYPORT_ORIGIN_PASSWORD'] || undefined;
    checkComplete(origin);
    const binding = await planBinding(values, bindingKind);
    const client = createClient(values);
    await nameService(client, settings);
    const config = await trying('Could not create the Hyperdrive configuration', () =>
      client.call<HyperdriveInfo>('POST', client.account('hyperdrive/configs'), {
        body: { name, ...settings, origin },
      }),
    );
    const { text, failure } = await binding.write(config.id);
    print(values, config, () => `Created Hyperdrive PostgreSQL configuration ${name}: ${config.id}\n\n${text}`);
    if (failure !== undefined) throw failure;
    return 0;
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
