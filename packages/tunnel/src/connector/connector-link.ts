// The connector's end of one link: dial TLS, serve HTTP/2 on it, register, then serve connections.
import { constants, performServerHandshake, type ServerHttp2Session } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '@sallyport/egress';
import type { ClientInfo } from '../edge/edge-link.ts';
import { ControlChannel, type Message } from '../link/control-channel.ts';
import { channelBinding, createNonce, isProof, type ProofFacts, prove } from '../link/proof.ts';
import * as protocol from '../link/protocol.ts';
import { type AnnouncedRoutes, parseAnnouncedRoutes } from '../link/announced-routes.ts';
import { isTunnelErrorCode, TunnelError } from '../link/tunnel-error.ts';
import { startWatchdog } from '../link/watchdog.ts';
import * as windows from '../link/windows.ts';
import { type Services, serveConnect } from './serve-stream.ts';

export interface EdgeAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectorLinkOptions extends Services {
  edge: EdgeAddress;
  /** The edge's authority, PEM: nothing else is trusted. */
  ca: string;
  /** The name the edge's certificate must carry. Default: the one every edge has. */
  serverName?: string | undefined;
  tunnelId: string;
  secret: Uint8Array;
  connectorId: string;
  client?: ClientInfo | undefined;
  clock: Clock;
  pingInterval?: number | undefined;
  pingDeadline?: number | undefined;
  registered(): void;
  /** The tunnel's routes as the edge has them now; comes with each registration and each change. */
  announced?: ((routes: AnnouncedRoutes) => void) | undefined;
  /** The edge wants the connector to dial elsewhere; running connections go on. */
  draining(): void;
}

export class ConnectorLink {
  /** Resolves with the reason when the link is over. */
  readonly closed: Promise<TunnelError>;
  readonly #options: ConnectorLinkOptions;
  #socket: TLSSocket | undefined;
  #session: ServerHttp2Session | undefined;
  #control: ControlChannel | undefined;
  #streams = 0;
  #registered = false;
  #cancels: (() => void)[] = [];
  #settle: (error: TunnelError) => void = () => {};
  #heard: (() => void) | undefined;
  #idle: (() => void) | undefined;

  constructor(options: ConnectorLinkOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => (this.#settle = resolve));
  }

  start(): this {
    const { edge, ca, serverName = protocol.edgeServerName, clock } = this.#options;
    const tls = { ca, ALPNProtocols: [protocol.alpn], minVersion: 'TLSv1.3' } as const;
    const socket = connectTls({ ...tls, host: edge.host, port: edge.port, servername: serverName });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once('error', (cause) => this.#fail(new TunnelError('link_lost', `${edge.host}:${edge.port}`, { cause })));
    socket.once('close', () => this.#fail(new TunnelError('link_lost', 'the edge closed the connection')));
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol === protocol.alpn) this.#serve(socket);
      else this.#fail(new TunnelError('protocol_error', `no ${protocol.alpn} at ${edge.host}:${edge.port}`));
    });
    const late = new TunnelError('registration_timeout', 'the edge did not answer');
    this.#cancels.push(clock.after(protocol.registrationTimeout, () => !this.#registered && this.#fail(late)));
    return this;
  }

  /** Asks the edge for no new connections, lets running ones finish within grace, then closes. */
  async drain(grace: number = protocol.drainGrace): Promise<void> {
    if (this.#registered && this.#session?.destroyed === false) {
      await new Promise<void>((resolve) => {
        this.#cancels.push(this.#options.clock.after(grace, resolve));
        const check = (): void => {
          if (this.#streams === 0) resolve();
        };
        this.#heard = () => {
          this.#idle = check;
          check();
        };
        void this.closed.then(() => resolve());
        this.#control?.send({ type: 'draining' });
      });
    }
    this.destroy();
    await this.closed;
  }

  destroy(): void {
    this.#fail(new TunnelError('link_draining', 'closed by this connector'));
  }

