// `sallyport tunnel delete TUNNEL...`.
import { rm } from 'node:fs/promises';
import { toText, type Command } from '../../command.ts';
import { createClient, edgeOptions, trying } from './control-command.ts';
import { credentialsPath } from './credentials-file.ts';
import { findTunnels } from './lookup.ts';

export const remove: Command = {
  name: 'tunnel delete',
  summary: 'Delete tunnels: their credentials open nothing any more.',
  positionals: ['TUNNEL...'],
  options: {
    force: { short: 'f', help: 'Also when it is connected or has routes; the routes are deleted too' },
    'credentials-file': { value: 'FILE', help: 'The credentials file to remove (default: ~/.sallyport/ID.json)' },
    'cred-file': { value: 'FILE', help: 'The same as --credentials-file' },
    ...edgeOptions,
  },
  examples: [
    ['sallyport tunnel delete home', 'refused while a connector runs it'],
    ['sallyport tunnel delete -f home office', 'two tunnels, whatever uses them'],
  ],
  async run(values, namesOrIds) {
    const client = createClient(values);
    for (const { id, name } of await findTunnels(client, namesOrIds)) {
      await trying(`Error deleting tunnel ${id}`, () =>
        client.call('DELETE', client.account(`cfd_tunnel/${id}`), {
          query: { cascade: values['force'] === true ? true : undefined },
        }),
      );
      process.stdout.write(`Deleted tunnel ${name} with id ${id}\n`);
      const file = toText(values, 'credentials-file') ?? toText(values, 'cred-file') ?? credentialsPath(id);
      try {
        await rm(file, { force: true });
      } catch (error) {
        process.stderr.write(
          `Tunnel ${id} was deleted, but we could not remove its credentials file ${file}: ` +
            `${(error as Error).message}. Consider deleting this file manually.\n`,
        );
      }
    }
    return 0;
  },
};
