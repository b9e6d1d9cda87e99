// The edge's end of one link: an HTTP/2 client session over the connection that the connector dialled.
import { randomUUID } from 'node:crypto';
import type { ClientHttp2Session, ClientHttp2Stream, Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '@sallyport/egress';
import type { AnnouncedRoutes } from '../link/announced-routes.ts';
import { watchBacklog } from '../link/backlog.ts';
import type { ControlChannel, Message } from '../link/control-channel.ts';
import { destroySession } from '../link/destroy-session.ts';
import { LinkStream } from '../link/link-stream.ts';
import * as protocol from '../link/protocol.ts';
import { toDialCode, TunnelError } from '../link/tunnel-error.ts';
import { startWatchdog } from '../link/watchdog.ts';
import { maxStreams } from '../link/windows.ts';
import { Announcer } from './announcer.ts';
import type { EdgeLinkOptions, LinkConnection, LinkIdentity, LinkTarget, ClientInfo } from './link-identity.ts';
import { awaitAnswer, unlessAborted } from './open-stream.ts';

export class EdgeLink implements LinkIdentity {
  readonly id: string = randomUUID();
  readonly tunnelId: string;
  readonly connectorId: string;
  readonly index: number;
  readonly client: ClientInfo;
  readonly remoteAddress: string;
  readonly openedAt: Date = new Date();
  /** Resolves when the link is gone, however it went. */
  readonly closed: Promise<void>;
  /** Round trip of the last PING in milliseconds; undefined before the first answer. */
  roundTrip: number | undefined;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #control: ControlChannel;
  readonly #announcer: Announcer;
  readonly #clock: Clock;
  readonly #options: EdgeLinkOptions;
  readonly #streams = new Map<number, Http2Stream>();
  #resets: number[] = [];
  /** Set until the connector said that it is ready, or the link is over. */
  #beginning: Promise<void> | undefined;
  #ready: () => void = () => {};
  #moved: () => void = () => {};
  #retired = false;
  #draining: Promise<void> | undefined;
  #reason: TunnelError | undefined;

  constructor(connection: LinkConnection, identity: LinkIdentity, options: EdgeLinkOptions = {}) {
    const { session, control, socket } = connection;
    const received = (): number => socket.bytesRead;
    this.tunnelId = identity.tunnelId;
    this.connectorId = identity.connectorId;
    this.index = identity.index;
    this.client = identity.client;
    this.remoteAddress = identity.remoteAddress;
    this.#session = session;
    this.#socket = socket;
    this.#control = control;
    this.#announcer = new Announcer(control);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#beginning = new Promise((resolve) => (this.#ready = resolve));
    const clock = this.#clock;
    const stops = [
      startWatchdog(session, {
        clock,
        received,
        interval: options.pingInterval ?? protocol.pingInterval,
        deadline: options.pingDeadline ?? protocol.pingDeadline,
        measured: (milliseconds) => (this.roundTrip = milliseconds),
        expired: () => this.destroy(new TunnelError('link_lost', 'the connector answers no PING')),
      }),
      watchBacklog(session, {
        clock,
        received,
        streams: this.#streams,
        expired: () => this.destroy(new TunnelError('link_lost', 'the connector confirms no smaller windows')),
      }),
    ];
    this.closed = new Promise((resolve) => {
      // The socket's, not the session's: a session does not always tell.
      socket.once('close', () => {
        for (const stop of stops) stop();
        this.#retired = true;
        this.#begun();
        this.#moved();
        resolve();
      });
    });
    control.handle({ message: (message) => this.#hear(message), ended: (error) => this.destroy(error) });
  }

  /** Connections that are open or being opened. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Whether new connections may be opened on it. */
  get live(): boolean {
    return !this.#retired && !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether the edge wants to be rid of it. */
  get draining(): boolean {
    return this.#draining !== undefined;
  }

  /** Whether the connector has confirmed all that was said to it before `begin()`. */
  get ready(): boolean {
    return this.#beginning === undefined;
  }

  /** Lets connections be opened, once the connector has heard everything that was announced until now. */
  begin(): void {
    this.#control.send({ type: 'begin' });
    const cancel = this.#clock.after(this.#options.registrationTimeout ?? protocol.registrationTimeout, () =>
      this.destroy(new TunnelError('registration_timeout', 'the connector did not begin')),
    );
    void this.#beginning?.then(cancel);
  }

  /**
   * Opens a connection to a target as the connector sees it.
   * @throws TunnelError with the connector's reason, or `link_lost`, `link_draining`, `link_busy`, `aborted`.
   */
  async open(
    { hostname, port, kind = 'tcp', resolvers }: LinkTarget,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Duplex> {
    if (signal?.aborted === true) throw new TunnelError('aborted', 'before the call', { cause: signal.reason });
    if (this.#beginning !== undefined) await unlessAborted(this.#beginning, signal);
    if (!this.live) throw this.#reason ?? new TunnelError('link_draining', this.connectorId);
    if (this.#streams.size >= maxStreams) throw new TunnelError('link_busy', `${maxStreams} connections are open`);
    const stream = this.#request({ hostname, port, kind, resolvers });
    const timeout = this.#options.openTimeout ?? protocol.openTimeout;
    const lost = (): TunnelError => this.#reason ?? new TunnelError('link_lost', 'before the connector answered');
    let response;
    try {
      response = await awaitAnswer(stream, { clock: this.#clock, timeout, signal, lost });
    } catch (error) {
      this.#reset(stream);
      throw error;
    }
    if (Number(response[':status']) === 200) return new LinkStream(stream, (broken) => this.#reset(broken));
    // An end, not a reset: see #reset.
    stream.once('wantTrailers', () => stream.sendTrailers({}));
    stream.resume().end();
    throw new TunnelError(toDialCode(response[protocol.errorHeader]), toDetail(response[protocol.detailHeader]));
  }

  /** Tells the connector which destinations lead to it now. Returns why it cannot; the list before holds then. */
  announce(routes: AnnouncedRoutes): TunnelError | undefined {
    return this.#announcer.announce(routes);
  }

  /**
   * Tells the connector to dial another link, opens nothing more once it has, and closes when running connections have
   * finished or grace is over.
   */
  drain(grace: number = protocol.drainGrace): Promise<void> {
    this.#draining ??= (async () => {
      if (!this.#session.destroyed && grace > 0) {
        const cancel = this.#clock.after(grace, () => this.destroy());
        if (this.live) await this.#replaced();
        this.#retire();
        await this.closed;
        cancel();
      }
      this.destroy();
      await this.closed;
    })();
    return this.#draining;
  }

  /** Ends the link and everything on it, now; connections that are being opened fail with the reason. */
  destroy(reason?: TunnelError): void {
    this.#reason ??= reason;
    this.#retired = true;
    destroySession(this.#session, this.#socket);
  }

  /** Until the connector has dialled a link in place of this one, or has had its time. */
  #replaced(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(protocol.replacementTimeout, resolve);
      this.#moved = () => {
        cancel();
        resolve();
      };
      this.#control.send({ type: 'draining' });
    });
  }

  #hear({ type }: Message): void {
    if (type === 'ready') this.#begun();
    else if (type === 'moved') this.#moved();
    else if (type === 'draining') this.#retire();
  }

  #begun(): void {
    this.#beginning = undefined;
    this.#ready();
  }

  #retire(): void {
    this.#retired = true;
    this.#tellDrained();
  }

  /** The connector closes the link when it has finished too: it may still be writing to a slow origin. */
  #tellDrained(): void {
    if (this.#retired && this.#streams.size === 0) this.#control.send({ type: 'drained' });
  }

  #request({ hostname, port, kind = 'tcp', resolvers }: LinkTarget): ClientHttp2Stream {
    const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
    const headers = {
      ':method': 'CONNECT',
      ':authority': `${host}:${port}`,
      [protocol.kindHeader]: kind,
      ...(resolvers === undefined ? {} : { [protocol.resolversHeader]: resolvers.join(',') }),
    };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headers, { endStream: false, waitForTrailers: true });
    } catch (cause) {
      throw new TunnelError('link_draining', this.connectorId, { cause });
    }
    const id = stream.id!;
    this.#streams.set(id, stream);
    stream.on('error', () => {});
    stream.once('close', () => {
      this.#streams.delete(id);
      this.#tellDrained();
    });
    return stream;
  }

  /**
   * Breaks a stream off by asking the connector to. Never by RST_STREAM: an HTTP/2 server that gets more than a thousand
   * of them, or 33 a second, takes them for an attack and ends the connection (nghttp2's cure for CVE-2023-44487).
   */
  #reset(stream: Http2Stream): void {
    if (stream.destroyed || stream.id === undefined) return;
    stream.pause();
    this.#resets.push(stream.id);
    if (this.#resets.length > 1) return;
    setImmediate(() => {
      this.#control.send({ type: 'reset', streams: this.#resets });
      this.#resets = [];
    });
  }
}

function toDetail(value: unknown): string {
  try {
    return decodeURIComponent(String(value ?? 'no reason given'));
  } catch {
    return 'no readable reason given';
  }
}
