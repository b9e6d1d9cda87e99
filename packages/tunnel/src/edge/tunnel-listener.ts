// The edge's door for connectors: TLS 1.3 with our ALPN, then registration, then a link in the registry.
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { systemClock } from '@sallyport/egress';
import { alpn, drainGrace, maxUnregistered, registrationTimeout } from '../link/protocol.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import type { EdgeLink } from './edge-link.ts';
import { register, type RegisterOptions } from './register.ts';
import { TunnelRegistry } from './tunnel-registry.ts';

export interface TunnelListenerOptions extends Omit<RegisterOptions, 'clock'>, Partial<Pick<RegisterOptions, 'clock'>> {
  /** PEM. */
  cert: string;
  key: string;
  host?: string | undefined;
  port?: number | undefined;
  registry?: TunnelRegistry | undefined;
  registered?: ((link: EdgeLink) => void) | undefined;
  /** A connection that became no link, and why. */
  refused?: ((error: TunnelError) => void) | undefined;
}

export class TunnelListener implements AsyncDisposable {
  readonly registry: TunnelRegistry;
  readonly #options: TunnelListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<{ destroy(): void }>();
  #unregistered = 0;
  #closing: Promise<void> | undefined;

  constructor(options: TunnelListenerOptions) {
    this.#options = options;
    this.registry = options.registry ?? new TunnelRegistry();
    const { cert, key } = options;
    const handshakeTimeout = options.registrationTimeout ?? registrationTimeout;
    this.#server = createServer({ cert, key, ALPNProtocols: [alpn], minVersion: 'TLSv1.3', handshakeTimeout });
    this.#server.on('connection', (socket) => {
      if (this.#sockets.size >= maxUnregistered * 4 + this.registry.all.length) socket.destroy();
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('secureConnection', (socket) => void this.#accept(socket));
    this.#server.on('tlsClientError', (cause, socket) => {
      socket.destroy();
      options.refused?.(new TunnelError('protocol_error', 'the TLS handshake failed', { cause }));
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
  async drain(grace: number = drainGrace): Promise<void> {
    this.#server.close();
    await Promise.all(this.registry.all.map((link) => link.drain(grace)));
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const link of this.registry.all) link.destroy();
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(socket: TLSSocket): Promise<void> {
    socket.on('error', () => {});
    if (socket.alpnProtocol !== alpn || this.#unregistered >= maxUnregistered) {
      socket.destroy();
      this.#options.refused?.(new TunnelError('protocol_error', `no ${alpn}, or too many unregistered connections`));
      return;
    }
    socket.setNoDelay(true);
    this.#unregistered += 1;
    try {
      const link = await register(socket, { ...this.#options, clock: this.#options.clock ?? systemClock });
      if (this.registry.add(link)) this.#options.registered?.(link);
      else link.destroy();
    } catch (error) {
      this.#options.refused?.(error as TunnelError);
    } finally {
      this.#unregistered -= 1;
    }
  }
}
