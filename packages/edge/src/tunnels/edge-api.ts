// What the control API has beyond Cloudflare's: the explanation of one destination, and CONNECT through a tunnel for a
// `sallyport dev` that names this edge.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError, type ApiRoute, succeeded } from '@sallyport/control';
import { type DialTunnel, type EgressTarget, type Routes } from '@sallyport/egress';
import { parseAuthority } from '../gateway/connect-relay.ts';
import { relay } from '../gateway/relay.ts';
import { type AcceptDatabase, type DatabaseRequest, toDatabaseRequest } from '../hyperdrive/remote-databases.ts';
import type { OutletRefusal, OutletRequests } from '../vpc/outlet-requests.ts';
import { networkHeader, refusalHeader, tunnelHeader } from './edge-connect.ts';
import type { Explain } from './explain.ts';

/** Milliseconds a CONNECT may take. */
const connectTimeout = 15_000;

export function explainHandlers(explain: Explain): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/accounts/:account/sallyport/explain',
      async handle({ query }) {
        const target = parseAuthority(query.get('destination') ?? '');
        if (target === undefined) throw new ApiError('invalid_request', '"destination" is not HOST:PORT');
        const explanation = await explain(query.get('worker') ?? undefined, target);
        return succeeded(explanation);
      },
    },
  ];
}

export interface ConnectParts {
  routes: (network?: string) => Routes;
  /** Everything leads into one tunnel. */
  intoTunnel: (id: string) => Routes;
  dial: DialTunnel;
  /** Serves a client of a configuration. */
  acceptDatabase?: AcceptDatabase | undefined;
  /** Serves bindings to private services. */
  outlets?: OutletRequests | undefined;
}

/**
 * Takes authenticated CONNECTs. Only what a tunnel covers, the pools of configurations and private services can be reached:
 * this is no way out of the edge's machine.
 */
export function createTunnelConnect(parts: ConnectParts) {
  return (request: IncomingMessage, client: Duplex, head: Buffer): void => {
    client.on('error', () => client.destroy());
    client.pause();
    if (head.length > 0) client.unshift(head);
    const database = toDatabaseRequest(request);
    if (database !== undefined) return connectDatabase(database, client, parts);
    const no = (refusal: OutletRefusal): void => refuse(client, refusal);
    if (parts.outlets?.take(request.url ?? '', client as Socket, no) === true) return;
    connect(parts, request).then(
      (stream) => {
        if (client.destroyed) return void stream.destroy();
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        relay(client, stream);
      },
      (error: Error & { code?: string; remedy?: string }) => {
        const { code = 'connection_failed', message, remedy = '' } = error;
        const detail = (error as { detail?: string }).detail ?? message;
        refuse(client, { code, detail, remedy });
      },
    );
  };
}

function refuse(client: Duplex, refusal: OutletRefusal): void {
  const header = `${refusalHeader}: ${encodeURIComponent(JSON.stringify(refusal))}`;
  client.end(`HTTP/1.1 502 ${refusal.code}\r\n${header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  client.resume();
}

function connectDatabase({ id, credentials }: DatabaseRequest, client: Duplex, { acceptDatabase }: ConnectParts): void {
  // In front of the first bytes of the pool, which come at once.
  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (acceptDatabase === undefined) client.destroy();
  else acceptDatabase(id, credentials, client);
}

async function connect(
  { routes, intoTunnel, dial }: ConnectParts,
  { url = '', headers }: IncomingMessage,
): Promise<Duplex> {
  const target = parseAuthority(url);
  if (target === undefined) throw Object.assign(new Error(`${url} is not HOST:PORT`), { code: 'invalid_destination' });
  const { [networkHeader]: network, [tunnelHeader]: tunnel } = headers;
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const covering =
    typeof tunnel === 'string' ? intoTunnel(tunnel) : routes(typeof network === 'string' ? network : undefined);
  const found = findRoute(covering, { ...target, hostname: host });
  if (found === undefined) {
    throw Object.assign(new Error(`no tunnel covers ${url}`), {
      code: 'destination_denied',
      remedy: 'Add a route with `sallyport tunnel route ip add` or `sallyport tunnel route hostname add`.',
    });
  }
  return (await dial(found, { host, port: target.port }, { signal: AbortSignal.timeout(connectTimeout) })).stream;
}

function findRoute(routes: Routes, { hostname }: EgressTarget) {
  return routes.forAddress(hostname) ?? routes.forName(hostname.toLowerCase());
}
