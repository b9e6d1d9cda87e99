// The edge's HTTP listener in front of a Worker: it stays when the runtime behind it is replaced.
//
// Requests pass through as they are, streaming both ways, WebSockets included. While the runtime is being replaced they
// wait, up to `maxWaiting` of them; the port is never closed.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { relay } from '../gateway/relay.ts';
import { maxHeaderSize } from '../gateway/gateway.ts';
import type { Backend, BackendState } from './backend.ts';
import { errorPage, type Failure } from './error-page.ts';
import { isTrigger } from './triggers.ts';

/** One finished request, for the log. */
export interface RequestEvent {
  method: string;
  /** Path and query. */
  target: string;
  status: number;
  /** Milliseconds until the response was sent whole. */
  took: number;
}

export interface HttpFrontOptions {
  /** Address to listen on; `localhost` listens on both loopback addresses where the system has them. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  backend: BackendState;
  onRequest: (event: RequestEvent) => void;
}

export interface HttpFront {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startHttpFront(options: HttpFrontOptions): Promise<HttpFront> {
  const { backend, onRequest } = options;
  const server = createServer({ maxHeaderSize, requestTimeout: 0 });
  server.on('request', (incoming, response) => {
    const startedAt = performance.now();
    response.on('close', () =>
      onRequest({
        method: incoming.method ?? 'GET',
        target: incoming.url ?? '/',
        status: response.headersSent ? response.statusCode : 499,
        took: performance.now() - startedAt,
      }),
    );
    void forward(incoming, response, backend);
  });
  server.on('upgrade', (incoming, client, head) => {
    const startedAt = performance.now();
    const done = (status: number): void =>
      onRequest({ method: 'GET', target: incoming.url ?? '/', status, took: performance.now() - startedAt });
    void upgrade(incoming, client, head, backend, done);
  });
  server.on('clientError', (_error, client) => {
    if (client.writable) client.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else client.destroy();
  });
  await listen(server, options);
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function forward(incoming: IncomingMessage, response: ServerResponse, backend: BackendState): Promise<void> {
  incoming.on('error', () => {});
  const runtime = await backend.ready();
  if (response.destroyed) return;
  const startedAt = performance.now();
  if ('failure' in runtime) return sendFailure(response, 503, runtime.failure);
  const outgoing = request({
    socketPath: pathOf(runtime, incoming),
    agent: runtime.agent,
    method: incoming.method,
    path: incoming.url,
    headers: toHeaders(incoming) as unknown as Record<string, string>,
    setHost: false,
  });
  const release = runtime.hold();
  response.on('close', () => {
    release();
    outgoing.destroy();
  });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
    pipeline(answer, response, () => {});
  });
  outgoing.on('error', (error) => {
    if (response.headersSent || response.destroyed) response.destroy();
    else void explainFailure(response, error, backend, startedAt);
  });
  pipeline(incoming, outgoing, () => {});
}

async function upgrade(
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
  backend: BackendState,
  done: (status: number) => void,
): Promise<void> {
  client.on('error', () => client.destroy());
  const runtime = await backend.ready();
  if ('failure' in runtime) {
    done(503);
    client.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
    return;
  }
  const worker = connect({ path: runtime.socketPath, allowHalfOpen: true });
  client.on('close', runtime.hold());
  worker.once('data', (first) => {
    done(Number(/^HTTP\/1\.1 (\d{3})/.exec(first.toString('latin1'))?.[1] ?? 502));
  });
  const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
  const headers = toHeaders(incoming);
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  worker.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.byteLength > 0) worker.write(head);
  relay(client, worker);
}

function pathOf(runtime: Backend, incoming: IncomingMessage): string {
  return isTrigger(incoming.url ?? '/') ? runtime.triggersSocketPath : runtime.socketPath;
}

/** Fields only the edge may set: where Workers look for the client's address, and what workerd takes from the edge. */
const edgeFields = /^(?:cf-connecting-ip|sallyport-.*)$/i;

/** The request's own fields, and the client's address; a client can forge neither. */
function toHeaders(incoming: IncomingMessage): string[] {
  const headers = incoming.rawHeaders.slice();
  for (let index = headers.length - 2; index >= 0; index -= 2) {
    if (edgeFields.test(headers[index]!)) headers.splice(index, 2);
  }
  headers.push('CF-Connecting-IP', incoming.socket.remoteAddress ?? '');
  return headers;
}

async function explainFailure(
  response: ServerResponse,
  error: Error,
  backend: BackendState,
  startedAt: number,
): Promise<void> {
  const exception = await backend.exceptionSince(startedAt);
  if (exception === undefined)
    sendFailure(response, 503, { title: 'The Worker did not answer', detail: error.message });
  else sendFailure(response, 500, { title: 'The Worker threw an exception', detail: exception });
}

function sendFailure(response: ServerResponse, status: number, failure: Failure): void {
  const html = /\btext\/html\b/.test(response.req.headers.accept ?? '');
  response.writeHead(status, { 'content-type': `${html ? 'text/html' : 'text/plain'}; charset=utf-8` });
  response.end(html ? errorPage(failure) : `${failure.title}\n\n${failure.detail}\n`);
}

function listen(server: Server, { host, port }: HttpFrontOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
