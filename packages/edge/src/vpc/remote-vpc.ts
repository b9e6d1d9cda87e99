// The private services of a running edge, for `sallyport dev --edge`: an outlet there for each binding here, opened by
// CONNECT. What came through it is told on the connection that opened it, one JSON line each.
import { ClientError, type ControlClient, type EdgeAccess, type ServiceInfo } from '@sallyport/control/client';
import type { EgressError } from '@sallyport/egress';
import type { Readable } from 'node:stream';
import type { GatewayEvent, OnGatewayEvent } from '../gateway/events.ts';
import { connectEdge, EdgeRefusal, toEdgeError } from '../tunnels/edge-connect.ts';
import { outletHeader, stoppingCode, toOutletAuthority, toServiceAuthority } from './outlet-requests.ts';
import type { Networks } from './networks.ts';
import type { RemoteSession, SessionEvents } from './remote-outlet.ts';

/** Milliseconds for the edge to take a connection; its own ones have limits of their own. */
const connectTimeout = 15_000;
/** Milliseconds of silence after which the system asks whether the edge is still there. */
const keepAliveDelay = 30_000;
/** Characters of one event; an edge that sends a longer one is left. */
const maxEvent = 65_536;

export interface RemoteVpc {
  /** Where the edge is. */
  url: string;
  networks: Networks;
  /** True also when that cannot be asked: the edge may be back when a request comes. */
  hasService(id: string): Promise<boolean>;
  /** The id of the service with a name, when it can be asked. */
  idOf(name: string): Promise<string | undefined>;
  openSession(serviceId: string, events: SessionEvents): Promise<RemoteSession>;
}

export function createRemoteVpc(access: EdgeAccess, client: ControlClient, networks: Networks): RemoteVpc {
  const toError = (cause: unknown): EgressError => toEdgeError(cause, { url: access.url, port: 0 });
  return {
    url: access.url,
    networks,
    hasService(id) {
      const path = client.account(`connectivity/directory/services/${encodeURIComponent(id)}`);
      return client.call<ServiceInfo>('GET', path).then(
        () => true,
        (error: unknown) => !(error instanceof ClientError && error.status === 404),
      );
    },
    async idOf(name) {
      const path = client.account('connectivity/directory/services');
      const found = await client.list<ServiceInfo>(path, { name }).catch(() => []);
      return found[0]?.service_id;
    },
    async openSession(serviceId, { onEvent, onClosed }) {
      const signal = AbortSignal.timeout(connectTimeout);
      const { stream, headers } = await connectEdge(access, toServiceAuthority(serviceId), { signal }).catch(
        (cause) => {
          throw toError(cause);
        },
      );
      const outlet = String(headers[outletHeader]);
      stream.setKeepAlive(true, keepAliveDelay);
      stream.once('close', onClosed).once('end', () => stream.destroy());
      readEvents(stream, onEvent);
      return {
        async connect() {
          try {
            const limit = AbortSignal.timeout(connectTimeout);
            return (await connectEdge(access, toOutletAuthority(outlet), { signal: limit })).stream;
          } catch (cause) {
            const error = toError(cause);
            // It knows nothing of the outlet any more. While it stops, what runs may finish.
            if (cause instanceof EdgeRefusal && error.code !== stoppingCode) stream.destroy();
            throw error;
          }
        },
        close: () => void stream.destroy(),
      };
    },
  };
}

function readEvents(stream: Readable, onEvent: OnGatewayEvent): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) onEvent(JSON.parse(line) as GatewayEvent);
    } catch {
      rest = '';
      stream.destroy();
    }
    if (rest.length > maxEvent) stream.destroy();
  });
  stream.resume();
}
