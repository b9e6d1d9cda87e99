// A unix socket that one Worker's runtime dials, for one binding: which socket was dialled is all that tells who asks and
// for what. What is spoken on it is another's concern.
import { chmod, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** Connections one binding may have open at once; the kernel drops those beyond. */
export const maxPrivateConnections = 16_384;
const backlog = 4_096;

export interface PrivateListenerOptions {
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  /** Owns the connection, which nobody reads yet. Whoever serves it listens for errors too; until then nobody does. */
  accept: (stream: Socket) => void;
  /** Whether a client's end leaves our own side open. Default false. */
  allowHalfOpen?: boolean;
}

export interface PrivateListener {
  /** Ends its connections, too. */
  close(): Promise<void>;
}

export async function startPrivateListener(options: PrivateListenerOptions): Promise<PrivateListener> {
  const { path, accept, allowHalfOpen = false } = options;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    accept(socket);
  });
  server.maxConnections = maxPrivateConnections;
  await rm(path, { force: true });
  server.listen({ path, backlog });
  await once(server, 'listening');
  await chmod(path, 0o600);
  // Without file descriptors accept() fails, and works again when some are free.
  server.on('error', () => {});
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
