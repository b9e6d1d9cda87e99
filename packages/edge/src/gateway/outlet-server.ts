// One private way out of a Worker: an HTTP server on a unix socket that only its runtime dials, for CONNECT and for
// requests in absolute form. What becomes of them is another's concern.
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { ForwardProxy } from './forward-proxy.ts';
import { Traffic } from './traffic.ts';

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

export interface OutletParts {
  /** Answers requests; closed with the server. */
  proxy: ForwardProxy;
  /** Gets each CONNECT and owns its connection; `head` came behind it. */
  connect: (authority: string, client: Duplex, head: Buffer) => void;
  /** Milliseconds for a request head to arrive. Default 20 000. */
  headersTimeout?: number | undefined;
  /** Requests of one connection. Default: no limit. */
  maxRequests?: number | undefined;
}

export interface OutletOptions extends OutletParts {
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
}

/** Serves connections that somebody else accepted. */
export interface OutletHandler {
  readonly traffic: Traffic;
  serve(stream: Socket): void;
  /** Keeps no connection, and resolves when everything that runs is over. */
  drain(): Promise<void>;
  close(): void;
}

export interface OutletServer {
  readonly path: string;
  /** Connections open now. */
  readonly connections: number;
  readonly traffic: Traffic;
  /** Keeps no idle connection to where requests go from now on. */
  retire(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface BareServer {
  server: Server;
  sockets: ReadonlySet<Socket>;
  traffic: Traffic;
  /** Ends each connection when it falls idle. */
  endIdle(): void;
}

function createOutletServer(options: OutletParts): BareServer {
  const { proxy, connect, headersTimeout: headTimeout = headersTimeout } = options;
  const sockets = new Set<Socket>();
  const traffic = new Traffic();
  const server = createServer({
    requireHostHeader: false,
    maxHeaderSize,
    headersTimeout: headTimeout,
    connectionsCheckingInterval: Math.ceil(headTimeout / 4),
    requestTimeout: 0,
    keepAliveTimeout,
  });
  server.maxConnections = maxConnections;
  // Node would drop what comes behind the thousandth field without a word; the size of a head is its bound.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = options.maxRequests ?? 0;

  server.on('connection', (socket) => {
    sockets.add(socket);
    traffic.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  // Connections that are not idle: with the answer that is due on them, or no longer HTTP.
  const busy = new Map<Duplex, ServerResponse | undefined>();
  let isEnding = false;
  const endIdle = (): void => {
    isEnding = true;
    for (const socket of sockets) {
      const response = busy.get(socket);
      if (!busy.has(socket)) socket.destroy();
      else if (response?.headersSent === false) response.shouldKeepAlive = false;
    }
  };
  const engage = (socket: Duplex): void => {
    busy.set(socket, undefined);
    socket.once('close', () => busy.delete(socket));
  };
  server.on('connect', (request, client, head) => {
    engage(client);
    connect(request.url ?? '', client, head);
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    busy.set(socket, response);
    if (isEnding) response.shouldKeepAlive = false;
    response.once('close', () => {
      busy.delete(socket);
      // Its head may have said already that the connection stays.
      if (isEnding) setImmediate(endIdle);
    });
    proxy.forward(request, response);
  });
  server.on('upgrade', (request, client, head) => {
    engage(client);
    proxy.upgrade(request, client, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, client) => {
    const status = statusOfClientError[error.code ?? ''] ?? '400 Bad Request';
    if (!client.writable) return void client.destroy();
    client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => client.destroy());
  });
  return { server, sockets, traffic, endIdle };
}

/** Without a socket of its own. Connections beyond the limit are dropped, as a listening server's are. */
export function createOutletHandler(parts: OutletParts): OutletHandler {
  const { server, sockets, traffic, endIdle } = createOutletServer(parts);
  return {
    traffic,
    serve(stream) {
      if (sockets.size >= maxConnections) return void stream.destroy();
      server.emit('connection', stream);
      stream.resume();
    },
    async drain() {
      parts.proxy.retire();
      const ends = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      endIdle();
      await Promise.all(ends);
    },
    close() {
      for (const socket of sockets) socket.destroy();
      parts.proxy.close();
    },
  };
}

export async function startOutletServer(options: OutletOptions): Promise<OutletServer> {
  const { path, proxy } = options;
  const { server, sockets, traffic } = createOutletServer(options);
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
    traffic,
    retire: () => proxy.retire(),
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
