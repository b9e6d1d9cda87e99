// The private end of a binding: a unix socket that one Worker's runtime dials, for one binding. Whoever comes must know
// the user and password that were made for this run; outside it they are of no use.
import { chmod, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type ClientCredentials, createClientCredentials } from '@sallyport/hyperdrive';
import type { HyperdriveChannel } from '@sallyport/workers';

/** Connections one binding may have open at once; the kernel drops those beyond. */
export const maxChannelConnections = 16_384;
const backlog = 4_096;

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
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    // Whoever serves it listens too; until then nobody does.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    accept(credentials, socket);
  });
  server.maxConnections = maxChannelConnections;
  await rm(path, { force: true });
  server.listen({ path, backlog });
  await once(server, 'listening');
  await chmod(path, 0o600);
  // Without file descriptors accept() fails, and works again when some are free.
  server.on('error', () => {});
  return {
    binding,
    socket: path,
    user,
    password,
    database,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
