// The edge's door for connectors: TLS 1.3 with our ALPN, then registration, then a link in the registry.
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { systemClock } from '@sallyport/egress';
import { alpn, drainGrace, registrationTimeout } from '../link/protocol.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import type { EdgeLink } from './edge-link.ts';
import { Lobby } from './lobby.ts';
import { register, type RegisterOptions } from './register.ts';
import { TunnelRegistry } from './tunnel-registry.ts';

export interface TunnelListenerOptions extends Omit<RegisterOptions, 'clock'>, Partial<Pick<RegisterOptions, 'clock'>> {
  /** PEM. */
  cert: string;
  key: string;
  host?: string | undefined;
  port?: number | undefined;
  registry?: TunnelRegistry | undefined;
  /** A link is there. What is announced on it now reaches the connector before its first connection. */
  registered?: ((link: EdgeLink) => void) | undefined;
  /** A connection that became no link, and why; with its address, where there is one. */
  refused?: ((error: TunnelError, remoteAddress: string | undefined) => void) | undefined;
}

export class TunnelListener implements AsyncDisposable {
  readonly registry: TunnelRegistry;
  readonly #options: TunnelListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #lobby = new Lobby();
  readonly #links = new Set<EdgeLink>();
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TunnelListenerOptions) {
    this.#options = options;
    this.registry = options.registry ?? new TunnelRegistry({ clock: options.clock });
    const { cert, key } = options;
    const handshakeTimeout = options.registrationTimeout ?? registrationTimeout;
    this.#server = createServer({ cert, key, ALPNProtocols: [alpn], minVersion: 'TLSv1.3', handshakeTimeout });
    this.#server.on('connection', (socket) => this.#meet(socket));
    this.#server.on('secureConnection', (socket) => void this.#accept(socket));
    this.#server.on('tlsClientError', (cause, socket) => {
      const { remoteAddress } = socket;
      socket.destroy();
      options.refused?.(new TunnelError('protocol_error', `TLS: ${cause.message}`, { cause }), remoteAddress);
    });
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  get port(): number {
    return this.address.port;
  }

  async listen(): Promise<this> {
    const { host = '127.0.0.1', port = 0 } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return this;
  }

  /** Accepts no more, tells every connector to go elsewhere, and closes when running connections finished. */
  drain(grace: number = drainGrace): Promise<void> {
    this.#draining ??= (async () => {
      this.#server.close();
      await Promise.all([...this.#links].map((link) => link.drain(grace)));
      await this.close();
    })();
    return this.#draining;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const link of this.#links) link.destroy();
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #meet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const full = this.#lobby.enter(socket);
    if (full === undefined) return;
    const { remoteAddress } = socket;
    socket.destroy();
    this.#options.refused?.(new TunnelError('out_of_resources', full), remoteAddress);
  }

  async #accept(socket: TLSSocket): Promise<void> {
    const { remoteAddress } = socket;
    const { registered, refused, clock = systemClock } = this.#options;
    let link: EdgeLink | undefined;
    socket.on('error', () => {});
    try {
      if (socket.alpnProtocol !== alpn) {
        socket.destroy();
        throw new TunnelError('protocol_error', `the client does not ask for ${alpn}`);
      }
      socket.setNoDelay(true);
      link = await register(socket, {
        ...this.#options,
        clock,
        admit: (identity) => this.registry.refuses(identity),
        revocations: () => this.registry.revocations,
      });
      this.#lobby.leave(socket);
      this.#add(link);
      registered?.(link);
      link.begin();
      // It came through the door while that was being closed.
      if (this.#draining !== undefined) void link.drain();
    } catch (error) {
      link?.destroy();
      refused?.(error as TunnelError, remoteAddress);
    }
  }

  #add(link: EdgeLink): void {
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    this.registry.add(link);
  }
}
