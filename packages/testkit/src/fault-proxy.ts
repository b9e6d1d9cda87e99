// A TCP proxy that makes loopback behave like a real network: distance, a narrow line, small segments, sudden resets and
// silence, each settable while connections run. FIN and RST pass through, in order behind the data.
//
// A reset right behind data may look like FIN to a Node peer: libuv reports end of file when both come at once.
// Only what goes through a connection is delayed; the connect itself is answered at once, by this machine's kernel.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { FaultPipe } from './fault-pipe.ts';
import type { Faults } from './fault-pipe.ts';

/** `toTarget`: from the client; `toClient`: from the target. */
export type Direction = 'toTarget' | 'toClient';

export interface ProxyTarget {
  host: string;
  port: number;
}

export class FaultProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  /** Connections accepted so far. */
  connections = 0;
  readonly #target: ProxyTarget;
  readonly #server: Server;
  readonly #faults: Record<Direction, Faults>;
  readonly #sockets = new Set<Socket>();
  readonly #pipes = new Set<FaultPipe>();
  #closing: Promise<void> | undefined;

  constructor(target: ProxyTarget, faults: Faults = {}) {
    this.#target = target;
    this.#faults = { toTarget: { ...faults }, toClient: { ...faults } };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `host:port`, as `connect()` takes it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Bytes that were read and not handed on yet. */
  get held(): number {
    return [...this.#pipes].reduce((sum, pipe) => sum + pipe.held, 0);
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, this.host, resolve);
    });
    return this;
  }

  /** Changes faults from now on, in both directions or in one; what is not named stays as it is. */
  set(faults: Faults, direction?: Direction): void {
    for (const each of direction === undefined ? (['toTarget', 'toClient'] as const) : [direction]) {
      Object.assign(this.#faults[each], faults);
    }
    for (const pipe of this.#pipes) pipe.wake();
  }

  /** Resets every connection now, at both ends. */
  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    this.connections += 1;
    const { host, port } = this.#target;
    const target = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const pipes = [
      new FaultPipe(client, target, () => this.#faults.toTarget),
      new FaultPipe(target, client, () => this.#faults.toClient),
    ];
    for (const pipe of pipes) this.#pipes.add(pipe);
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (!this.#sockets.has(client) && !this.#sockets.has(target)) pipes.forEach((pipe) => this.#pipes.delete(pipe));
      });
    }
  }
}

export function startFaultProxy(target: ProxyTarget, faults: Faults = {}): Promise<FaultProxy> {
  return new FaultProxy(target, faults).listen();
}
