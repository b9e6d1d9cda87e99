// The connector's end of one link: dial TLS, serve HTTP/2 on it, register, then serve connections.
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '@sallyport/egress';
import { type AnnouncedRoutes, parseAnnouncedRoutes } from '../link/announced-routes.ts';
import { watchBacklog } from '../link/backlog.ts';
import { ControlChannel, type Message } from '../link/control-channel.ts';
import { channelBinding } from '../link/proof.ts';
import { destroySession } from '../link/destroy-session.ts';
import * as protocol from '../link/protocol.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import { startWatchdog } from '../link/watchdog.ts';
import * as windows from '../link/windows.ts';
import { EagerSocket } from './eager-socket.ts';
import { toEdgeFailure } from './edge-failure.ts';
import { type ConnectorIdentity, Registration, toRefusal } from './registration.ts';
import { type Services, serveConnect } from './serve-stream.ts';

export interface EdgeAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectorLinkOptions extends Services, ConnectorIdentity {
  edge: EdgeAddress;
  /** The edge's authority, PEM: nothing else is trusted. */
  ca: string;
  /** The name the edge's certificate must carry. Default: the one every edge has. */
  serverName?: string | undefined;
  clock: Clock;
  pingInterval?: number | undefined;
  pingDeadline?: number | undefined;
  registrationTimeout?: number | undefined;
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
  readonly #registration: Registration;
  #socket: TLSSocket | undefined;
  #session: ServerHttp2Session | undefined;
  #control: ControlChannel | undefined;
  readonly #streams = new Map<number, ServerHttp2Stream>();
  /** Connections whose origin has not got everything yet. */
  #serving = 0;
  #registered = false;
  /** The edge opens nothing more, and has finished with all it opened. */
  #drained = false;
  #over = false;
  #cancels: (() => void)[] = [];
  #settle: (error: TunnelError) => void = () => {};

