// `net.Socket` in a Worker: connecting, addresses and states, around the stream.
import { isIP } from 'node:net';
import type { SocketError } from '../../socket-error.ts';
import type { SocketInfo, TransportEvents } from '../../transport.ts';
import { Channel, type ChannelTarget } from './channel.ts';
import { ChannelStream, type ChannelStreamOptions } from './channel-stream.ts';
import {
  checkPort,
  type ConnectOptions,
  inTurns,
  type LookedUp,
  type Lookup,
  normalizeArguments,
  refusePath,
  toAsciiHost,
  triesAll,
} from './connect-arguments.ts';
import { fromSocketError, invalidArgument, type NodeError, toNodeError } from './node-errors.ts';

/** Node's own, in milliseconds, for `autoSelectFamilyAttemptTimeout`. */
const defaultPatience = 250;
const leastPatience = 10;

export type SocketOptions = ChannelStreamOptions;

export class Socket extends ChannelStream {
  remoteAddress: string | undefined;
  remotePort: number | undefined;
  remoteFamily: string | undefined;
  localAddress: string | undefined;
  localPort: number | undefined;
  localFamily: string | undefined;
  autoSelectFamilyAttemptedAddresses: string[] = [];
  #host: string | null = null;
  #port = 0;
  /** The program looks names up itself, and has been told of it. */
  #looksUp = false;
  /** The socket that has taken this one's connection. */
  #successor: Socket | undefined;

  constructor(options: SocketOptions | number = {}) {
    super(typeof options === 'number' ? { fd: options } : (options ?? {}));
  }

  get pending(): boolean {
    return !this.wasUp || this.connecting || this.destroyed;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable && this.writable) return 'open';
    if (this.readable) return 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Connects to `options`, or to `(port, host)`; a listener given last hears of `connect`. */
  connect(...args: unknown[]): this {
    const [options, listener] = normalizeArguments(args);
    if (options.path !== undefined && options.path !== null && options.port === undefined) refusePath(options.path);
    const port = checkPort(options.port);
    const host = options.host || 'localhost';
    if (typeof host !== 'string') {
      throw invalidArgument('The "options.host" property must be of type string.', 'ERR_INVALID_ARG_TYPE');
    }
    if (listener !== undefined) this.once('connect', listener);
    // One that was given an aborted signal never begins.
    if (this.destroyed && !this.hasChannel) return this;
    if (this.destroyed) this.renew();
    else if (this.hasChannel) return this.#refuseSecond({ host, port });
    this.connecting = true;
    this.#host = host;
    this.#port = port;
    this.#successor = undefined;
    this.#looksUp = false;
    if (options.timeout) this.setTimeout(options.timeout);
    this.expectChannel();
    this.#resolve(host, options);
    return this;
  }

