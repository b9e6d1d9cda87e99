// The edge's HTTP listener in front of Workers and tunnels: it stays when a runtime behind it is replaced.
//
// Requests pass through streaming both ways, WebSockets included. While the runtime is being replaced they wait, up to
// `maxWaiting` of them; the port is never closed.
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { maxHeaderSize } from '../gateway/gateway.ts';
import { forward } from './forward.ts';
import { listen, toUrl } from './listen.ts';
import { upgrade } from './upgrade.ts';
import type { FindUpstream } from './upstream.ts';

/** Milliseconds for a request head to arrive. */
const headersTimeout = 20_000;
/** Connections that may be open at once on one address; one more is dropped. */
const maxConnections = 16_384;

const statusOfClientError: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** One finished request, for the log. */
export interface RequestEvent {
  method: string;
  /** Path and query. */
  target: string;
  /** As the client wrote it. */
  host: string;
  /** 499: the client went before there was an answer. */
  status: number;
  /** Milliseconds until the response was sent whole. */
  took: number;
}

export interface HttpFrontOptions {
  /** Address to listen on; `localhost` listens on both loopback addresses where the system has them. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  findUpstream: FindUpstream;
  onRequest: (event: RequestEvent) => void;
  /** Milliseconds for a request head to arrive. Default 20 000. */
  headersTimeout?: number;
}

export interface HttpFront {
  /** IP addresses it listens on. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly url: string;
  /** Accepts no more, keeps no connection, and resolves when every request is answered or grace (milliseconds) is over. */
  drain(grace: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws the system's error when it cannot listen, such as EADDRINUSE */
export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  const { findUpstream, onRequest, headersTimeout: headTimeout = headersTimeout } = options;
  const server = createServer({
    maxHeaderSize,
    headersTimeout: headTimeout,
    connectionsCheckingInterval: Math.ceil(headTimeout / 4),
    requestTimeout: 0,
  });
  server.maxConnections = maxConnections;
  // Node would drop what comes behind the thousandth field without a word; the size of a head is its bound.
  server.maxHeadersCount = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const running = new Set<ServerResponse>();
  let draining = false;
  server.on('request', (incoming, response) => {
    const startedAt = performance.now();
    running.add(response);
    if (draining) response.shouldKeepAlive = false;
    response.on('close', () => {
      running.delete(response);
      // Its head may have said already that the connection stays.
      if (draining) setImmediate(() => server.closeIdleConnections());
      onRequest({
        method: incoming.method ?? 'GET',
        target: incoming.url ?? '/',
        host: incoming.headers.host ?? '',
        status: response.headersSent ? response.statusCode : 499,
        took: performance.now() - startedAt,
      });
    });
    void forward(incoming, response, findUpstream);
  });
  server.on('upgrade', (incoming, client, head) => {
    const startedAt = performance.now();
    const { method = 'GET', url = '/' } = incoming;
    const report = (status: number): void =>
      onRequest({
        method,
        target: url,
        host: incoming.headers.host ?? '',
        status,
        took: performance.now() - startedAt,
      });
    void upgrade(incoming, client, head, { findUpstream, report });
  });
  server.on('connect', (_incoming, client) => {
    client.on('error', () => client.destroy());
    client.resume();
    refuse(client, '405 Method Not Allowed');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, client) => {
    if (client.writable) refuse(client, statusOfClientError[error.code ?? ''] ?? '400 Bad Request');
    else client.destroy();
  });
  const listening = await listen(server, options);
  return {
    addresses: listening.addresses,
    port: listening.port,
    url: toUrl(options.host, listening),
    async drain(grace) {
      draining = true;
      listening.close();
      server.closeIdleConnections();
      for (const response of running) if (!response.headersSent) response.shouldKeepAlive = false;
      await waitFor(sockets, grace);
    },
    async close() {
      listening.close();
      // Upgraded connections are no longer the HTTP server's, so it would not end them.
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Resolves when all connections are closed, or the time (milliseconds) is over. */
function waitFor(sockets: ReadonlySet<Socket>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const closed = [...sockets].map((socket) => new Promise((done) => socket.once('close', done)));
    void Promise.all(closed).then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function refuse(client: NodeJS.WritableStream & { destroy(): void }, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => client.destroy());
}
