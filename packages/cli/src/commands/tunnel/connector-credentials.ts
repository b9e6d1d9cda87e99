// Which tunnel to run, and with which credentials: a token, or a tunnel's name or id and the file that belongs to it.
import { homedir } from 'node:os';
import { decodeToken, parseCredentialsFile, type TunnelConfig, type TunnelCredentials } from '@sallyport/tunnel';
import { toText, type Values } from '../../command.ts';
import { readCredentials, readSecret, searchCredentials } from './connector-files.ts';
import { CommandError } from '../../command-error.ts';

export interface ChosenCredentials {
  credentials: TunnelCredentials;
  /** A file with the secret that others on this machine can read too. */
  exposed: string | undefined;
}

interface Given {
  values: Values;
  tunnel: string | undefined;
  config: TunnelConfig | undefined;
  configFile: string | undefined;
  env: NodeJS.ProcessEnv;
}

/** @throws CommandError, TunnelError `invalid_credentials` */
export async function chooseCredentials({
  values,
  tunnel,
  config,
  configFile,
  env,
}: Given): Promise<ChosenCredentials> {
  const token = toText(values, 'token');
  if (token !== undefined) return { credentials: decodeToken(token), exposed: undefined };
  const tokenFile = toText(values, 'token-file');
  if (tokenFile !== undefined) return fromTokenFile(tokenFile);

  const file = toText(values, 'credentials-file') ?? toText(values, 'cred-file');
  const contents = toText(values, 'credentials-contents');
  const named = tunnel !== undefined || file !== undefined || contents !== undefined;
  if (!named) {
    const fromEnv = env['TUNNEL_TOKEN'] ?? env['SALLYPORT_TUNNEL_TOKEN'];
    if (fromEnv !== undefined) return { credentials: decodeToken(fromEnv), exposed: undefined };
    const fileFromEnv = env['TUNNEL_TOKEN_FILE'] ?? env['SALLYPORT_TUNNEL_TOKEN_FILE'];
    if (fileFromEnv !== undefined) return fromTokenFile(fileFromEnv);
  }

  const wanted = tunnel ?? config?.tunnel;
  if (contents !== undefined) {
    const credentials = parseCredentialsFile(contents, 'given by --credentials-contents');
    return { credentials: check(credentials, wanted), exposed: undefined };
  }
  const path = file ?? config?.credentialsFile?.replace(/^~(?=\/)/, homedir());
  if (path !== undefined) {
    const found = await readCredentials(path);
    return { credentials: check(found.credentials, wanted), exposed: found.exposed ? found.file : undefined };
  }
  if (wanted === undefined) {
    throw new CommandError(
      configFile === undefined
        ? '"sallyport tunnel run" needs a token, or the name or id of the tunnel to run'
        : `"sallyport tunnel run" needs a token, or the name or id of the tunnel to run: ${configFile} has no "tunnel"`,
      'Write it behind the command or into the configuration file (tunnel: NAME), or give --token-file FILE.',
    );
  }
  const found = await searchCredentials(wanted, configFile);
  return { credentials: found.credentials, exposed: found.exposed ? found.file : undefined };
}

async function fromTokenFile(file: string): Promise<ChosenCredentials> {
  const { text, exposed } = await readSecret('token file', file);
  return { credentials: decodeToken(text), exposed: exposed ? file : undefined };
}

/** Running another tunnel than the one named would serve the wrong network to the wrong people. */
function check(credentials: TunnelCredentials, wanted: string | undefined): TunnelCredentials {
  const { tunnelId, tunnelName } = credentials;
  if (wanted === undefined || wanted.toLowerCase() === tunnelId || tunnelName === undefined || wanted === tunnelName) {
    return credentials;
  }
  throw new CommandError(
    `The credentials are those of tunnel ${tunnelName} (${tunnelId}), not of ${wanted}`,
    'Name the file of that tunnel with --credentials-file, or leave the name away.',
  );
}
