// One HTTP origin of an ingress rule: how it is dialled, secured, and asked.
import { request as startRequest, type ClientRequest } from 'node:http';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import type { Clock, Egress } from '@sallyport/egress';
import { dialSocket } from '../agent/written-egress.ts';
import type { IngressRule } from '../ingress/config.ts';
import type { IngressService } from '../ingress/service.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import { OriginAgent, type OriginRequestArgs } from './origin-agent.ts';

export interface HttpOriginOptions {
  written: Egress;
  clock: Clock;
  /** PEM texts of `originRequest.caPool`; undefined when there is none. */
  ca: string | undefined;
}

export type HttpService = Extract<IngressService, { kind: 'http' | 'unix' }>;

export interface HttpAsk {
  method: string;
  path: string;
  /** Name and value in turn, complete: nothing is added but `Connection`. */
  headers: string[];
  /** The host name the client asked for, without port. */
  host: string;
  signal: AbortSignal;
}

export class HttpOrigin {
  readonly rule: IngressRule;
  readonly #service: HttpService;
  readonly #options: HttpOriginOptions;
  readonly #agent: OriginAgent;

  constructor(rule: IngressRule, service: HttpService, options: HttpOriginOptions) {
    this.rule = rule;
    this.#service = service;
    this.#options = options;
    const { keepAliveConnections, keepAliveTimeout } = rule.originRequest;
    const connect = (asked: { servername: string; signal: AbortSignal }): Promise<Duplex> => this.#connect(asked);
    this.#agent = new OriginAgent({ connect, idle: keepAliveConnections, idleTimeout: keepAliveTimeout });
  }

  /** Asks the origin; the request's errors are TunnelErrors as long as nothing was sent. */
  ask({ method, path, headers, host, signal }: HttpAsk): ClientRequest {
    const args: OriginRequestArgs = {
      agent: this.#agent,
      host: this.#hostname,
      port: this.#port,
      method,
      path,
      headers,
      servername: this.#servername(host),
      gaveUp: signal,
      // The agent's limit is for idle connections; a request may take as long as it takes.
      timeout: 0,
    };
    const outgoing = startRequest(args);
    // The size of a head is its bound; Node would drop what comes behind the thousandth field without a word.
    outgoing.maxHeadersCount = 0;
    return outgoing;
  }

  retire(): void {
    this.#agent.retire();
  }

  destroy(): void {
    this.#agent.destroy();
  }

  get #secure(): boolean {
    const service = this.#service;
    return service.kind === 'unix' ? service.tls : service.scheme === 'https' || service.scheme === 'wss';
  }

  get #hostname(): string {
    return this.#service.kind === 'unix' ? 'localhost' : this.#service.hostname;
  }

  get #port(): number {
    const implied = this.#secure ? 443 : 80;
    return this.#service.kind === 'unix' ? implied : (this.#service.port ?? implied);
  }

  /** The name asked for in TLS, and checked; empty means the address that was dialled. */
  #servername(host: string): string {
    const { originServerName, matchSNItoHost } = this.rule.originRequest;
    const name = originServerName !== '' ? originServerName : matchSNItoHost ? host : this.#hostname;
    return isIP(name) === 0 ? name : '';
  }

  async #connect({ servername, signal }: { servername: string; signal: AbortSignal }): Promise<Duplex> {
    const { clock, written } = this.#options;
    const { connectTimeout, tcpKeepAlive } = this.rule.originRequest;
    const { kind } = this.#service;
    const socket =
      kind === 'unix'
        ? await dialSocket(this.#service.path, { signal, clock, timeout: connectTimeout })
        : (await written.open({ hostname: this.#hostname, port: this.#port }, { signal, connectTimeout })).stream;
    // An origin that ends an idle connection is done with it; half-open is for byte streams, not for a pool.
    if (socket instanceof Socket) {
      socket.allowHalfOpen = false;
      if (tcpKeepAlive > 0 && kind !== 'unix') socket.setKeepAlive(true, tcpKeepAlive);
    }
    return this.#secure ? this.#upgrade(socket, servername) : socket;
  }

  #upgrade(socket: Duplex, servername: string): Promise<TLSSocket> {
    const { clock, ca } = this.#options;
    const { noTLSVerify, tlsTimeout } = this.rule.originRequest;
    return new Promise((resolve, reject) => {
      const secure = connectTls({
        socket,
        servername,
        host: this.#hostname,
        rejectUnauthorized: !noTLSVerify,
        ALPNProtocols: ['http/1.1'],
        ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      });
      const fail = (error: TunnelError): void => {
        cancel();
        reject(error);
        secure.destroy();
      };
      const failed = (cause: Error): void => fail(new TunnelError('origin_tls', cause.message, { cause }));
      const closed = (): void => fail(new TunnelError('origin_tls', 'the origin hung up'));
      const cancel = clock.after(tlsTimeout, () =>
        fail(new TunnelError('connection_timeout', `no TLS handshake within ${tlsTimeout} ms`)),
      );
      secure
        .on('error', failed)
        .once('close', closed)
        .once('secureConnect', () => {
          cancel();
          secure.off('close', closed);
          resolve(secure);
        });
    });
  }
}
