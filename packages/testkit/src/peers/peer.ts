// One listening peer: accepts connections, lets a behaviour act on each, and records what arrives on the wire.
//
// Sockets are half-open capable: a FIN from the client is an event, and what follows it is the behaviour's choice.
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { EventLog } from './event-log.ts';
import { acceptTls } from './tls.ts';
import type { PeerTls } from './tls.ts';

/** The first bytes received that are kept for a test to look at; the rest is only counted. */
const keptBytes = 1024 * 1024;

/** One event, on connection number `connection` (counted from 0). */
export interface PeerEvent {
  connection: number;
  socket: Socket;
}

export interface PeerEvents {
  connection: PeerEvent;
  /** Bytes arrived (decrypted, on a TLS connection). */
  data: PeerEvent & { bytes: number };
  /** The client's FIN (or close_notify), after everything before it was read. */
  fin: PeerEvent;
  /** The connection was reset by the client. */
  reset: PeerEvent & { error: NodeJS.ErrnoException };
  /** The connection is over, however it ended. */
  close: PeerEvent;
  /** The TLS handshake was completed. */
  secure: PeerEvent & { socket: TLSSocket };
  /** The TLS handshake failed, as the server saw it. */
  'tls-error': PeerEvent & { error: Error };
  /** A line that a line protocol received, without its line end. */
  line: PeerEvent & { line: string };
  /** What a sink had read when the client's FIN came. */
  report: PeerEvent & { bytes: number; sha256: string };
}

export type PeerEventName = keyof PeerEvents;

/** What a peer does with a connection once it is accepted (and, with `tls`, its handshake done). */
export interface Behaviour {
  /** Reads what the client sends, and so records it. Default true. */
  reads?: boolean;
  run(socket: Socket, peer: Peer): void | Promise<void>;
}

export interface ListenOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** Speaks TLS from the first byte. */
  tls?: PeerTls;
}

export class Peer implements AsyncDisposable {
  readonly host: string;
  /** Connections accepted so far. */
  connections = 0;
  /** Bytes received so far on all connections. */
  bytesReceived = 0;
  readonly #behaviour: Behaviour;
  readonly #tls: PeerTls | undefined;
  readonly #server: Server;
  readonly #events: EventLog<PeerEvents> = new EventLog();
  readonly #watched = new Map<Socket, { number: number; stop: () => void }>();
  #received: Buffer[] = [];
  #thresholds: { bytes: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  #closing: Promise<void> | undefined;

  constructor(behaviour: Behaviour, options: ListenOptions = {}) {
    this.#behaviour = behaviour;
    this.#tls = options.tls;
    this.host = options.host ?? '127.0.0.1';
    const reads = behaviour.reads ?? true;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: !reads && this.#tls === undefined });
    this.#server.on('connection', (socket) => void this.#accept(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `host:port`, as `connect()` takes it. */
  get address(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  /** The first MiB received, all connections together. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Connections that are open now. */
  get open(): readonly Socket[] {
    return [...this.#watched.keys()];
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.host, resolve);
    });
    return this;
  }

  /** The oldest event of this name that no `next()` returned yet; waits for one when there is none. */
  next<Name extends PeerEventName>(name: Name): Promise<PeerEvents[Name]> {
    return this.#events.next(name);
  }

  /** How many events of this name no `next()` returned yet. */
  pending(name: PeerEventName): number {
    return this.#events.pending(name);
  }

  /** Waits until at least this many bytes were received in total. */
  async receives(bytes: number): Promise<void> {
    if (this.bytesReceived >= bytes) return;
    await new Promise<void>((resolve, reject) => this.#thresholds.push({ bytes, resolve, reject }));
  }

  record<Name extends PeerEventName>(
    name: Name,
    socket: Socket,
    detail?: Omit<PeerEvents[Name], keyof PeerEvent>,
  ): void {
    const event = { connection: this.#watched.get(socket)?.number ?? -1, socket, ...detail };
    this.#events.add(name, event as unknown as PeerEvents[Name]);
  }

  /**
   * Runs TLS as the server on a connection that was plain until now, and records the TLS layer instead of the bytes
   * under it. Resolves to undefined when the handshake fails, which is recorded as a `tls-error`.
   */
  async secure(raw: Socket, tls: PeerTls): Promise<TLSSocket | undefined> {
    const watched = this.#watched.get(raw);
    watched?.stop();
    // Kept in the list of open sockets until the handshake is over, so that `close()` ends a handshake that hangs.
    this.#watched.set(raw, { number: watched?.number ?? -1, stop: () => {} });
    try {
      const socket = await acceptTls(raw, tls);
      this.#watch(socket, watched?.number ?? -1);
      this.record('secure', socket);
      return socket;
    } catch (cause) {
      this.record('tls-error', raw, { error: cause as Error });
      this.record('close', raw);
      return undefined;
    } finally {
      this.#watched.delete(raw);
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#watched.keys()) socket.destroy();
      this.#events.close();
      const error = new Error(`the peer was closed after ${this.bytesReceived} bytes`);
      for (const { reject } of this.#thresholds) reject(error);
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(raw: Socket): Promise<void> {
    this.connections += 1;
    this.#watch(raw, this.connections - 1);
    this.record('connection', raw);
    const socket = this.#tls === undefined ? raw : await this.secure(raw, this.#tls);
    if (socket !== undefined) await this.#behaviour.run(socket, this);
  }

  #watch(socket: Socket, number: number): void {
    const stops: (() => void)[] = [];
    const on = <Arguments extends unknown[]>(name: string, listener: (...values: Arguments) => void): void => {
      socket.on(name, listener as (...values: unknown[]) => void);
      stops.push(() => void socket.off(name, listener as (...values: unknown[]) => void));
    };
    this.#watched.set(socket, { number, stop: () => stops.forEach((stop) => stop()) });
    on('error', (error: NodeJS.ErrnoException) => this.record('reset', socket, { error }));
    on('close', () => {
      this.record('close', socket);
      this.#watched.delete(socket);
    });
    if (this.#behaviour.reads === false) return;
    on('end', () => this.record('fin', socket));
    on('data', (chunk: Buffer) => this.#count(socket, chunk));
  }

  #count(socket: Socket, chunk: Buffer): void {
    const room = keptBytes - Math.min(keptBytes, this.bytesReceived);
    if (room > 0) this.#received.push(chunk.subarray(0, room));
    this.bytesReceived += chunk.length;
    this.record('data', socket, { bytes: chunk.length });
    const reached = this.#thresholds.filter(({ bytes }) => bytes <= this.bytesReceived);
    this.#thresholds = this.#thresholds.filter(({ bytes }) => bytes > this.bytesReceived);
    for (const { resolve } of reached) resolve();
  }
}
