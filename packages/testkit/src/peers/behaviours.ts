// What each kind of peer does with a connection. Every one is also available inside TLS (`startPeer(kind, { tls })`).
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { sourceBytes } from './bytes.ts';
import type { Behaviour, Peer } from './peer.ts';

export interface BehaviourOptions {
  /** How many bytes, for the kinds that count them. Default 1 MiB. */
  bytes?: number;
  /** What the kinds that send something send. Default `hello\n`. */
  data?: string | Uint8Array;
  /** Milliseconds between two bytes of a `slow` peer. Default 5. */
  interval?: number;
}

type Settings = Required<BehaviourOptions>;

const chunkSize = 64 * 1024;

async function write(socket: Socket, data: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve) => socket.write(data, (error) => resolve(error == null)));
}

async function sendSource(socket: Socket, bytes: number): Promise<void> {
  for (let offset = 0; offset < bytes; offset += chunkSize) {
    if (!(await write(socket, sourceBytes(offset, Math.min(chunkSize, bytes - offset))))) return;
  }
  socket.end();
}

function report(socket: Socket, peer: Peer): void {
  const hash = createHash('sha256');
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    hash.update(chunk);
  });
  socket.once('end', () => {
    const summary = { bytes, sha256: hash.digest('hex') };
    peer.record('report', socket, summary);
    socket.end(`${JSON.stringify(summary)}\n`);
  });
}

function drip(socket: Socket, { data, interval }: Settings): void {
  const bytes = Buffer.from(data);
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(bytes.subarray(sent, sent + 1));
    sent += 1;
    if (sent < bytes.length) return;
    clearInterval(timer);
    socket.end();
  }, interval);
  socket.once('close', () => clearInterval(timer));
}

function identify(socket: Socket): void {
  const { servername, alpnProtocol, authorized, getProtocol } = socket as TLSSocket;
  const client = (socket as TLSSocket).getPeerCertificate?.();
  const identity = {
    sni: servername ?? false,
    alpn: alpnProtocol ?? false,
    authorized: authorized ?? false,
    client: client?.subject?.CN ?? null,
    protocol: getProtocol?.call(socket) ?? null,
  };
  socket.end(`${JSON.stringify(identity)}\n`);
}

/** Resets once this connection has received `bytes` bytes. */
function resetAfterReceiving(socket: Socket, bytes: number): void {
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received >= bytes) socket.resetAndDestroy();
  });
}

/** Ends its own direction when the client ended the other. */
function endWhenEnded(socket: Socket): void {
  socket.once('end', () => socket.end());
}

/** The kinds of peers, each described by what it does. */
export const behaviours = {
  /** Sends back what it receives; answers FIN with FIN once everything was sent back. */
  echo: { run: (socket) => void socket.pipe(socket) },
  /** Reads everything; after the client's FIN sends one JSON line `{"bytes":N,"sha256":"…"}` and ends. */
  sink: { run: (socket, peer) => report(socket, peer) },
  /** Sends `bytes` bytes (`sourceBytes`), then FIN; reads on. */
  source: { run: (socket, _peer, { bytes }) => sendSource(socket, bytes) },
  /** Sends FIN at once; reads on. */
  'fin-first': { run: (socket) => void socket.end() },
  /** Sends `data`, then FIN; reads on. */
  'fin-after': { run: (socket, _peer, { data }) => void socket.end(data) },
  /** Resets at once. */
  reset: { run: (socket) => void socket.resetAndDestroy() },
  /**
   * Sends `data` at once, and resets when the client says anything. (A reset on its own initiative could reach the
   * client before the data was read, or before its connect was done.)
   */
  'reset-after-data': {
    run: (socket, _peer, { data }) => {
      socket.write(data);
      socket.once('data', () => socket.resetAndDestroy());
    },
  },
  /** Resets when it has received `bytes` bytes. */
  'reset-after-bytes': { run: (socket, _peer, { bytes }) => resetAfterReceiving(socket, bytes) },
  /** Never reads, so it sees neither bytes nor FIN nor RST; its window fills up. */
  'never-reads': { reads: false, run: (socket) => void socket.pause() },
  /** Sends `data` one byte every `interval` ms, then FIN. */
  slow: { run: (socket, _peer, settings) => drip(socket, settings) },
  /** Reads, and never says anything, not even FIN. */
  silent: { run: () => {} },
  /** Sends `data` at once (a banner), echoes nothing, and ends when the client does. */
  greets: {
    run: (socket, _peer, { data }) => {
      socket.write(data);
      endWhenEnded(socket);
    },
  },
  /** Answers the first bytes it gets with `data` in plain text: what a TLS client meets on a plaintext port. */
  plaintext: {
    run: (socket, _peer, { data }) => {
      socket.once('data', () => socket.write(data));
      endWhenEnded(socket);
    },
  },
  /** With `tls`: sends one JSON line with SNI, ALPN, client certificate and protocol version, then FIN. */
  identity: { run: (socket) => identify(socket) },
} satisfies Record<string, Described>;

interface Described {
  reads?: boolean;
  run(socket: Socket, peer: Peer, settings: Settings): void | Promise<void>;
}

export type BehaviourKind = keyof typeof behaviours;

export function toBehaviour(kind: BehaviourKind, options: BehaviourOptions = {}): Behaviour {
  const described: Described = behaviours[kind];
  const settings = { bytes: 1024 * 1024, data: 'hello\n', interval: 5, ...options };
  return { reads: described.reads ?? true, run: (socket, peer) => described.run(socket, peer, settings) };
}
