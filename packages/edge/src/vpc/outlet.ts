// The private end of a binding to a service or a network: a unix socket that one Worker's runtime dials, for one binding.
// Which socket was dialled is all that tells who asks and for what, so nothing in a request can lead elsewhere.
import type { Egress, EgressTarget } from '@sallyport/egress';
import { parseAuthority, relayConnect } from '../gateway/connect-relay.ts';
import type { OnGatewayEvent } from '../gateway/events.ts';
import { createForwardProxy, type ForwardProxy, type ForwardProxyParts, type Place } from '../gateway/forward-proxy.ts';
import { type OutletParts, type OutletServer, startOutletServer } from '../gateway/outlet-server.ts';
import type { Traffic } from '../gateway/traffic.ts';
import type { FindTls } from '../tls/host-tls.ts';
import { explain, toProxyFailure } from './proxy-error.ts';

/** Earlier ways whose requests may still run; of one more the oldest is cut off. */
export const maxRetired = 16;

/** Where a binding leads at this moment. */
export interface Way {
  egress: Egress;
  findTrust: FindTls;
  /** Of a request; throws a `Refusal` when it may not be made. Default: where the URL says. */
  locate?: (url: URL) => Place;
  /** What its Worker and the log are told of failures. Default: as of a private service. */
  toFailure?: ForwardProxyParts['toFailure'];
  explain?: ForwardProxyParts['explain'];
  /** Of a connection; throws a `Refusal` when it may not be made. Default: where the authority says. */
  toTarget?: (authority: string) => (EgressTarget & { destination?: string }) | undefined;
}

export interface OutletWay {
  /** Asked for each request and connection, so it answers from memory, with the same object for as long as it is the same. */
  find: () => Way;
  onEvent: OnGatewayEvent;
}

export interface OutletOptions extends OutletWay {
  binding: string;
  /** Whether its `fetch()` rejects when nothing can be reached. */
  throws: boolean;
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
}

export interface Outlet {
  binding: string;
  socket: string;
  throws: boolean;
  /** Undefined where another edge counts it. */
  traffic: Traffic | undefined;
  /** Keeps no idle connection to where requests go from now on. */
  retire(): void;
  close(): Promise<void>;
}

export async function openOutlet({ binding, throws, path, find, onEvent }: OutletOptions): Promise<Outlet> {
  const parts = toOutletParts({ find, onEvent: (event) => onEvent({ ...event, binding }) });
  const server: OutletServer = await startOutletServer({ path, ...parts });
  const { traffic } = server;
  return { binding, throws, socket: path, traffic, retire: () => server.retire(), close: () => server.close() };
}

/** What is behind an outlet, whoever accepts its connections. */
export function toOutletParts({ find, onEvent }: OutletWay): OutletParts {
  let current: { way: Way; proxy: ForwardProxy } | undefined;
  const retired = new Set<ForwardProxy>();
  let isRetired = false;
  const proxyNow = (): ForwardProxy => {
    const way = find();
    if (current?.way === way) return current.proxy;
    if (current !== undefined) {
      // What runs finishes where it began.
      current.proxy.retire();
      retired.add(current.proxy);
      const [oldest] = retired;
      if (retired.size > maxRetired && oldest !== undefined) {
        oldest.close();
        retired.delete(oldest);
      }
    }
    current = { way, proxy: createForwardProxy({ toFailure: toProxyFailure, explain, ...way, onEvent }) };
    if (isRetired) current.proxy.retire();
    return current.proxy;
  };
  return {
    proxy: {
      forward: (incoming, response) => proxyNow().forward(incoming, response),
      upgrade: (incoming, client, head) => proxyNow().upgrade(incoming, client, head),
      retire() {
        isRetired = true;
        current?.proxy.retire();
      },
      close() {
        current?.proxy.close();
        for (const proxy of retired) proxy.close();
      },
    },
    connect(authority, client, head) {
      const { egress, toTarget = parseAuthority } = find();
      relayConnect(client, authority, head, { egress, onEvent, toTarget }).catch(() => client.destroy());
    },
  };
}
