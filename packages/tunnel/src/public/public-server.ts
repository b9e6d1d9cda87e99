// Public hostnames: an HTTP server whose connections are streams of the link, and which hands each request to the service
// of the ingress rule it belongs to.
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Egress } from '@sallyport/egress';
import type { ConnectorMetrics } from '../agent/connector-metrics.ts';
import type { Log } from '../agent/log.ts';
import type { IngressRule, TunnelConfig } from '../ingress/config.ts';
import { decodePath } from '../ingress/go-url.ts';
import { matchIngress } from '../ingress/match.ts';
import { toPublicText } from '../ingress/service.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import { answerError, answerGreeting, answerStatus, answerText } from './answers.ts';
import { type Exchange, forward } from './forward.ts';
import { count } from './headers.ts';
import { HttpOrigin } from './http-origin.ts';
import { forwardWebSocket, respondOn } from './websocket.ts';

/** Bytes of a request's header. */
export const maxHeaderSize: number = 64 * 1024;
/** Milliseconds a connection that carries no request is kept while draining: one may be on its way. */
export const idleGrace = 2000;
/** Milliseconds a client gets to take the answer to a request that could not be read. */
const lastWords = 5000;

export interface PublicServerOptions {
  written: Egress;
  clock: Clock;
  log: Log;
  metrics: ConnectorMetrics;
}

export class PublicServer {
  readonly #options: PublicServerOptions;
  readonly #server: Server;
  #rules: readonly IngressRule[] = [];
  #origins: readonly (HttpOrigin | undefined)[] = [];
  /** Each connection that carries HTTP, and the requests being answered on it. */
  readonly #connections = new Map<Duplex, number>();
  readonly #cancels = new Set<() => void>();
  #draining = false;

