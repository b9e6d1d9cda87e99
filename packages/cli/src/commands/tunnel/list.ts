// `sallyport tunnel list`.
import type { ConnectionInfo, TunnelInfo } from '@sallyport/control/client';
import { toText, UsageError, type Command } from '../../command.ts';
import { createClient, edgeOptions, outputOptions } from './control-command.ts';
import { isId } from './lookup.ts';
import { checkFormat, print, toSeconds, toTable, toTime } from './print.ts';

const order: Record<string, (tunnel: TunnelInfo) => string | number> = {
  name: ({ name }) => name,
  id: ({ id }) => id,
  createdAt: ({ created_at }) => created_at,
  deletedAt: ({ deleted_at }) => deleted_at ?? '',
  numConnections: ({ connections }) => connections.length,
};

export const list: Command = {
  name: 'tunnel list',
  summary: 'List tunnels, with how many connections each has.',
  positionals: [],
  options: {
    ...outputOptions,
    'show-deleted': { short: 'd', help: 'Include deleted tunnels' },
    name: { short: 'n', value: 'NAME', help: 'Only the tunnel with this name' },
    'name-prefix': { value: 'PREFIX', help: 'Only tunnels whose names start so' },
    'exclude-name-prefix': { value: 'PREFIX', help: 'No tunnels whose names start so' },
    when: { short: 'w', value: 'TIME', help: 'Only tunnels that existed then, such as 2026-01-02T03:04:05Z' },
    id: { short: 'i', value: 'ID', help: 'Only the tunnel with this id' },
    'sort-by': { value: 'FIELD', help: `Sort by ${Object.keys(order).join(', ')} (default: name)` },
    'invert-sort': { help: 'Sort the other way round' },
    'show-recently-disconnected': { help: 'Changes nothing: an edge forgets a connection when it ends' },
    ...edgeOptions,
  },
  examples: [
    ['sallyport tunnel list', 'every tunnel'],
    ['sallyport tunnel list -d --sort-by createdAt -o json', 'deleted ones too, the oldest first, as JSON'],
  ],
  async run(values) {
    checkFormat(values);
    const by = toText(values, 'sort-by') ?? 'name';
    const field = Object.hasOwn(order, by) ? order[by]! : undefined;
    if (field === undefined) throw new UsageError(`--sort-by takes ${Object.keys(order).join(', ')}, not ${by}`);
    const id = toText(values, 'id');
    if (id !== undefined && !isId(id)) throw new UsageError(`${id} is not a valid tunnel ID`);
    const client = createClient(values);
    const tunnels = await client.list<TunnelInfo>(client.account('cfd_tunnel'), {
      is_deleted: values['show-deleted'] === true ? undefined : false,
      name: toText(values, 'name'),
      name_prefix: toText(values, 'name-prefix'),
      exclude_prefix: toText(values, 'exclude-name-prefix'),
      existed_at: toText(values, 'when'),
      uuid: id,
    });
    const sign = values['invert-sort'] === true ? -1 : 1;
    tunnels.sort((one, other) => sign * (field(one) < field(other) ? -1 : Number(field(one) > field(other))));
    print(values, tunnels.map(toTunnelOutput), () => describe(tunnels));
    return 0;
  },
};

function describe(tunnels: readonly TunnelInfo[]): string {
  if (tunnels.length === 0) {
    return 'No tunnels were found for the given filter flags. You can use "sallyport tunnel create" to create a tunnel.\n';
  }
  const rows = tunnels.map(({ id, name, created_at, connections }) => {
    return [id, name, toSeconds(created_at), countByPlace(connections)];
  });
  return (
    'You can obtain more detailed information for each tunnel with `sallyport tunnel info <name/uuid>`\n' +
    toTable(['ID', 'NAME', 'CREATED', 'CONNECTIONS'], rows)
  );
}

/** `4xedge`. */
export function countByPlace(connections: readonly ConnectionInfo[]): string {
  const counts = new Map<string, number>();
  for (const { colo_name } of connections) counts.set(colo_name, (counts.get(colo_name) ?? 0) + 1);
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([place, count]) => `${count}x${place}`)
    .join(', ');
}

/** A tunnel in the fields that cloudflared prints. */
export function toTunnelOutput({ id, name, created_at, deleted_at, connections }: TunnelInfo): object {
  return {
    id,
    name,
    created_at: toTime(created_at),
    deleted_at: toTime(deleted_at),
    connections: connections.map(toConnectionOutput),
  };
}

export function toConnectionOutput(connection: ConnectionInfo): object {
  const { colo_name, id, is_pending_reconnect, origin_ip, opened_at } = connection;
  return { colo_name, id, is_pending_reconnect, origin_ip, opened_at: toTime(opened_at) };
}