  constructor(options: ConnectorLinkOptions) {
    this.#options = options;
    this.#registration = new Registration(options);
    this.closed = new Promise((resolve) => (this.#settle = resolve));
  }

  start(): this {
    const { edge, ca, serverName = protocol.edgeServerName, clock } = this.#options;
    const address = `${edge.host}:${edge.port}`;
    const tls = { ca, ALPNProtocols: [protocol.alpn], minVersion: 'TLSv1.3' } as const;
    const socket = connectTls({ ...tls, host: edge.host, port: edge.port, servername: serverName });
    let secured = false;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', (cause) =>
      this.#fail(toEdgeFailure(cause, { address, secured, untrusted: socket.authorizationError })),
    );
    socket.once('close', () => this.#fail(new TunnelError('link_lost', `${address} closed the connection`)));
    socket.once('secureConnect', () => {
      secured = true;
      if (socket.alpnProtocol === protocol.alpn) this.#serve(socket);
      else this.#fail(new TunnelError('protocol_error', `no ${protocol.alpn} at ${address}`));
    });
    const timeout = this.#options.registrationTimeout ?? protocol.registrationTimeout;
    const late = (): void => {
      if (this.#registered) return;
      this.#fail(new TunnelError('registration_timeout', `${address} did not answer within ${timeout} ms`));
    };
    this.#cancels.push(clock.after(timeout, late));
    return this;
  }

  /** Asks the edge for no new connections, lets running ones finish within grace, then closes. */
  async drain(grace: number = protocol.drainGrace): Promise<void> {
    if (!this.#registered || this.#over || grace <= 0) this.destroy();
    else {
      this.#control?.send({ type: 'draining' });
      this.#cancels.push(this.#options.clock.after(grace, () => this.destroy()));
    }
    await this.closed;
  }

  /** Tells a draining edge that the link in this one's place was dialled, with or without success. */
  moved(): void {
    this.#control?.send({ type: 'moved' });
  }

  destroy(): void {
    this.#fail(new TunnelError('link_draining', 'closed by this connector'));
  }

  #fail(error: TunnelError): void {
    if (this.#over) return;
    this.#over = true;
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#settle(error);
    if (this.#session === undefined) this.#socket?.destroy();
    else destroySession(this.#session, this.#socket!);
  }

  #serve(socket: TLSSocket): void {
    const session = performServerHandshake(new EagerSocket(socket), {
      maxSessionMemory: windows.maxSessionMemory,
      settings: {
        initialWindowSize: windows.streamWindow,
        // The control stream is one too.
        maxConcurrentStreams: windows.maxStreams + 1,
        maxHeaderListSize: protocol.maxHeaderBytes,
      },
    });
    this.#session = session;
    session.setLocalWindowSize(windows.sessionWindow);
    session.on('error', (cause) =>
      this.#fail(new TunnelError(this.#registered ? 'link_lost' : 'protocol_error', cause.message, { cause })),
    );
    session.once('close', () => this.#fail(new TunnelError('link_lost', 'the edge closed the link')));
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      if (headers[':method'] === 'POST' && headers[':path'] === protocol.controlPath && this.#control === undefined) {
        stream.respond({ ':status': 200 });
        this.#control = this.#listen(stream, socket);
      } else if (headers[':method'] === 'CONNECT' && this.#registered) {
        this.#serving += 1;
        this.#streams.set(stream.id!, stream);
        stream.once('close', () => this.#streams.delete(stream.id!));
        void serveConnect(stream, headers, this.#options, this.#served);
      } else {
        this.#fail(new TunnelError('protocol_error', `${headers[':method']} ${headers[':path'] ?? ''} out of turn`));
      }
    });
  }

  readonly #served = (): void => {
    this.#serving -= 1;
    this.#finish();
  };

  #listen(stream: ServerHttp2Stream, socket: TLSSocket): ControlChannel {
    return new ControlChannel(
      stream,
      {
        message: (message) => (this.#registered ? this.#hear(message) : this.#register(message, socket)),
        ended: (error) => this.#fail(error),
      },
      { maxMessage: protocol.maxEdgeMessage },
    );
  }

  #register(message: Message, socket: TLSSocket): void {
    if (message.type === 'refused') return this.#fail(toRefusal(message));
    if (message.type === 'challenge') {
      const answer = this.#registration.answer(message, channelBinding(socket));
      if (answer !== undefined) this.#control?.send(answer);
    }
    if (message.type !== 'accepted') return;
    const doubt = this.#registration.doubt(message);
    if (doubt !== undefined) return this.#fail(doubt);
    this.#registered = true;
    this.#control!.trust();
    const { clock, pingInterval, pingDeadline } = this.#options;
    const watched = { clock, received: () => socket.bytesRead };
    const stopWatchdog = startWatchdog(this.#session!, {
      ...watched,
      interval: pingInterval ?? protocol.pingInterval,
      deadline: pingDeadline ?? protocol.pingDeadline,
      expired: () => this.#fail(new TunnelError('link_lost', 'the edge answers no PING')),
    });
    const stopBacklog = watchBacklog(this.#session!, {
      ...watched,
      streams: this.#streams,
      expired: () => this.#fail(new TunnelError('link_lost', 'the edge confirms no smaller windows')),
    });
    this.#cancels.push(stopWatchdog, stopBacklog);
    this.#options.registered();
  }

  #hear(message: Message): void {
    if (message.type === 'begin') this.#control?.send({ type: 'ready' });
    else if (message.type === 'reset') this.#reset(message['streams']);
    else if (message.type === 'draining') this.#options.draining();
    else if (message.type === 'drained') {
      this.#drained = true;
      this.#finish();
    } else if (message.type === 'routes') {
      const routes = parseAnnouncedRoutes(message);
      if (routes === undefined) this.#fail(new TunnelError('protocol_error', 'the announced routes are malformed'));
      else this.#options.announced?.(routes);
    }
  }

  /** The edge broke these streams off. */
  #reset(ids: unknown): void {
    if (!Array.isArray(ids)) return;
    for (const id of ids) this.#streams.get(id)?.destroy(new Error('Reset by the edge'));
  }

  /** Closes when both ends have finished with everything. */
  #finish(): void {
    if (this.#drained && this.#serving === 0) this.destroy();
  }
}