  constructor(config: TunnelConfig, pools: ReadonlyMap<string, string>, options: PublicServerOptions) {
    this.#options = options;
    this.configure(config, pools);
    this.#server = createServer({ maxHeaderSize, requestTimeout: 0 });
    this.#server.keepAliveTimeout = 0;
    // Node would drop what comes behind the thousandth field without a word; the size of a head is its bound.
    this.#server.maxHeadersCount = 0;
    this.#server
      .on('request', (request, response) => this.#serve(request, response))
      .on('checkContinue', (request, response) => this.#serve(request, response))
      .on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
      .on('clientError', (error: NodeJS.ErrnoException, socket) => {
        if (!socket.writable) return void socket.destroy();
        const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
        socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        this.#later(lastWords, () => socket.destroy());
      });
  }

  /** New requests follow this configuration; running ones finish with the one they began under. */
  configure(config: TunnelConfig, pools: ReadonlyMap<string, string>): void {
    const { written, clock } = this.#options;
    for (const origin of this.#origins) origin?.retire();
    this.#rules = config.ingress;
    this.#origins = config.ingress.map((rule) => {
      const { service } = rule;
      if (service.kind !== 'http' && service.kind !== 'unix') return undefined;
      return new HttpOrigin(rule, service, { written, clock, ca: pools.get(rule.originRequest.caPool) });
    });
  }

  /** Takes a stream that carries plain HTTP/1.1, the edge being the client. */
  accept(stream: Duplex): void {
    stream.on('error', () => {});
    this.#connections.set(stream, 0);
    stream.once('close', () => this.#connections.delete(stream));
    this.#server.emit('connection', stream);
    if (this.#draining) this.#endIdle(stream);
  }

  /** Asks for no further request on any connection, and ends those that have none. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#connections.keys()) this.#endIdle(stream);
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    for (const origin of this.#origins) origin?.destroy();
  }

  #endIdle(stream: Duplex): void {
    this.#later(idleGrace, () => {
      if (this.#connections.get(stream) === 0) stream.end();
    });
  }

  #later(milliseconds: number, callback: () => void): void {
    const cancel = this.#options.clock.after(milliseconds, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
  }

  #occupy(stream: Duplex, by: number): void {
    const running = this.#connections.get(stream);
    if (running === undefined) return;
    this.#connections.set(stream, running + by);
    if (this.#draining && running + by === 0) this.#endIdle(stream);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#count(request, response);
    const stream: Duplex = request.socket;
    this.#occupy(stream, 1);
    response.once('close', () => this.#occupy(stream, -1));
    if (this.#draining) response.shouldKeepAlive = false;
    const found = this.#find(request);
    if ('answer' in found) {
      request.resume();
      return found.answer(response);
    }
    const { rule, origin, host } = found;
    void forward({ request, response, origin, host, failed: this.#reporter(request, rule) });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    this.#connections.delete(socket);
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    const found = this.#find(request);
    if (!isWebSocket || 'answer' in found) {
      const response = respondOn(socket, request);
      // Another protocol may be declined by answering as if nothing had been asked [RFC 9110 7.8]; the body of such a
      // request was not read, though.
      if (isWebSocket || hasNoBody(request)) return this.#serve(request, response);
      this.#count(request, response);
      return answerText(response, { status: 501, text: 'Only WebSocket upgrades are supported.\n' });
    }
    const { rule, origin, host } = found;
    const { metrics } = this.#options;
    forwardWebSocket({
      request,
      socket,
      head,
      origin,
      host,
      failed: this.#reporter(request, rule),
      opened: () => {
        metrics.totalRequests.add();
        metrics.responseByCode.add(1, { status_code: '101' });
        metrics.concurrentRequests.add(1);
        socket.once('close', () => metrics.concurrentRequests.add(-1));
      },
      respond: () => {
        const response = respondOn(socket, request);
        this.#count(request, response);
        return response;
      },
    });
  }

  /** The rule and origin a request belongs to, or how it is answered without one. */
  #find(
    request: IncomingMessage,
  ): { rule: IngressRule; origin: HttpOrigin; host: string } | { answer: (response: ServerResponse) => void } {
    const { url = '', rawHeaders, headers } = request;
    const { host } = headers;
    // Two readings of one request are what smuggling is made of, so anything but origin-form and one Host is refused.
    if (host === undefined || count(rawHeaders, 'host') !== 1) return bad('A request has one Host.');
    if (!url.startsWith('/') && url !== '*') return bad('The target of a request is a path.');
    // Host names have no case and may end in a dot; rules are compared as cloudflared does, which gets them without both.
    const name = host.toLowerCase().replace(/\.(?=:\d*$|$)/, '');
    const index = matchIngress(this.#rules, { host: name, path: decodePath(url.split(/[?#]/, 1)[0]!) });
    const rule = this.#rules[index];
    if (rule === undefined) return { answer: (response) => answerStatus(response, 503) };
    const refuse = (error: TunnelError, status?: number): { answer: (response: ServerResponse) => void } => ({
      answer: (response) => {
        this.#reporter(request, rule)(error);
        answerError(response, error, status);
      },
    });
    if (rule.originRequest.access?.required === true) return refuse(new TunnelError('access_unchecked', host), 403);
    const origin = this.#origins[index];
    if (origin !== undefined) return { rule, origin, host };
    const { service } = rule;
    if (service.kind === 'hello_world') return { answer: answerGreeting };
    if (service.kind === 'http_status' && service.status >= 200) {
      return { answer: (response) => answerStatus(response, service.status) };
    }
    return refuse(new TunnelError('not_http', toPublicText(service)));
  }

  #reporter({ headers, url }: IncomingMessage, rule: IngressRule): Exchange['failed'] {
    const ingressRule = this.#rules.indexOf(rule);
    return (error) => {
      this.#options.metrics.requestErrors.add(1, { code: error.code });
      const { code, message, remedy } = error;
      const dest = `${headers.host}${url}`;
      this.#options.log('error', message, {
        code,
        dest,
        ingressRule,
        originService: toPublicText(rule.service),
        remedy,
      });
    };
  }

  #count(request: IncomingMessage, response: ServerResponse): void {
    const { metrics, log } = this.#options;
    metrics.totalRequests.add();
    metrics.concurrentRequests.add(1);
    response.once('close', () => {
      metrics.concurrentRequests.add(-1);
      metrics.responseByCode.add(1, { status_code: String(response.statusCode) });
      const { method, url, headers } = request;
      log('debug', `${method} ${headers.host}${url}`, { status: response.statusCode });
    });
  }
}

const bad = (text: string): { answer: (response: ServerResponse) => void } => ({
  answer: (response) => answerText(response, { status: 400, text: `400 Bad Request\n\n${text}\n` }),
});

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
