// `sallyport tunnel token TUNNEL`: what a connector needs, as one line of text or as a credentials file.
import { decodeToken } from '@sallyport/tunnel';
import { toText, type Command } from '../../command.ts';
import { createClient, edgeOptions, trying } from './control-command.ts';
import { writeCredentials } from './credentials-file.ts';
import { findTunnel } from './lookup.ts';

export const token: Command = {
  name: 'tunnel token',
  summary: 'Print the token that runs a tunnel, or write its credentials file. Keep either secret.',
  positionals: ['TUNNEL'],
  options: {
    'credentials-file': { value: 'FILE', help: 'Write the credentials there instead' },
    'cred-file': { value: 'FILE', help: 'The same as --credentials-file' },
    ...edgeOptions,
  },
  examples: [
    ['sallyport tunnel token home', 'for TUNNEL_TOKEN of the connector'],
    ['sallyport tunnel token --cred-file ./home.json home', 'for --credentials-file of the connector'],
  ],
  async run(values, [nameOrId = '']) {
    const client = createClient(values);
    const { id } = await findTunnel(client, nameOrId);
    const text = await client.call<string>('GET', client.account(`cfd_tunnel/${id}/token`));
    const file = toText(values, 'credentials-file') ?? toText(values, 'cred-file');
    if (file === undefined) process.stdout.write(`${text}\n`);
    else {
      await trying(`error writing token credentials to JSON file in path ${file}`, () =>
        writeCredentials(file, decodeToken(text)),
      );
    }
    return 0;
  },
};
