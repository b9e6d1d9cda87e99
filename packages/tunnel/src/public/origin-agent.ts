// The pool of connections to one origin: Node's agent, with our own dial, TLS and time limits.
import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';

export interface OriginConnect {
  (options: { servername: string; signal: AbortSignal }): Promise<Duplex>;
}

/** What a request hands to the dial. */
export interface OriginRequestArgs extends ClientRequestArgs {
  servername: string;
  /** Ends the dial when nobody waits for it any more. */
  gaveUp: AbortSignal;
}

export class OriginAgent extends Agent {
  readonly #connect: OriginConnect;

  constructor({ connect, idle, idleTimeout }: { connect: OriginConnect; idle: number; idleTimeout: number }) {
    super({ keepAlive: idle > 0, maxFreeSockets: Math.max(idle, 1), timeout: idleTimeout });
    this.#connect = connect;
  }

  override getName(options: Partial<OriginRequestArgs> = {}): string {
    return `${super.getName(options as never)}:${options.servername ?? ''}`;
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { servername, gaveUp } = options as OriginRequestArgs;
    this.#connect({ servername, signal: gaveUp }).then(
      (stream) => callback?.(null, stream),
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined;
  }

  /** Keeps nothing for later; requests under way finish. */
  retire(): void {
    (this as { keepAlive?: boolean }).keepAlive = false;
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}
