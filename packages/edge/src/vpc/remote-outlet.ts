// The private end of a binding to a service of another edge (`sallyport dev --edge`): each connection of the Worker's runtime
// is one CONNECT into an outlet that the other edge opened for this binding. So ports, TLS, client certificates and errors are
// those of that edge, as they are there at each moment, and no secret leaves it; what became of each request is told back.
import type { Socket } from 'node:net';
import { startPrivateListener } from '../gateway/private-listener.ts';
import { createOutletHandler } from '../gateway/outlet-server.ts';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { relay } from '../gateway/relay.ts';
import { bareTls } from '../tls/host-tls.ts';
import { type Outlet, toOutletParts, type Way } from './outlet.ts';

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
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  /** Has the other edge open an outlet. Rejects with an `EgressError` when it cannot be asked. */
  openSession: (events: SessionEvents) => Promise<RemoteSession>;
  onEvent: OnGatewayEvent;
}

export async function openRemoteOutlet(options: RemoteOutletOptions): Promise<Outlet> {
  const { binding, throws, path, openSession } = options;
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

  let reason: unknown;
  const nothing = (): never => {
    throw reason;
  };
  const way: Way = { egress: { decide: nothing, open: nothing }, findTrust: () => bareTls };
  // The next request is to look for the edge again.
  const unreachable = createOutletHandler({ ...toOutletParts({ find: () => way, onEvent }), maxRequests: 1 });
  const listener = await startPrivateListener({
    path,
    allowHalfOpen: true,
    accept(client) {
      client.pause();
      dial().then(
        (there) => relay(client, there),
        (error: unknown) => {
          reason = error;
          if (!client.destroyed) unreachable.serve(client);
        },
      );
    },
  });
  return {
    binding,
    throws,
    socket: path,
    traffic: undefined,
    async close() {
      isClosed = true;
      session?.then(
        (open) => open.close(),
        () => {},
      );
      unreachable.close();
      await listener.close();
    },
  };
}
