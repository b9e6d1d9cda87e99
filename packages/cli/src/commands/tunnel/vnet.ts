// `sallyport tunnel vnet …`: virtual networks, for private networks whose addresses overlap.
import type { NetworkInfo } from '@sallyport/control/client';
import { toText, UsageError, type Command, type Option } from '../../command.ts';
import { createClient, edgeOptions, outputOptions, trying } from './control-command.ts';
import { findNetworkId, isId } from './lookup.ts';
import { checkFormat, print, toDeleted, toSeconds, toTable, toTime } from './print.ts';

const path = 'teamnet/virtual_networks';

const defaultOption: Record<string, Option> = {
  default: { short: 'd', help: 'Make it the default: the one meant when none is named' },
};

export const addVnet: Command = {
  name: 'tunnel vnet add',
  summary: 'Add a virtual network.',
  positionals: ['NAME', '[COMMENT]'],
  options: {
    ...defaultOption,
    comment: { value: 'TEXT', help: 'What it is for; also as the last argument' },
    ...edgeOptions,
  },
  examples: [['sallyport tunnel vnet add lab "second floor"', 'with a comment']],
  async run(values, [name = '', comment]) {
    const client = createClient(values);
    const body = {
      name,
      comment: comment ?? toText(values, 'comment'),
      is_default_network: values['default'] === true,
    };
    const network = await trying('Could not add virtual network', () =>
      client.call<NetworkInfo>('POST', client.account(path), { body }),
    );
    const extra = network.is_default_network ? ' (as the new default for this account) ' : '';
    process.stdout.write(
      `Successfully added virtual 'network' ${network.name} with ID: ${network.id}${extra}\n` +
        'You can now add IP routes attached to this virtual network. See "sallyport tunnel route ip add --help"\n',
    );
    return 0;
  },
};

export const listVnets: Command = {
  name: 'tunnel vnet list',
  summary: 'List virtual networks.',
  positionals: [],
  options: {
    id: { value: 'ID', help: 'Only the one with this id' },
    name: { value: 'NAME', help: 'Only the one with this name' },
    'is-default': { help: 'Only the default one' },
    'show-deleted': { help: 'Only deleted ones; none are kept' },
    ...outputOptions,
    ...edgeOptions,
  },
  examples: [['sallyport tunnel vnet list', 'every virtual network']],
  async run(values) {
    checkFormat(values);
    const id = toText(values, 'id');
    if (id !== undefined && !isId(id)) throw new UsageError(`${id} is not a valid virtual network ID`);
    const client = createClient(values);
    const networks = await client.list<NetworkInfo>(client.account(path), {
      id,
      name: toText(values, 'name'),
      is_default: values['is-default'] === true ? true : undefined,
      is_deleted: values['show-deleted'] === true,
    });
    const output = networks.map(({ created_at, deleted_at, ...network }) => {
      return { ...network, created_at: toTime(created_at), deleted_at: toTime(deleted_at) };
    });
    print(values, output, () => {
      if (networks.length === 0) {
        return 'No virtual networks were found for the given filter flags. You can use "sallyport tunnel vnet add" to add a virtual network.\n';
      }
      const rows = networks.map((network) => [
        network.id,
        network.name,
        String(network.is_default_network),
        network.comment,
        toSeconds(network.created_at),
        toDeleted(network.deleted_at),
      ]);
      return toTable(['ID', 'NAME', 'IS DEFAULT', 'COMMENT', 'CREATED', 'DELETED'], rows);
    });
    return 0;
  },
};

export const deleteVnet: Command = {
  name: 'tunnel vnet delete',
  summary: 'Delete a virtual network.',
  positionals: ['NETWORK'],
  options: { force: { short: 'f', help: 'Also when it has routes; they are deleted too' }, ...edgeOptions },
  examples: [['sallyport tunnel vnet delete lab', 'refused while it has routes']],
  async run(values, [nameOrId = '']) {
    const client = createClient(values);
    const id = await findNetworkId(client, nameOrId);
    const query = { force: values['force'] === true ? true : undefined };
    await trying('API error', () => client.call('DELETE', client.account(`${path}/${id}`), { query }));
    process.stdout.write(`Successfully deleted virtual network '${nameOrId}'\n`);
    return 0;
  },
};

export const updateVnet: Command = {
  name: 'tunnel vnet update',
  summary: 'Rename a virtual network, change its comment, or make it the default.',
  positionals: ['NETWORK'],
  options: {
    name: { short: 'n', value: 'NAME', help: 'Its new name' },
    comment: { short: 'c', value: 'TEXT', help: 'Its new comment' },
    ...defaultOption,
    ...edgeOptions,
  },
  examples: [['sallyport tunnel vnet update lab --default', 'routes without --vnet go there from now on']],
  async run(values, [nameOrId = '']) {
    const client = createClient(values);
    const id = await findNetworkId(client, nameOrId);
    const body = {
      name: toText(values, 'name'),
      comment: toText(values, 'comment'),
      is_default_network: values['default'] === true ? true : undefined,
    };
    await trying('API error', () => client.call('PATCH', client.account(`${path}/${id}`), { body }));
    process.stdout.write(`Successfully updated virtual network '${nameOrId}'\n`);
    return 0;
  },
};
