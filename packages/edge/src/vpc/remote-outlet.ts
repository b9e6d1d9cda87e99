// The private end of a binding to a service of another edge (`sallyport dev --edge`): what the Worker's runtime asks goes, as
// it is, by CONNECTs into an outlet that the other edge opened for this binding. So ports, TLS, client certificates and errors
// are those of that edge, as they are there at each moment, and no secret leaves it; what became of each request is told
// back. HTTP is understood here too, so that a request whose edge is lost has an answer.
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { type Decision, EgressError } from '@sallyport/egress';
import { relayConnect } from '../gateway/connect-relay.ts';
import { codeOf, Refusal } from '../gateway/egress-dial.ts';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { createForwardProxy } from '../gateway/forward-proxy.ts';
import { startOutletServer } from '../gateway/outlet-server.ts';
import { relay } from '../gateway/relay.ts';
import { bareTls } from '../tls/host-tls.ts';
import { awayRemedy } from '../tunnels/edge-connect.ts';
import type { Outlet } from './outlet.ts';
import { explain, toProxyFailure } from './proxy-error.ts';

/** An outlet of the other edge, open for as long as we hear from it. */
export interface RemoteSession {
  connect(): Promise<Socket>;
  close(): void;
}

/** Who is told of what. */
export interface SessionEvents {
  onEvent: OnGatewayEvent;
  /** The outlet is gone; what ran through it has ended. */
  onClosed: () => void;
}

export interface RemoteOutletOptions {
  binding: string;
  throws: boolean;
  /** Where the other edge is. */
  url: string;
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  /** Has the other edge open an outlet. Rejects with an `EgressError` when it cannot be asked. */
  openSession: (events: SessionEvents) => Promise<RemoteSession>;
  onEvent: OnGatewayEvent;
}

/** Behind a connection that came as far as the edge; what is decided about it is decided there. */
const viaEdge: Decision = {
  verdict: 'allow',
  destination: undefined,
  rule: 'none',
  resolver: 'none',
  addresses: [],
  refused: [],
  route: { kind: 'direct' },
  code: 'allowed',
  message: '',
  detail: '',
  remedy: '',
};

export async function openRemoteOutlet(options: RemoteOutletOptions): Promise<Outlet> {
  const { binding, throws, url, path, openSession } = options;
  const onEvent: OnGatewayEvent = (event) => options.onEvent({ ...event, binding });
  let isClosed = false;
  let session: Promise<RemoteSession> | undefined;
  const currentSession = (): Promise<RemoteSession> => (session ??= openAnew());
  const openAnew = (): Promise<RemoteSession> => {
    const forget = (): void => {
      if (session === opened) session = undefined;
    };
    const opened = openSession({ onEvent, onClosed: forget });
    opened.then((open) => isClosed && open.close(), forget);
    return opened;
  };
  const dial = async (): Promise<Socket> => {
    const isKnown = session !== undefined;
    try {
      return await (await currentSession()).connect();
    } catch (error) {
      // The edge may have been started again since.
      if (!isKnown) throw error;
      return (await currentSession()).connect();
    }
  };
  const toLost = (error: Error): Error =>
    codeOf(error) === undefined
      ? new Refusal(
          'tunnel_unavailable',
          `the edge at ${url} broke off before it answered: ${error.message}`,
          awayRemedy,
        )
      : error;
  const report: OnGatewayEvent = (event) => {
    // Of what came as far as the edge, it tells itself.
    const isTold = event.code === undefined || (event.code === 'aborted' && event.decision === viaEdge);
    if (!isTold) onEvent({ ...event, decision: undefined });
  };
  const proxy = createForwardProxy({
    egress: {
      decide: async () => viaEdge,
      open: async () => ({ stream: await dial(), decision: viaEdge, remoteAddress: url, localAddress: '' }),
    },
    findTrust: () => bareTls,
    onEvent: report,
    toFailure: toProxyFailure,
    explain,
    onward: { toLost },
  });
  const connect = async (authority: string, client: Duplex, head: Buffer): Promise<void> => {
    client.pause();
    if (head.byteLength > 0) client.unshift(head);
    let reason: unknown;
    try {
      const there = await dial();
      if (client.destroyed) return void there.destroy();
      client.once('close', () => there.destroy());
      there.write(`CONNECT ${authority} HTTP/1.1\r\n\r\n`);
      await firstBytes(there);
      return relay(client, there);
    } catch (error) {
      reason = error instanceof EgressError ? error : toLost(error as Error);
    }
    const refuse = (): never => {
      throw reason;
    };
    await relayConnect(client, authority, Buffer.alloc(0), {
      egress: { decide: refuse, open: refuse },
      onEvent: report,
    });
  };
  const server = await startOutletServer({
    path,
    proxy,
    connect: (authority, client, head) => void connect(authority, client, head).catch(() => client.destroy()),
  });
  return {
    binding,
    throws,
    socket: path,
    traffic: undefined,
    retire: () => server.retire(),
    async close() {
      isClosed = true;
      session?.then(
        (open) => open.close(),
        () => {},
      );
      await server.close();
    },
  };
}

/** What came back for a CONNECT stays in front. Rejects when nothing will come. */
function firstBytes(stream: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      stream.off('readable', onReadable).off('error', settle).off('close', onReadable);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onReadable = (): void => settle(stream.readableLength > 0 ? undefined : new Error('the connection ended'));
    stream.on('readable', onReadable).on('error', settle).on('close', onReadable);
  });
}
