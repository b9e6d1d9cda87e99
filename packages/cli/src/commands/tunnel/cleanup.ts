// `sallyport tunnel cleanup TUNNEL...`: ends the connections of a tunnel. Connectors that still run come back.
import { toText, UsageError, type Command } from '../../command.ts';
import { createClient, edgeOptions } from './control-command.ts';
import { findTunnels, isId } from './lookup.ts';

export const cleanup: Command = {
  name: 'tunnel cleanup',
  summary: 'End the connections of tunnels. Connectors that still run come back.',
  positionals: ['TUNNEL...'],
  options: {
    'connector-id': { short: 'c', value: 'ID', help: 'Only those of this connector; "tunnel info" lists them' },
    ...edgeOptions,
  },
  examples: [['sallyport tunnel cleanup home', 'end every connection of the tunnel home']],
  async run(values, namesOrIds) {
    const connector = toText(values, 'connector-id');
    if (connector !== undefined && !isId(connector)) {
      throw new UsageError(`${connector} is not a valid client ID (must be a UUID)`);
    }
    const client = createClient(values);
    const extra = connector === undefined ? '' : ` for connector-id ${connector}`;
    for (const { id } of await findTunnels(client, namesOrIds)) {
      await client.call('DELETE', client.account(`cfd_tunnel/${id}/connections`), { query: { client_id: connector } });
      process.stdout.write(`Cleanup connection for tunnel ${id}${extra}\n`);
    }
    return 0;
  },
};
