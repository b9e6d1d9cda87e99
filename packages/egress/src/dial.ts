// Opening one TCP connection to one address that was judged before. No names here: what is dialled is pinned.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { EgressError, toFailure } from './errors.ts';
import { toHostPort } from './ip.ts';
import { LendingSocket } from './lending-socket.ts';
import type { TunnelRoute } from './routes.ts';

/** An address in canonical text, never a name. */
export interface DialTarget {
  readonly address: string;
  readonly port: number;
}

export interface Dialled {
  stream: Duplex;
  /** `ip:port` or `[ipv6]:port`. */
  remoteAddress: string;
  localAddress: string;
}

/**
 * Connects to one address. Must reject when the signal aborts before the connection stands, leaving nothing open; once
 * the connection stands, the signal means nothing any more.
 */
export type Dial = (target: DialTarget, options: DialOptions) => Promise<Dialled>;

export interface DialOptions {
  signal: AbortSignal;
  /** The stream may be a `LendingSocket`, for somebody who takes what it lends. */
  lendsReads?: boolean | undefined;
}

/**
 * Connects to an address or canonical name in the private network behind a tunnel. Same duties as `Dial`. Rejects with
 * an `EgressError` when the tunnel's end says why.
 */
export type DialTunnel = (
  route: TunnelRoute,
  target: { readonly host: string; readonly port: number },
  options: { signal: AbortSignal },
) => Promise<Dialled>;

/** For an egress whose routes lead into no tunnel. */
export const noTunnels: DialTunnel = (route) => {
  const detail = `this egress has no way into tunnel ${route.tunnelName}`;
  return Promise.reject(new EgressError(toFailure('tunnel_unavailable', { detail })));
};

/** Who uses the stream listens for its errors; until then one must not bring the process down. */
function ignore(): void {}

/**
 * A connect to a port of this machine on which nobody listens may be given that very port as its own, and is then
 * connected to itself: it hears what it says, for ever. [RFC 9293, 3.5: simultaneous open]
 */
export function isSelfConnection({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress;
}

function toRefusal(target: string): Error {
  return Object.assign(new Error(`connect ECONNREFUSED ${target}`), { code: 'ECONNREFUSED', syscall: 'connect' });
}

/** Plain TCP: half-open allowed, no Nagle delay, not flowing. */
export const dialTcp: Dial = ({ address, port }, { signal, lendsReads = false }) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const socket = lendsReads
      ? new LendingSocket().connect({ host: address, port })
      : connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('connect', connected).off('error', failed);
    };
    const abort = (): void => {
      settle();
      socket.destroy();
      reject(signal.reason as Error);
    };
    const failed = (error: Error): void => {
      settle();
      reject(error);
    };
    const connected = (): void => {
      settle();
      if (isSelfConnection(socket)) {
        socket.destroy();
        reject(toRefusal(toHostPort(address, port)));
        return;
      }
      const { remoteAddress = address, localAddress = '', localPort = 0 } = socket;
      resolve({
        stream: socket,
        remoteAddress: toHostPort(remoteAddress, port),
        localAddress: toHostPort(localAddress, localPort),
      });
    };
    socket.on('error', ignore).on('error', failed).on('connect', connected);
    signal.addEventListener('abort', abort, { once: true });
  });
