// The door to the peers: `startPeer(kind)` listens on loopback and behaves as its kind says.
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { toBehaviour } from './behaviours.ts';
import type { BehaviourKind, BehaviourOptions } from './behaviours.ts';
import { Peer } from './peer.ts';
import type { Behaviour, ListenOptions } from './peer.ts';
import { startTlsBehaviour } from './starttls.ts';
import type { StartTlsVariant } from './starttls.ts';
import type { PeerTls } from './tls.ts';

export type PeerOptions = ListenOptions & BehaviourOptions;

/** Starts a peer of a kind, or one that does what the given function does with each connection. */
export function startPeer(
  kind: BehaviourKind | ((socket: Socket, peer: Peer) => void | Promise<void>),
  options: PeerOptions = {},
): Promise<Peer> {
  const behaviour: Behaviour = typeof kind === 'function' ? { run: kind } : toBehaviour(kind, options);
  return new Peer(behaviour, options).listen(options.port);
}

/** Starts a peer that speaks a line protocol and upgrades on `STARTTLS`; see `StartTlsVariant`. */
export function startStartTlsPeer(
  tls: PeerTls,
  options: { variant?: StartTlsVariant; host?: string; port?: number } = {},
): Promise<Peer> {
  const { variant = 'upgrade', ...listen } = options;
  return new Peer(startTlsBehaviour(variant, tls), listen).listen(options.port);
}

export interface RefusedPort extends AsyncDisposable {
  host: string;
  port: number;
  /** `host:port`, as `connect()` takes it. */
  address: string;
  close(): Promise<void>;
}

/** Ports below those that systems give out by themselves: Linux from 32768 on, others from 49152. */
const ownPorts = { from: 20_000, to: 32_000 };

/**
 * Connects from a port that the system never gives to anybody, not even to a connection that goes to it, which would
 * then be connected to itself.
 */
async function connectFromOwnPort(target: AddressInfo, attempts = 20): Promise<Socket> {
  const localPort = randomInt(ownPorts.from, ownPorts.to);
  const socket = connect({ port: target.port, host: target.address, localAddress: target.address, localPort });
  try {
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  } catch (error) {
    // Somebody listens there.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempts === 1) throw error;
    return connectFromOwnPort(target, attempts - 1);
  }
}

/**
 * A loopback port on which nobody listens: it is the local port of a connection, of those that the system gives to
 * nobody, and every connect is answered with RST.
 */
export async function startRefusing(host = '127.0.0.1'): Promise<RefusedPort> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, host, resolve));
  const accepted = new Promise<Socket>((resolve) => holder.once('connection', resolve));
  const socket = await connectFromOwnPort(holder.address() as AddressInfo);
  const port = socket.localPort!;
  const server = await accepted;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      socket.destroy();
      server.destroy();
      holder.close(() => resolve());
    });
    return closing;
  };
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return { host, port, address, close, [Symbol.asyncDispose]: close };
}