  #refuseSecond({ host, port }: { host: string; port: number }): this {
    const code = this.connecting ? 'EALREADY' : 'EISCONN';
    const more = { syscall: 'connect', address: host, port };
    return this.destroy(toNodeError(`connect ${code} ${host}:${port}`, code, more));
  }

  /** With a look-up of its own the program decides for the name; policy then judges each address. */
  #resolve(host: string, options: ConnectOptions): void {
    const { family = 0, hints = 0, autoSelectFamilyAttemptTimeout: patience = defaultPatience } = options;
    const lookup = options.lookup as (Lookup & { isOurs?: boolean }) | undefined;
    if (lookup === undefined || lookup.isOurs === true || isIP(host) !== 0) return this.#open(host);
    const all = triesAll(options);
    this.#looksUp = true;
    lookup(host, { family, hints, all }, (error, answer, answeredFamily) => {
      if (this.destroyed) return;
      const given = Array.isArray(answer) ? answer : [{ address: answer, family: answeredFamily ?? 0 }];
      const found = given.filter((entry) => entry.address !== undefined);
      if (error || found.length === 0) this.emit('lookup', error, undefined, undefined, host);
      for (const entry of error ? [] : found) this.emit('lookup', null, entry.address, entry.family, host);
      if (error) this.destroy(error);
      else if (found.length === 0) {
        this.destroy(toNodeError(`getaddrinfo ENOTFOUND ${host}`, 'ENOTFOUND', { hostname: host }));
      } else if (all && found.length > 1) this.#tryInTurn(inTurns(found), Math.max(patience, leastPatience));
      else this.#open(found[0]!.address);
    });
  }

  #open(host: string): void {
    const channel = this.#createChannel(host);
    channel.open(this.channelEvents());
    this.useChannel(channel);
  }

  #createChannel(host: string): Channel {
    return new Channel(this.toTarget(toAsciiHost(host), this.#port));
  }

  /** The next address when one fails or takes longer than `patience`, in milliseconds; the last has all the time it needs. */
  #tryInTurn([first, ...others]: LookedUp[], patience: number): void {
    const { address } = first!;
    this.autoSelectFamilyAttemptedAddresses.push(`${address}:${this.#port}`);
    if (others.length === 0) return this.#open(address);
    const channel = this.#createChannel(address);
    const events = this.channelEvents();
    let isOver = false;
    // What is written waits until an address has answered: a channel that fails would take it along.
    const settle = (): void => {
      isOver = true;
      clearTimeout(timer);
      this.off('close', drop);
    };
    const drop = (): void => {
      settle();
      channel.destroy(true);
    };
    const next = (): void => {
      drop();
      this.#tryInTurn(others, patience);
    };
    const timer = setTimeout(next, patience);
    this.once('close', drop);
    channel.open({
      ...events,
      opened: (info) => {
        if (isOver) return;
        settle();
        this.useChannel(channel);
        events.opened(info);
      },
      failed: (error, unread) => {
        if (!isOver && !error.code.startsWith('tls_')) return next();
        if (!isOver) settle();
        else if (!this.wasUp) return;
        events.failed(error, unread);
      },
    });
  }

  /** The host it was told to connect to. @internal */
  get targetHost(): string | null {
    return this.#host;
  }

  /** Makes this socket's connection that of `successor`; from now on it ends when that does. @internal */
  handOver(successor: Socket, done: (channel: Channel | undefined) => void): void {
    successor.#host = this.#host;
    successor.#port = this.#port;
    this.#successor = successor;
    this.takeChannel(done);
  }

  override end(...args: unknown[]): this {
    this.#successor?.end();
    return Reflect.apply(super.end, this, args) as this;
  }

  /** What is asked of the gateway. @internal */
  toTarget(host: string, port: number): ChannelTarget {
    return { host, port, secureTransport: 'starttls', tls: {} };
  }

  /** @internal */
  channelEvents(): TransportEvents {
    return {
      opened: (info) => {
        if (this.destroyed) return;
        this.channelUp();
        this.onOpened(info);
        // The end, and an error, are noticed without a reader.
        if (!this.destroyed && !this.isPaused()) this.read(0);
      },
      data: (chunk) => this.receive(chunk),
      ended: () => this.receiveEnd(),
      failed: (error, unread) => {
        for (const chunk of unread) this.receive(chunk);
        this.onFailed(fromSocketError(error, { host: this.#host ?? '', port: this.#port }, !this.wasUp), error);
      },
    };
  }

  /** @internal */
  onOpened(info: SocketInfo): void {
    this.adoptAddresses(info);
    const { remoteAddress = '' } = this;
    const host = this.#host;
    const family = isIP(remoteAddress);
    if (host !== null && !this.#looksUp && isIP(host) === 0 && family !== 0)
      this.emit('lookup', null, remoteAddress, family, host);
    this.connecting = false;
    this.emit('connect');
    this.emit('ready');
  }

  /** @internal */
  onFailed(error: NodeError, _cause: SocketError): void {
    this.connecting = false;
    if (error.syscall === 'getaddrinfo') this.emit('lookup', error, undefined, undefined, this.#host);
    this.destroy(error);
  }

  /** @internal */
  adoptAddresses({ remoteAddress, localAddress }: SocketInfo): void {
    const remote = toEndpoint(remoteAddress);
    this.remoteAddress = remote?.address;
    this.remotePort = remote?.port;
    this.remoteFamily = remote?.family;
    const local = toEndpoint(localAddress);
    this.localAddress = local?.address;
    this.localPort = local?.port;
    this.localFamily = local?.family;
  }

  /** Our own side. */
  address(): { address?: string; port?: number; family?: string } {
    const { localAddress: address, localPort: port, localFamily: family } = this;
    return address === undefined ? {} : { address, family: family!, port: port! };
  }

  // The gateway's connections have no delay; keep-alive is the host's concern.
  setNoDelay(_enable?: boolean): this {
    return this;
  }

  setKeepAlive(_enable?: boolean, _initialDelay?: number): this {
    return this;
  }

  // Nothing in a Worker lives on because of a socket.
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

interface Endpoint {
  address: string;
  port: number;
  family: 'IPv4' | 'IPv6';
}

function toEndpoint(authority: string | null): Endpoint | undefined {
  if (authority === null) return undefined;
  const colon = authority.lastIndexOf(':');
  const address = authority.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { address, port: Number(authority.slice(colon + 1)), family: address.includes(':') ? 'IPv6' : 'IPv4' };
}
