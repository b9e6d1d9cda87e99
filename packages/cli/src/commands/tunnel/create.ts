// `sallyport tunnel create NAME`: a new tunnel and the file its connectors need.
import type { TunnelInfo } from '@sallyport/control/client';
import { decodeToken } from '@sallyport/tunnel';
import { toText, type Command } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { createClient, edgeOptions, outputOptions, trying } from './control-command.ts';
import { credentialsPath, writeCredentials } from './credentials-file.ts';
import { isId } from './lookup.ts';
import { checkFormat, print } from './print.ts';
import { toTunnelOutput } from './list.ts';

const failed = 'failed to create tunnel';

export const create: Command = {
  name: 'tunnel create',
  summary: 'Create a tunnel, and write the credentials file that runs it.',
  positionals: ['NAME'],
  options: {
    ...outputOptions,
    'credentials-file': { value: 'FILE', help: 'Where to write the credentials (default: ~/.sallyport/ID.json)' },
    'cred-file': { value: 'FILE', help: 'The same as --credentials-file' },
    secret: {
      short: 's',
      value: 'BASE64',
      help: 'The secret, at least 32 bytes (default: random; also $TUNNEL_CREATE_SECRET, which others cannot see)',
    },
    ...edgeOptions,
  },
  examples: [
    ['sallyport tunnel create home', 'a tunnel called home'],
    ['sallyport tunnel create home --cred-file ./home.json -o json', 'its credentials here, and what it is as JSON'],
  ],
  async run(values, [name = '']) {
    checkFormat(values);
    if (isId(name)) {
      throw new CommandError(`${failed}: you cannot use UUIDs as tunnel names`, 'Choose a name that people can read.');
    }
    const client = createClient(values);
    const secret = toText(values, 'secret') ?? (process.env['TUNNEL_CREATE_SECRET'] || undefined);
    const tunnel = await trying(`${failed}: Create Tunnel API call failed`, () =>
      client.call<TunnelInfo>('POST', client.account('cfd_tunnel'), { body: { name, tunnel_secret: secret } }),
    );
    const file = toText(values, 'credentials-file') ?? toText(values, 'cred-file') ?? credentialsPath(tunnel.id);
    const path = client.account(`cfd_tunnel/${tunnel.id}`);
    try {
      await writeCredentials(file, decodeToken(await client.call<string>('GET', `${path}/token`)));
    } catch (error) {
      const deleted = await client.call('DELETE', path, { query: { cascade: true } }).then(
        () => "The tunnel was deleted, because the tunnel can't be run without the credentials file",
        () => `It could not be deleted either: do so with "sallyport tunnel delete ${tunnel.id}"`,
      );
      throw new CommandError(
        `${failed}: Your tunnel '${tunnel.name}' was created with ID ${tunnel.id}. However, its credentials could not ` +
          `be written to ${file}.\nThe file-writing error is: ${(error as Error).message}\n${deleted}`,
        (error as Partial<CommandError>).remedy ?? 'Look at the cause.',
        { cause: error },
      );
    }
    print(values, toTunnelOutput(tunnel), () => {
      const kept = 'Keep this file secret. To revoke these credentials, delete the tunnel.';
      return `Tunnel credentials written to ${file}. ${kept}\n\nCreated tunnel ${tunnel.name} with id ${tunnel.id}\n`;
    });
    return 0;
  },
};
