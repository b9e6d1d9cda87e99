// The gateway: a Worker's only way out. One unix socket per Worker, in a directory only we may enter, because the
// runtime's CONNECT carries no headers: the socket is the identity.
//
// It speaks HTTP: CONNECT to the reserved authority opens a Worker socket (frames), CONNECT to any other relays raw
// bytes, and requests in absolute form are a Worker's `fetch()`.
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Egress } from '@sallyport/egress';
import { type FindTrust, socketAuthority } from '@sallyport/sockets/internal';
import { relayConnect } from './connect-relay.ts';
import type { OnGatewayEvent } from './events.ts';
import { createForwardProxy } from './forward-proxy.ts';
import { SocketSession } from './socket-session.ts';
import { Wakefulness } from './wakefulness.ts';

/** Longest request head [Workers limits: 128 KB of request headers]. */
export const maxHeaderSize = 131_072;
/** Milliseconds for a request head to arrive. */
export const headersTimeout = 20_000;
/** Connections of one Worker that may be open at once; one more is dropped, and its socket fails as retryable. */
export const maxConnections = 16_384;
/** Milliseconds an idle connection is kept: longer than the runtime keeps it, so that it never meets a closed one. */
const keepAliveTimeout = 60_000;
/** Pending connections the kernel queues; it caps the number at its own limit. */
const backlog = 65_535;

const statusOfClientError: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

export interface GatewayOptions {
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  egress: Egress;
  /** Authorities and client certificate per destination. Default: the system's, none. */
  findTrust?: FindTrust;
  onEvent?: OnGatewayEvent;
  /** Milliseconds for a request head to arrive. Default 20 000. */
  headersTimeout?: number;
}

export interface Gateway {
  readonly path: string;
  /** Connections open now. */
  readonly connections: number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { path, egress, findTrust = () => undefined, onEvent = () => {} } = options;
  const parts = { egress, findTrust, onEvent, wakefulness: new Wakefulness() };
  const proxy = createForwardProxy(parts);
  const sockets = new Set<Socket>();
  const { headersTimeout: headTimeout = headersTimeout } = options;
  const server = createServer({
    requireHostHeader: false,
    maxHeaderSize,
    headersTimeout: headTimeout,
    connectionsCheckingInterval: Math.ceil(headTimeout / 4),
    requestTimeout: 0,
    keepAliveTimeout,
  });
  server.maxConnections = maxConnections;

  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, client, head) => {
    if (request.url === socketAuthority) {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      return void new SocketSession(client, head, parts);
    }
    relayConnect(client, request.url ?? '', head, parts).catch(() => client.destroy());
  });
  server.on('request', (request, response) => proxy.forward(request, response));
  server.on('upgrade', (request, client, head) => proxy.upgrade(request, client, head));
  server.on('clientError', (error: NodeJS.ErrnoException, client) => {
    const status = statusOfClientError[error.code ?? ''] ?? '400 Bad Request';
    if (!client.writable) return void client.destroy();
    client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => client.destroy());
  });

  await rm(path, { force: true });
  await listen(server, path);
  await chmod(path, 0o600);
  // Without file descriptors accept() fails, and works again when some are free.
  server.on('error', () => {});

  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await closed;
    await rm(path, { force: true });
  };
  return {
    path,
    get connections() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
