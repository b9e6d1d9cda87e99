// The edge's end of one link: an HTTP/2 client session over the connection that the connector dialled.
import { randomUUID } from 'node:crypto';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '@sallyport/egress';
import type { ControlChannel } from '../link/control-channel.ts';
import { LinkStream } from '../link/link-stream.ts';
import type { AnnouncedRoutes } from '../link/announced-routes.ts';
import * as protocol from '../link/protocol.ts';
import { toDialCode, TunnelError } from '../link/tunnel-error.ts';
import { startWatchdog } from '../link/watchdog.ts';
import { maxStreams } from '../link/windows.ts';

export interface LinkTarget {
  readonly hostname: string;
  readonly port: number;
  /** `http`: HTTP/1.1 for the public host name `hostname`. Default `tcp`. */
  readonly kind?: protocol.StreamKind;
}

export interface EdgeLinkOptions {
  clock?: Clock | undefined;
  pingInterval?: number | undefined;
  pingDeadline?: number | undefined;
  openTimeout?: number | undefined;
}

export interface LinkIdentity {
  readonly tunnelId: string;
  readonly connectorId: string;
  readonly client: ClientInfo;
  /** Where the connector dialled from. */
  readonly remoteAddress: string;
}

/** What a connector says about itself. */
export interface ClientInfo {
  readonly version: string;
  readonly arch: string;
}

export class EdgeLink implements LinkIdentity {
  readonly tunnelId: string;
  readonly connectorId: string;
  readonly id: string = randomUUID();
  readonly client: ClientInfo;
  readonly remoteAddress: string;
  readonly openedAt: Date = new Date();
  /** Resolves when the link is gone, however it went. */
  readonly closed: Promise<void>;
  /** Round trip of the last PING in milliseconds; undefined before the first answer. */
  roundTrip: number | undefined;
  readonly #session: ClientHttp2Session;
  readonly #control: ControlChannel;
  readonly #clock: Clock;
  readonly #openTimeout: number;
  #streams = 0;
  #draining = false;
  #idle: (() => void) | undefined;

  constructor(
    session: ClientHttp2Session,
    control: ControlChannel,
    identity: LinkIdentity,
    options: EdgeLinkOptions = {},
  ) {
    this.tunnelId = identity.tunnelId;
    this.connectorId = identity.connectorId;
    this.client = identity.client;
    this.remoteAddress = identity.remoteAddress;
    this.#session = session;
    this.#control = control;
    this.#clock = options.clock ?? systemClock;
    this.#openTimeout = options.openTimeout ?? protocol.openTimeout;
    const stopWatchdog = startWatchdog(session, {
      clock: this.#clock,
      interval: options.pingInterval ?? protocol.pingInterval,
      deadline: options.pingDeadline ?? protocol.pingDeadline,
      measured: (milliseconds) => (this.roundTrip = milliseconds),
      expired: () => this.destroy(),
    });
    this.closed = new Promise((resolve) => {
      session.once('close', () => {
        stopWatchdog();
        this.#draining = true;
        this.#idle?.();
        resolve();
      });
    });
    control.handle({
      message: ({ type }) => {
        if (type !== 'draining') return;
        this.#draining = true;
        control.send({ type: 'draining-heard' });
      },
      ended: () => this.destroy(),
    });
  }

  /** Connections that are open or being opened. */
  get streams(): number {
    return this.#streams;
  }

  /** Whether new connections may be opened on it. */
  get live(): boolean {
    return !this.#draining && !this.#session.closed && !this.#session.destroyed;
  }

  /**
   * Opens a connection to a target as the connector sees it.
   * @throws TunnelError with the connector's reason, or `link_lost`, `link_draining`, `link_busy`, `aborted`.
   */
  async open(
    { hostname, port, kind = 'tcp' }: LinkTarget,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Duplex> {
    if (!this.live) throw new TunnelError('link_draining', this.connectorId);
    if (this.#streams >= maxStreams) throw new TunnelError('link_busy', `${this.#streams} connections are open`);
    if (signal?.aborted === true) throw new TunnelError('aborted', 'before the call', { cause: signal.reason });
    const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
    const headers = { ':method': 'CONNECT', ':authority': `${host}:${port}`, [protocol.kindHeader]: kind };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headers, { endStream: false, waitForTrailers: true });
    } catch (cause) {
      throw new TunnelError('link_draining', this.connectorId, { cause });
    }
    this.#streams += 1;
    stream.once('close', () => {
      this.#streams -= 1;
      if (this.#streams === 0) this.#idle?.();
    });
    const response = await this.#answer(stream, signal);
    if (Number(response[':status']) !== 200) {
      stream.resume().destroy();
      throw new TunnelError(toDialCode(response[protocol.errorHeader]), toDetail(response[protocol.detailHeader]));
    }
    return new LinkStream(stream);
  }

  /** Tells the connector which destinations lead to it now. */
  announce({ cidrs, hostnames }: AnnouncedRoutes): void {
    this.#control.send({ type: 'routes', cidrs, hostnames });
  }

  /** Opens nothing more, tells the connector, and closes when running connections have finished or grace is over. */
  async drain(grace: number = protocol.drainGrace): Promise<void> {
    this.#draining = true;
    this.#control.send({ type: 'draining' });
    if (this.#streams > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(grace, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    this.destroy();
    await this.closed;
  }

  /** Ends the link and everything on it, now. */
  destroy(): void {
    this.#session.destroy();
  }

  #answer(stream: ClientHttp2Stream, signal: AbortSignal | undefined): Promise<IncomingHttpHeaders> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
        stream.off('close', lost).off('response', resolved);
      };
      const fail = (error: TunnelError): void => {
        settle();
        reject(error);
        stream.destroy(error);
      };
      const resolved = (headers: IncomingHttpHeaders): void => {
        settle();
        resolve(headers);
      };
      const lost = (): void => fail(new TunnelError('link_lost', 'before the connector answered'));
      const abort = (): void => fail(new TunnelError('aborted', 'while opening', { cause: signal?.reason }));
      const cancel = this.#clock.after(this.#openTimeout, () =>
        fail(new TunnelError('connection_timeout', 'the connector did not answer')),
      );
      stream.on('error', () => {});
      stream.once('close', lost).once('response', resolved);
      signal?.addEventListener('abort', abort, { once: true });
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
