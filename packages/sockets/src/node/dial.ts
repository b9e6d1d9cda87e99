// How a connection is made on Node: directly, or by whatever the host supplies (a proxy, a tunnel, a policy).
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SocketAddress } from '../address.ts';

export interface DialOptions {
  /** Fires when the socket was closed or timed out before the connection was up. */
  signal: AbortSignal;
}

/**
 * Connects to an address (the hostname without brackets). The stream may still be connecting, as a fresh `net.Socket`
 * is; it must be half-open capable and not flowing. It may carry `remoteAddress`, `remotePort`, `localAddress` and
 * `localPort` as a `net.Socket` does.
 */
export type Dial = (address: SocketAddress, options: DialOptions) => Duplex | Promise<Duplex>;

/** A dial that can be given up. Its signal is made when the dialler asks: plain TCP does not, and it is costly to make. */
export class AbortableDial implements DialOptions {
  #controller: AbortController | undefined;
  #aborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

/** Plain TCP with the system's resolver; both address families are tried, the faster one wins [RFC 8305]. */
export const dialDirect: Dial = ({ hostname, port }) =>
  connect({ host: hostname, port, allowHalfOpen: true, noDelay: true });
