// The control API: the domain over HTTP, in the paths and shapes of Cloudflare's API version 4.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock, type Clock } from '../clock.ts';
import type { Control } from '../domain/control.ts';
import { createAuthorize } from './authorize.ts';
import { certificateHandlers } from './certificate-handlers.ts';
import { ApiError, type Envelope, toFailure } from './envelope.ts';
import { hyperdriveHandlers, type HyperdriveHooks } from './hyperdrive-handlers.ts';
import type { LinkDirectory } from './links.ts';
import { networkHandlers } from './network-handlers.ts';
import { checkDeclaredSize, readBody } from './read-body.ts';
import { routeHandlers } from './route-handlers.ts';
import { type ApiRoute, createRouter, type Match } from './router.ts';
import { serviceHandlers } from './service-handlers.ts';
import { tokenHandlers } from './token-handlers.ts';
import { tunnelHandlers, type TunnelHandlersOptions } from './tunnel-handlers.ts';

export interface ControlApiOptions {
  control: Control;
  links: LinkDirectory;
  /** What clients must send as `Authorization: Bearer`; at least 16 characters. */
  token: string;
  /** What a connector is given to run a tunnel. */
  tokenOf: TunnelHandlersOptions['tokenOf'];
  /** Address to listen on. Anything but loopback needs a TLS terminator in front: the token travels in the clear. */
  host?: string;
  port?: number;
  /** What the edge does for Hyperdrive configurations. */
  hyperdrive?: HyperdriveHooks;
  /** Further paths, which `:account` is checked for too. */
  handlers?: readonly ApiRoute[];
  /** Gets each HTTP CONNECT whose token (`Proxy-Authorization` or `Authorization`) is right, and owns its socket. */
  connect?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Told of failures that are the edge's own; never of what a request held. */
  failed?: (error: unknown) => void;
  clock?: Clock;
  /** Milliseconds for a request's headers, and for all of it, to arrive. */
  headersTimeout?: number;
  requestTimeout?: number;
}

export interface ControlApi {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and lets running requests finish within a few seconds. Idempotent. */
  close: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** Requests answered at the same time; a further one is refused. */
export const maxRequests = 64;
/** Connections at the same time, also those that CONNECT handed on; a further one is closed. */
export const maxConnections = 1024;
/** Bytes of a request's headers. */
export const maxHeaderSize: number = 16 * 1024;
const defaultHeadersTimeout = 10_000;
const defaultRequestTimeout = 30_000;
/** Milliseconds between looks at requests that take too long. */
const timeoutCheckInterval = 1000;
/** Milliseconds running requests, and connections that CONNECT handed on, get when the API closes. */
const closeGrace = 5000;

/** Rejects with the system's error, such as EADDRINUSE. */
export async function startControlApi(options: ControlApiOptions): Promise<ControlApi> {
  const { control, host = '127.0.0.1', port = 0, clock = systemClock } = options;
  const authorized = createAuthorize(options.token);
  const route = createRouter([
    ...tokenHandlers(),
    ...tunnelHandlers(options),
    ...networkHandlers(control),
    ...routeHandlers(control),
    ...hyperdriveHandlers(control, options.hyperdrive),
    ...certificateHandlers(control),
    ...serviceHandlers(control),
    ...(options.handlers ?? []),
  ]);
  const accounts = new Set(['default', control.accountTag]);
  let running = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse, goOn: () => void): Promise<void> => {
    // Nothing is said to a stranger, not even which paths there are.
    if (!authorized(request.headers.authorization)) throw new ApiError('unauthorized');
    if (running >= maxRequests) throw new ApiError('too_many_requests');
    running += 1;
    try {
      const [path = '', search = ''] = split(request.url ?? '');
      const match = route(request.method ?? '', path);
      checkAccount(match, accounts);
      if ('allowed' in match) {
        response.setHeader('allow', match.allowed.join(', '));
        throw new ApiError('method_not_allowed');
      }
      checkDeclaredSize(request);
      goOn();
      const body = await readBody(request);
      const { handle, parameters } = match;
      send(response, 200, await handle({ parameters, query: new URLSearchParams(search), body }));
    } finally {
      running -= 1;
    }
  };
  const serve = (request: IncomingMessage, response: ServerResponse, goOn = (): void => {}): void => {
    response.on('error', () => {});
    answer(request, response, goOn).catch((error: unknown) => {
      const { status, envelope, internal } = toFailure(error);
      if (internal) options.failed?.(error);
      if (status === 401) response.setHeader('www-authenticate', 'Bearer');
      // What is left of the body is not worth waiting for.
      if (!request.complete) response.setHeader('connection', 'close');
      send(response, status, envelope);
    });
  };

  const server = createServer({
    maxHeaderSize,
    headersTimeout: options.headersTimeout ?? defaultHeadersTimeout,
    requestTimeout: options.requestTimeout ?? defaultRequestTimeout,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: timeoutCheckInterval,
  });
  server.maxConnections = maxConnections;
  // Node would drop what comes behind the thousandth field without a word; the size of a head is its bound.
  server.maxHeadersCount = 0;
  server.on('request', (request, response) => serve(request, response));
  server.on('checkContinue', (request, response) => serve(request, response, () => response.writeContinue()));
  const handedOn = new Set<Duplex>();
  server.on('connect', (request, socket, head) => {
    handedOn.add(socket.once('close', () => handedOn.delete(socket)));
    const credentials = request.headers['proxy-authorization'] ?? request.headers.authorization;
    if (options.connect === undefined) refuse(socket, new ApiError('method_not_allowed'));
    else if (authorized(credentials)) options.connect(request, socket, head);
    else refuse(socket, new ApiError('proxy_unauthorized'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'HPE_HEADER_OVERFLOW') refuse(socket, new ApiError('headers_too_large'));
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuse(socket, new ApiError('request_timeout'));
    else refuse(socket, new ApiError('invalid_request'));
  });
  await listen(server, { host, port });
  const { address, family, port: bound } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeServer(server, { clock, handedOn }));
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  return { url, port: bound, close, [Symbol.asyncDispose]: close };
}

/** The account in a path is this edge's own. */
function checkAccount(match: Match, accounts: ReadonlySet<string>): void {
  const account = 'parameters' in match ? match.parameters['account'] : undefined;
  if (account !== undefined && !accounts.has(account)) throw new ApiError('unknown_account');
}

function split(target: string): [path: string, search: string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Exactly this content type: cloudflared reads errors from no other. */
const headers = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

function send(response: ServerResponse, status: number, envelope: Envelope): void {
  const text = JSON.stringify(envelope);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** An answer where there is no response object, and the end of the connection. */
function refuse(socket: Duplex, error: ApiError): void {
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, envelope } = toFailure(error);
  const text = JSON.stringify(envelope);
  const challenge = status === 407 ? { 'proxy-authenticate': 'Bearer' } : {};
  const lines = Object.entries({
    ...headers,
    ...challenge,
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  const head = [`HTTP/1.1 ${status} Refused`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  socket.end(`${head}\r\n\r\n${text}`, () => socket.destroy());
}

function listen(server: Server, address: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeServer(
  server: Server,
  { clock, handedOn }: { clock: Clock; handedOn: ReadonlySet<Duplex> },
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(closeGrace, () => {
      server.closeAllConnections();
      // The HTTP server forgets these, but waits for them.
      for (const socket of handedOn) socket.destroy();
    });
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
