// The door to the peers: `startPeer(kind)` listens on loopback and behaves as its kind says.
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

/**
 * A loopback port on which nobody listens, and nobody can begin to until it is closed: it is held as the local port of
 * a connection, so the system gives it to no one else and answers every connect with RST.
 */
export async function startRefusing(host = '127.0.0.1'): Promise<RefusedPort> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, host, resolve));
  const accepted = new Promise<Socket>((resolve) => holder.once('connection', resolve));
  const socket = connect((holder.address() as AddressInfo).port, host);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
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
