// The gateway: a Worker's only way out. One unix socket per Worker, in a directory only we may enter, because the
// runtime's CONNECT carries no headers: the socket is the identity.
//
// It speaks HTTP: CONNECT to the reserved authority opens a Worker socket (frames), CONNECT to any other relays raw
// bytes, and requests in absolute form are a Worker's `fetch()`.
import type { Egress, Policy } from '@sallyport/egress';
import { type FindTrust, socketAuthority } from '@sallyport/sockets/internal';
import { relayConnect } from './connect-relay.ts';
import type { OnGatewayEvent } from './events.ts';
import { createForwardProxy } from './forward-proxy.ts';
import { NameService, portsOf } from './name-service.ts';
import { type OutletServer, startOutletServer } from './outlet-server.ts';
import { SocketSession } from './socket-session.ts';
import { StandIns } from './stand-ins.ts';
import { Wakefulness } from './wakefulness.ts';

export { headersTimeout, maxConnections, maxHeaderSize } from './outlet-server.ts';

export interface GatewayOptions {
  /** Path of the unix socket; a stale one is replaced. */
  path: string;
  egress: Egress;
  /** That of `egress`, as far as it speaks of ports: names are answered for a Worker that may use them on any. */
  policy?: Policy;
  /** Authorities and client certificate per destination. Default: the system's, none. */
  findTrust?: FindTrust;
  onEvent?: OnGatewayEvent;
  /** Milliseconds for a request head to arrive. Default 20 000. */
  headersTimeout?: number;
}

export type Gateway = OutletServer;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { path, onEvent = () => {}, policy } = options;
  const standIns = new StandIns();
  const egress = standIns.wrap(options.egress);
  const findTrust = standIns.wrapTrust(options.findTrust ?? (() => undefined));
  const names = new NameService({ egress, standIns, ports: portsOf(policy?.entries ?? []) });
  const parts = { egress, names, findTrust, onEvent, wakefulness: new Wakefulness() };
  return startOutletServer({
    path,
    headersTimeout: options.headersTimeout,
    proxy: createForwardProxy(parts),
    connect(authority, client, head) {
      if (authority === socketAuthority) {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        return void new SocketSession(client, head, parts);
      }
      relayConnect(client, authority, head, parts).catch(() => client.destroy());
    },
  });
}
