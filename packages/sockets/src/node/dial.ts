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

/** Plain TCP with the system's resolver; both address families are tried, the faster one wins [RFC 8305]. */
export const dialDirect: Dial = ({ hostname, port }) =>
  connect({ host: hostname, port, allowHalfOpen: true, noDelay: true });
