// What a case gets: `connect`, its peers, and ways to ask what happened on the wire and in other requests.
//
// The wire is observed where it ends, at the peer; the question travels by fetch() to the process that runs the peers.
import type { Socket } from '@sallyport/sockets';
import { briefly, toPatient } from './observe.ts';

/** `connect()` with nothing promised about its arguments, because cases pass everything. */
export type LooseConnect = (address?: unknown, options?: unknown) => Socket;

export interface PeerAddress {
  host: string;
  port: number;
  /** `host:port`. */
  address: string;
}

/** What a peer saw. */
export type WireEvent = 'connection' | 'fin' | 'reset' | 'close' | 'secure' | 'tls-error' | 'line' | 'report';

/** The question that starts one case on one subject. */
export interface RunRequest {
  run: string;
  area: string;
  name: string;
  peers: Record<string, PeerAddress>;
  /** Origin of the process that runs the peers. */
  control: string;
  patience: number;
  clientCertificate: boolean;
}

/** What a subject can do besides the sockets. */
export interface Surroundings {
  connect: LooseConnect;
  /** Everything the module `cloudflare:sockets` exports. */
  module: Record<string, unknown>;
  /** What `connect()` did at module scope. */
  globalScope: string;
  /** Messages of unhandled rejections since the process started. */
  unhandled: string[];
  waitUntil(promise: Promise<unknown>): void;
  /** Keeps a function for another request; returns its id. */
  keep(part: () => unknown): string;
}

export interface Context extends Omit<Surroundings, 'keep' | 'unhandled'> {
  peers: Record<string, PeerAddress>;
  /** Waits until a peer saw something; `not seen` after a while. */
  sees(peer: string, event: WireEvent): Promise<string>;
  /** As `sees`, for what at least one subject never does. */
  seesSoon(peer: string, event: WireEvent): Promise<string>;
  /** Waits until a peer has received this many bytes; returns the first MiB of all it received, as text. */
  receives(peer: string, bytes: number): Promise<string>;
  /** How many bytes a peer has received. */
  byteCount(peer: string): Promise<number>;
  /** Events of all connections of a peer so far, in order, `data` left out. */
  log(peer: string): Promise<string[]>;
  /** Runs a part of the case in another request to the same Worker, now; resolves with what it observed. */
  inAnotherRequest(part: () => unknown): Promise<unknown>;
  /** Runs a part of the case in another request, after this one has ended; its result is added to the observation. */
  afterwards(part: () => unknown): void;
  /** Messages of unhandled rejections since this case began. */
  unhandled(): string[];
}

export interface CaseRun {
  context: Context;
  /** Id of the part to run after the request, if the case asked for one. */
  afterwards(): string | undefined;
  /** Sockets the case opened. */
  sockets: Socket[];
}

async function ask(url: URL): Promise<unknown> {
  const answer = await fetch(url);
  return answer.json();
}

export function createRun(request: RunRequest, surroundings: Surroundings): CaseRun {
  const { run, peers, control } = request;
  const { keep, unhandled, ...rest } = surroundings;
  const sockets: Socket[] = [];
  const alreadyUnhandled = unhandled.length;
  let later: string | undefined;

  const to = (path: string, query: Record<string, string | number>): URL => {
    const url = new URL(path, control);
    url.searchParams.set('run', run);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  };
  const wait = async (peer: string, event: string, within: number): Promise<string> =>
    (await ask(to('/wait', { peer, event, within: toPatient(within) }))) as string;
  const look = async (peer: string): Promise<{ received: string; bytes: number; events: string[] }> =>
    (await ask(to('/look', { peer }))) as { received: string; bytes: number; events: string[] };

  const context: Context = {
    ...rest,
    peers,
    connect(...args) {
      const socket = rest.connect(...args);
      sockets.push(socket);
      return socket;
    },
    sees: (peer, event) => wait(peer, event, 3_000),
    seesSoon: (peer, event) => wait(peer, event, briefly),
    async receives(peer, amount) {
      const seen = await wait(peer, `bytes:${amount}`, 3_000);
      const { received } = await look(peer);
      return seen === 'seen' ? received : `${received} (waited for ${amount} bytes)`;
    },
    byteCount: async (peer) => (await look(peer)).bytes,
    log: async (peer) => (await look(peer)).events,
    inAnotherRequest: (part) => ask(to('/elsewhere', { part: keep(part) })),
    afterwards(part) {
      later = keep(part);
    },
    unhandled: () => unhandled.slice(alreadyUnhandled),
  };
  return { context, sockets, afterwards: () => later };
}
