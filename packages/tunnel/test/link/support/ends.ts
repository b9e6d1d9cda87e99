// A real edge and real connectors on loopback, and what tests ask of them.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { dialTcp } from '@sallyport/egress';
import { testAuthority, type TestScope, use } from '@sallyport/testkit';
import {
  Connector,
  type ConnectorOptions,
  type DialTarget,
  edgeServerName,
  type EdgeLink,
  type FindSecret,
  type TunnelError,
  TunnelListener,
  type TunnelListenerOptions,
} from '../../../src/index.ts';

/** Tunnels that every edge of these tests knows; no two have the same secret. */
export const secrets: Readonly<Record<string, Uint8Array>> = {
  home: Buffer.alloc(32, 7),
  other: Buffer.alloc(32, 8),
};

export const findSecret: FindSecret = async (id) => secrets[id];

export const dial: DialTarget = async ({ hostname, port }, options) =>
  (await dialTcp({ address: hostname, port }, options)).stream;

export interface TestEdge {
  readonly listener: TunnelListener;
  /** Why connections became no link, oldest first. */
  readonly refusals: TunnelError[];
  /** The next link that is registered. */
  nextLink(): Promise<EdgeLink>;
  /** The next connection that becomes no link. */
  nextRefusal(): Promise<TunnelError>;
}

class Queue<Value> {
  #values: Value[] = [];
  #waiting: ((value: Value) => void)[] = [];

  add(value: Value): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#values.push(value);
    else waiter(value);
  }

  next(): Promise<Value> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export async function startEdge(t: TestScope, options: Partial<TunnelListenerOptions> = {}): Promise<TestEdge> {
  const certificate = await (await testAuthority()).issue('good', { names: ['localhost', edgeServerName] });
  const links = new Queue<EdgeLink>();
  const refused = new Queue<TunnelError>();
  const refusals: TunnelError[] = [];
  const listener = new TunnelListener({
    ...certificate,
    findSecret,
    registered: (link) => links.add(link),
    refused(error) {
      refusals.push(error);
      refused.add(error);
    },
    ...options,
  });
  await use(t, listener.listen());
  return { listener, refusals, nextLink: () => links.next(), nextRefusal: () => refused.next() };
}

export interface TestConnector {
  readonly connector: Connector;
  /** Why links ended, and the wait before the next dial. */
  readonly losses: { error: TunnelError; wait: number }[];
  /** Until this many links are registered. */
  live(count: number): Promise<void>;
  nextLoss(): Promise<{ error: TunnelError; wait: number }>;
}

type StartOptions = Partial<ConnectorOptions> & { ports?: number[] };

export async function startConnector(t: TestScope, options: StartOptions): Promise<TestConnector> {
  const { ca } = await testAuthority();
  const { ports = [], tunnelId = 'home', ...rest } = options;
  const losses: { error: TunnelError; wait: number }[] = [];
  const lost = new Queue<{ error: TunnelError; wait: number }>();
  const waiting: (() => void)[] = [];
  const connector = new Connector({
    ca,
    tunnelId,
    secret: secrets[tunnelId] ?? Buffer.alloc(32, 1),
    dial,
    links: 1,
    edges: ports.map((port) => ({ host: '127.0.0.1', port })),
    changed: () => waiting.splice(0).forEach((look) => look()),
    lost(error, wait) {
      losses.push({ error, wait });
      lost.add({ error, wait });
    },
    ...rest,
  });
  t.after(() => connector.close(0));
  connector.start();
  const live = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (connector.live === count) resolve();
        else waiting.push(look);
      };
      look();
    });
  return { connector, losses, live, nextLoss: () => lost.next() };
}

/** An edge and one connector with one link. */
export async function startPair(
  t: TestScope,
  options: { edge?: Partial<TunnelListenerOptions>; connector?: StartOptions } = {},
): Promise<TestEdge & TestConnector & { link: EdgeLink }> {
  const edge = await startEdge(t, options.edge);
  const connector = await startConnector(t, { ports: [edge.listener.port], ...options.connector });
  return { ...edge, ...connector, link: await edge.nextLink() };
}

export function at(peer: { host: string; port: number }): { hostname: string; port: number } {
  return { hostname: peer.host, port: peer.port };
}

/** Sends a byte to an echo peer and waits for it. */
export async function echoes(stream: Duplex): Promise<void> {
  stream.write('x');
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  if (chunk.toString() !== 'x') throw new Error(`got ${chunk.toString()}`);
}

/** Opens a connection to an echo peer, has a byte come back, and ends both directions. */
export async function visit(edge: TestEdge, peer: { host: string; port: number }, tunnelId = 'home'): Promise<void> {
  const { stream } = await edge.listener.registry.open(tunnelId, at(peer));
  stream.on('error', () => {});
  await echoes(stream);
  const closed = once(stream, 'close');
  stream.resume().end();
  await closed;
}

/** Turns the event loop until something is so; the test's timeout ends it when it never is. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Resolves when it is over, with or without an error. */
export function closeOf(stream: Duplex): Promise<void> {
  stream.on('error', () => {});
  return new Promise((resolve) => stream.once('close', resolve));
}
