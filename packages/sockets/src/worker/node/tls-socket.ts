// `tls.TLSSocket` in a Worker: the edge makes the handshake, from the start or behind the last byte that a plain socket
// has written.
import type { Buffer } from 'node:buffer';
import { SocketError } from '../../socket-error.ts';
import type { TlsDescription, TlsRequest } from '../../tls-request.ts';
import type { SocketInfo } from '../../transport.ts';
import type { ChannelTarget } from './channel.ts';
import { explainVerification, invalidArgument, type NodeError } from './node-errors.ts';
import { toPeerCertificate } from './peer-certificate.ts';
import { Socket } from './socket.ts';
import { type HandshakeRequest, type TlsConnectOptions, toHandshake } from './tls-options.ts';

const notOurs =
  'TLS in a Worker is made by the edge, on connections that it has opened itself: options.socket must be a net.Socket that was connected with node:net and does not speak TLS yet.';

export class TLSSocket extends Socket {
  readonly encrypted: boolean = true;
  authorized = false;
  authorizationError: Error | string | null = null;
  alpnProtocol: string | false | null = null;
  servername: string | false | null = null;
  secureConnecting = true;
  readonly #options: TlsConnectOptions;
  #isUpgrade = false;
  #handshake: HandshakeRequest | undefined;
  #description: TlsDescription | undefined;

  constructor(socket?: unknown, options: TlsConnectOptions = {}) {
    super(options as ConstructorParameters<typeof Socket>[0]);
    this.#options = options;
    if (options.isServer === true) {
      throw invalidArgument('A Worker cannot be a TLS server.', 'ERR_OPTION_NOT_IMPLEMENTED');
    }
    if (socket === undefined || socket === null) return;
    if (!(socket instanceof Socket) || socket instanceof TLSSocket) throw invalidArgument(notOurs);
    this.#upgrade(socket);
  }

  /** @internal */
  override toTarget(host: string, port: number): ChannelTarget {
    this.#handshake = toHandshake({ host: this.targetHost ?? host, ...this.#options }, this.targetHost);
    return { host, port, secureTransport: 'on', tls: this.#handshake.request };
  }

  #upgrade(plain: Socket): void {
    const { request } = (this.#handshake = toHandshake(this.#options, plain.targetHost));
    this.#isUpgrade = true;
    this.expectChannel();
    plain.on('error', (error) => this.destroy(error as Error));
    plain.once('close', () => this.destroy());
    this.once('close', () => plain.destroy());
    if (plain.destroyed) return queueMicrotask(() => this.destroy());
    if (!plain.pending) return this.#take(plain, request);
    this.connecting = true;
    plain.once('connect', () => this.#take(plain, request));
  }

  #take(plain: Socket, request: TlsRequest): void {
    const wasConnecting = this.connecting;
    plain.handOver(this, (channel) => {
      if (channel === undefined || this.destroyed) {
        channel?.destroy(true);
        return void this.destroy();
      }
      if (wasConnecting) {
        this.connecting = false;
        this.emit('connect');
      }
      const events = this.channelEvents();
      if (plain.readableLength > 0) {
        channel.destroy(true);
        return events.failed(new SocketError('tls_early_plaintext'), []);
      }
      channel.startTls(request, events);
      this.useChannel(channel);
    });
  }

  /** @internal */
  override onOpened(info: SocketInfo): void {
    this.#description = info.tls;
    this.secureConnecting = false;
    this.authorizationError = info.tls?.authorizationError ?? null;
    this.alpnProtocol = info.alpn ?? false;
    this.servername = this.#handshake?.request.sni ?? false;
    if (!this.#isUpgrade) super.onOpened(info);
    else this.adoptAddresses(info);
    const refused = this.#checkName();
    if (refused !== undefined) {
      this.authorizationError = (refused as NodeError).code ?? refused.message;
      return void this.destroy(refused);
    }
    this.authorized = info.tls?.authorized === true;
    this.emit('secureConnect');
    this.emit('secure');
  }

  /** The program's own opinion on the name; without authorities of its own it comes behind the edge's. */
  #checkName(): Error | undefined {
    const { checkServerIdentity } = this.#options;
    if (checkServerIdentity === undefined || this.#handshake === undefined) return undefined;
    return checkServerIdentity(this.#handshake.name, toPeerCertificate(this.#description, true)) ?? undefined;
  }

  /** @internal */
  override onFailed(error: NodeError, cause: SocketError): void {
    if (this.secureConnecting) {
      this.authorizationError = error.code ?? null;
      if (this.#options.rejectUnauthorized === false) explainVerification(error);
    }
    super.onFailed(error, cause);
  }

  /** The server's certificate; `{}` without one, null when the socket is gone. */
  getPeerCertificate(detailed = false): object | null {
    if (this.destroyed) return null;
    return toPeerCertificate(this.#description, detailed);
  }

  getProtocol(): string | null {
    return this.#description?.protocol ?? null;
  }

  getCipher(): object {
    return this.#description?.cipher ?? {};
  }

  /** Ours: the edge has it, and does not tell. */
  getCertificate(): object {
    return {};
  }

  getEphemeralKeyInfo(): object {
    return {};
  }

  getSession(): undefined {
    return undefined;
  }

  getTLSTicket(): undefined {
    return undefined;
  }

  getFinished(): undefined {
    return undefined;
  }

  getPeerFinished(): undefined {
    return undefined;
  }

  getSharedSigalgs(): string[] {
    return [];
  }

  isSessionReused(): boolean {
    return false;
  }

  setSession(): void {}

  setServername(name: string): void {
    this.#options.servername = name;
  }

  setMaxSendFragment(): boolean {
    return false;
  }

  disableRenegotiation(): void {}

  enableTrace(): void {}

  renegotiate(_options: object, callback?: (error: Error) => void): boolean {
    const error = invalidArgument('TLS cannot be renegotiated in a Worker.', 'ERR_OPTION_NOT_IMPLEMENTED');
    if (callback !== undefined) queueMicrotask(() => callback(error));
    return false;
  }

  exportKeyingMaterial(): Buffer {
    const text = 'Keying material of a connection is known to the edge only.';
    throw invalidArgument(text, 'ERR_METHOD_NOT_IMPLEMENTED');
  }
}
