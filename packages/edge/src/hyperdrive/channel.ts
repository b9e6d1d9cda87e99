// The private end of a binding: a unix socket that one Worker's runtime dials, for one binding. Whoever comes must know
// the user and password that were made for this run; outside it they are of no use.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ClientCredentials, createClientCredentials } from '@sallyport/hyperdrive';
import type { HyperdriveChannel } from '@sallyport/workers';
import { startPrivateListener } from '../gateway/private-listener.ts';

export interface Channel extends HyperdriveChannel {
  close(): Promise<void>;
}

export interface ChannelOptions {
  binding: string;
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  /** Serves a client, who has to know the credentials. */
  accept: (credentials: ClientCredentials, stream: Socket) => void;
}

const secret = (): string => randomBytes(16).toString('hex');

export async function openChannel({ binding, path, accept }: ChannelOptions): Promise<Channel> {
  const { user, password, database } = { user: secret(), password: secret(), database: secret() };
  // The socket is in a folder only we may enter, so nobody listens in, and SCRAM would cost a Worker a millisecond.
  const credentials = await createClientCredentials({ user, password, database, auth: 'cleartext' });
  const listener = await startPrivateListener({ path, accept: (stream) => accept(credentials, stream) });
  return { binding, socket: path, user, password, database, close: () => listener.close() };
}