  #fail(error: TunnelError): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#settle(error);
    this.#session?.destroy();
    this.#socket?.on('error', () => {}).destroy();
  }

  #serve(socket: TLSSocket): void {
    const session = performServerHandshake(socket, {
      maxSessionMemory: windows.maxSessionMemory,
      settings: {
        initialWindowSize: windows.streamWindow,
        maxConcurrentStreams: windows.maxStreams,
        maxFrameSize: windows.maxFrameSize,
        maxHeaderListSize: protocol.maxHeaderBytes,
      },
    });
    this.#session = session;
    session.setLocalWindowSize(windows.sessionWindow);
    session.on('error', (cause) => this.#fail(new TunnelError('protocol_error', 'HTTP/2', { cause })));
    session.once('close', () => this.#fail(new TunnelError('link_lost', 'the edge closed the link')));
    session.on('stream', (stream, headers) => {
      if (headers[':method'] === 'POST' && headers[':path'] === protocol.controlPath && this.#control === undefined) {
        stream.respond({ ':status': 200 });
        this.#control = this.#register(new ControlSlot(), stream, socket);
      } else if (headers[':method'] === 'CONNECT' && this.#registered) {
        this.#streams += 1;
        stream.once('close', () => {
          this.#streams -= 1;
          this.#idle?.();
        });
        void serveConnect(stream, headers, this.#options);
      } else {
        stream.on('error', () => {}).close(constants.NGHTTP2_REFUSED_STREAM);
      }
    });
  }

  #register(
    slot: ControlSlot,
    stream: ConstructorParameters<typeof ControlChannel>[0],
    socket: TLSSocket,
  ): ControlChannel {
    const { tunnelId, connectorId, secret, client } = this.#options;
    slot.channel = new ControlChannel(
      stream,
      {
        message: (message) => {
          if (message.type === 'challenge' && slot.facts === undefined && typeof message['nonce'] === 'string') {
            const binding = channelBinding(socket);
            const named = { tunnelId, connectorId, connectorNonce: createNonce() };
            slot.facts = { ...named, binding, edgeNonce: message['nonce'] };
            const proof = prove('connector', secret, slot.facts);
            const ids = { tunnel: tunnelId, connector: connectorId, nonce: named.connectorNonce };
            slot.channel?.send({ type: 'register', version: protocol.protocolVersion, ...ids, proof, client });
          } else this.#hear(message, slot.facts);
        },
        ended: (error) => this.#fail(error),
      },
      { maxMessage: protocol.maxEdgeMessage },
    );
    return slot.channel;
  }

  #hear(message: Message, facts: ProofFacts | undefined): void {
    const { type, code } = message;
    if (type === 'refused') {
      this.#fail(new TunnelError(isTunnelErrorCode(code) ? code : 'protocol_error', 'the edge refused the link'));
    } else if (type === 'accepted' && facts !== undefined && !this.#registered) {
      const { secret, clock, pingInterval, pingDeadline, registered } = this.#options;
      if (!isProof(message['proof'], prove('edge', secret, facts))) {
        return this.#fail(new TunnelError('edge_untrusted', 'its proof is wrong'));
      }
      this.#registered = true;
      const stop = startWatchdog(this.#session!, {
        clock,
        interval: pingInterval ?? protocol.pingInterval,
        deadline: pingDeadline ?? protocol.pingDeadline,
        expired: () => this.#fail(new TunnelError('link_lost', 'the edge answers no PING')),
      });
      this.#cancels.push(stop);
      registered();
    } else if (type === 'draining') this.#options.draining();
    else if (type === 'draining-heard') this.#heard?.();
    else if (type === 'routes' && this.#registered) {
      const routes = parseAnnouncedRoutes(message);
      if (routes !== undefined) this.#options.announced?.(routes);
    }
  }
}

/** What registration on one control stream has come to. */
class ControlSlot {
  channel: ControlChannel | undefined;
  facts: ProofFacts | undefined;
}
