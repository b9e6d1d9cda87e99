// `/ready`, `/healthcheck`, `/metrics` and `/config` on a local port, as people know them from cloudflared.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopbackHost } from '@sallyport/egress';
import type { TunnelConfig } from '../ingress/config.ts';
import { toPublicText } from '../ingress/service.ts';
import type { Metrics } from './metrics.ts';

/** Tried in turn when no address was given; if all are taken, any free port serves. */
export const defaultPorts: readonly number[] = [20241, 20242, 20243, 20244, 20245, 0];

const maxConnections = 64;

export interface StatusSource {
  connectorId: string;
  live: () => number;
  metrics: Metrics;
  config: () => { version: number; config: TunnelConfig };
}

export interface StatusServer {
  host: string;
  port: number;
  close(): Promise<void>;
}

/** @throws the system's error when none of the ports can be listened on */
export async function startStatusServer(
  { host, ports }: { host: string; ports: readonly number[] },
  source: StatusSource,
): Promise<StatusServer> {
  for (const [index, port] of ports.entries()) {
    try {
      const server = await listen(host, port, source);
      const { port: actual } = server.address() as AddressInfo;
      const close = async (): Promise<void> => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
      };
      return { host, port: actual, close };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || index === ports.length - 1) throw error;
    }
  }
  throw new TypeError('No port to listen on');
}

function listen(host: string, port: number, source: StatusSource): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    request.resume();
    // On loopback no name leads here but those of this machine; a web page that was rebound to us has another.
    const isForeign = isLoopbackHost(host) && !isLoopbackHost(request.headers.host);
    if (isForeign) send(response, { status: 403, text: '403 Forbidden\n' });
    else if (request.method === 'GET' || request.method === 'HEAD') answer(path, response, source);
    else send(response, { status: 405, text: '405 Method Not Allowed\n' });
  });
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject).on('error', () => {});
      resolve(server);
    });
  });
}

function answer(path: string, response: ServerResponse, { connectorId, live, metrics, config }: StatusSource): void {
  if (path === '/ready') {
    const readyConnections = live();
    const status = readyConnections > 0 ? 200 : 503;
    const text = JSON.stringify({ status, readyConnections, connectorId });
    send(response, { status, text, type: 'application/json' });
  } else if (path === '/healthcheck') send(response, { status: 200, text: 'OK\n' });
  else if (path === '/metrics') {
    send(response, { status: 200, text: metrics.toText(), type: 'text/plain; version=0.0.4; charset=utf-8' });
  } else if (path === '/config') {
    const current = config();
    const text = JSON.stringify({ version: current.version, config: toPublicConfig(current.config) });
    send(response, { status: 200, text, type: 'application/json' });
  } else send(response, { status: 404, text: '404 Not Found\n' });
}

function send(
  response: ServerResponse,
  { status, text, type = 'text/plain; charset=utf-8' }: { status: number; text: string; type?: string },
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** The configuration without user names and passwords in service addresses, and without the flags in it. */
export function toPublicConfig({ ingress, originRequest, warpRouting, privateNetwork }: TunnelConfig): object {
  const rules = ingress.map(({ hostname, path, service, originRequest: own }) => ({
    ...(hostname === '' ? {} : { hostname }),
    ...(path === undefined ? {} : { path: path.source }),
    service: toPublicText(service),
    originRequest: own,
  }));
  return { ingress: rules, originRequest, 'warp-routing': warpRouting, 'private-network': privateNetwork };
}
