// `sallyport hyperdrive list`, `get`, `update` and `delete`.
import type { HyperdriveInfo } from '@sallyport/control/client';
import { type Command, toText, UsageError } from '../../command.ts';
import { createClient, edgeOptions, outputOptions, trying } from '../tunnel/control-command.ts';
import { checkFormat, print, toTable } from '../tunnel/print.ts';
import { findConfig } from './lookup.ts';
import { nameService, settingOptions, toSettings } from './origin-options.ts';

const json = (config: HyperdriveInfo): string => `${JSON.stringify(config, null, 2)}\n`;

export const list: Command = {
  name: 'hyperdrive list',
  summary: 'List Hyperdrive configurations.',
  positionals: [],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport hyperdrive list', 'every configuration, without passwords']],
  async run(values) {
    checkFormat(values);
    const client = createClient(values);
    const configs = await client.list<HyperdriveInfo>(client.account('hyperdrive/configs'));
    print(values, configs, () => {
      if (configs.length === 0) {
        return 'There are no Hyperdrive configurations. "sallyport hyperdrive create" makes one.\n';
      }
      const head = ['ID', 'NAME', 'USER', 'HOST', 'PORT', 'SCHEME', 'DATABASE', 'CACHING', 'SSLMODE', 'LIMIT'];
      return toTable(head, configs.map(toRow));
    });
    return 0;
  },
};

/** What a pool has unless its configuration says otherwise. */
const defaultLimit = 20;

function toRow({ id, name, origin, caching, mtls, origin_connection_limit: limit }: HyperdriveInfo): string[] {
  const { user, service_id, database } = origin;
  const host = origin.host ?? `service ${service_id}`;
  const kept = caching.disabled ? 'disabled' : `max_age: ${caching.max_age}, swr: ${caching.stale_while_revalidate}`;
  return [
    id,
    name,
    user,
    host,
    String(origin.port ?? '-'),
    'PostgreSQL',
    database,
    kept,
    mtls.sslmode,
    String(limit ?? defaultLimit),
  ];
}

export const get: Command = {
  name: 'hyperdrive get',
  summary: 'Print a Hyperdrive configuration.',
  positionals: ['CONFIG'],
  options: { ...outputOptions, ...edgeOptions },
  examples: [['sallyport hyperdrive get sales', 'as JSON, without its password']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const config = await findConfig(createClient(values), nameOrId);
    print(values, config, () => json(config));
    return 0;
  },
};

export const update: Command = {
  name: 'hyperdrive update',
  summary: 'Change a Hyperdrive configuration; what is not named stays. Pools that run take it over.',
  positionals: ['CONFIG'],
  options: { name: { value: 'NAME', help: 'Its new name' }, ...settingOptions, ...outputOptions, ...edgeOptions },
  examples: [
    ['sallyport hyperdrive update sales --max-age 300 --swr 60', 'answers are kept longer'],
    ['pass db | sallyport hyperdrive update sales --password -', 'a new password, tried before it is kept'],
  ],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const settings = await toSettings(values);
    const body = { name: toText(values, 'name'), ...settings };
    if (Object.values(body).every((value) => value === undefined)) throw new UsageError('Nothing is to be changed');
    const client = createClient(values);
    await nameService(client, settings);
    const { id } = await findConfig(client, nameOrId);
    const config = await trying('Could not update the Hyperdrive configuration', () =>
      client.call<HyperdriveInfo>('PATCH', client.account(`hyperdrive/configs/${id}`), { body }),
    );
    print(values, config, () => `Updated Hyperdrive configuration ${config.id}\n${json(config)}`);
    return 0;
  },
};

export const remove: Command = {
  name: 'hyperdrive delete',
  summary: 'Delete a Hyperdrive configuration; Workers that are bound to it get errors.',
  positionals: ['CONFIG'],
  options: { ...edgeOptions },
  examples: [['sallyport hyperdrive delete sales', 'its connections to the database are closed']],
  async run(values, [nameOrId = '']) {
    const client = createClient(values);
    const { id, name } = await findConfig(client, nameOrId);
    await trying('Could not delete the Hyperdrive configuration', () =>
      client.call('DELETE', client.account(`hyperdrive/configs/${id}`)),
    );
    process.stdout.write(`Deleted Hyperdrive configuration ${name} with id ${id}\n`);
    return 0;
  },
};
