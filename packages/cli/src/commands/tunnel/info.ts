// `sallyport tunnel info TUNNEL`: its connectors.
import type { ConnectorInfo } from '@sallyport/control/client';
import { toText, UsageError, type Command } from '../../command.ts';
import { createClient, edgeOptions, outputOptions } from './control-command.ts';
import { countByPlace, toConnectionOutput } from './list.ts';
import { findTunnel } from './lookup.ts';
import { checkFormat, print, toSeconds, toTable } from './print.ts';

const order: Record<string, (connector: ConnectorInfo) => string | number> = {
  createdAt: ({ run_at }) => run_at,
  id: ({ id }) => id,
  numConnections: ({ conns }) => conns.length,
  version: ({ version }) => version,
};

export const info: Command = {
  name: 'tunnel info',
  summary: 'Show a tunnel and the connectors that serve it now.',
  positionals: ['TUNNEL'],
  options: {
    ...outputOptions,
    'sort-by': { value: 'FIELD', help: `Sort by ${Object.keys(order).join(', ')} (default: createdAt)` },
    'invert-sort': { help: 'Sort the other way round' },
    'show-recently-disconnected': { help: 'Changes nothing: an edge forgets a connection when it ends' },
    ...edgeOptions,
  },
  examples: [['sallyport tunnel info home', 'the connectors of the tunnel home']],
  async run(values, [nameOrId = '']) {
    checkFormat(values);
    const by = toText(values, 'sort-by') ?? 'createdAt';
    const field = Object.hasOwn(order, by) ? order[by]! : undefined;
    if (field === undefined) throw new UsageError(`--sort-by takes ${Object.keys(order).join(', ')}, not ${by}`);
    const client = createClient(values);
    const { id, name, created_at } = await findTunnel(client, nameOrId);
    const connectors = await client.call<ConnectorInfo[]>('GET', client.account(`cfd_tunnel/${id}/connections`));
    const sign = values['invert-sort'] === true ? -1 : 1;
    connectors.sort((one, other) => sign * (field(one) < field(other) ? -1 : Number(field(one) > field(other))));
    const output = {
      id,
      name,
      createdAt: toSeconds(created_at),
      conns: connectors.map((connector) => ({
        ...connector,
        run_at: toSeconds(connector.run_at),
        conns: connector.conns.map(toConnectionOutput),
      })),
    };
    print(values, output, () => {
      if (connectors.length === 0) return `Your tunnel ${id} does not have any active connection.\n`;
      const rows = connectors.map(({ id: connector, run_at, arch, version, conns }) => {
        return [connector, toSeconds(run_at), arch, version, conns[0]?.origin_ip ?? '', countByPlace(conns)];
      });
      return (
        `NAME:     ${name}\nID:       ${id}\nCREATED:  ${toSeconds(created_at)}\n\n` +
        toTable(['CONNECTOR ID', 'CREATED', 'ARCHITECTURE', 'VERSION', 'ORIGIN IP', 'EDGE'], rows)
      );
    });
    return 0;
  },
};
