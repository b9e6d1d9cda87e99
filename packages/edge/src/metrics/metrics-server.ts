// `/metrics` and `/healthcheck` of an edge, on an address that only the operator's network should reach.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopbackHost } from '@sallyport/egress';
import type { ListenAddress } from '../config/listen-address.ts';
import { type Family, toExposition, toFamily } from './exposition.ts';

/** Connections at once: a few scrapers and somebody with curl. */
const maxConnections = 64;

export interface MetricsServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

function processFamilies(): Family[] {
  const build = { node: process.versions.node };
  return [
    toFamily('sallyport_build_info', 'gauge', { help: 'Always 1; its labels say what runs', samples: [[build, 1]] }),
    toFamily('process_resident_memory_bytes', 'gauge', {
      help: 'Resident memory size in bytes',
      samples: [[{}, process.memoryUsage.rss()]],
    }),
    toFamily('process_uptime_seconds', 'gauge', {
      help: 'Seconds since the process started',
      samples: [[{}, process.uptime()]],
    }),
  ];
}

/** @throws the system's error when the address cannot be listened on */
export async function startMetricsServer(
  { host, port }: ListenAddress,
  read: () => readonly Family[],
): Promise<MetricsServer> {
  const server: Server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    request.resume();
    // On loopback no name leads here but those of this machine; a web page that was rebound to us has another.
    if (isLoopbackHost(host) && !isLoopbackHost(request.headers.host)) send(response, 403, '403 Forbidden\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, '405 Method Not Allowed\n');
    else if (path === '/healthcheck') send(response, 200, 'OK\n');
    else if (path === '/metrics') {
      send(response, 200, toExposition([...processFamilies(), ...read()]), 'text/plain; version=0.0.4; charset=utf-8');
    } else send(response, 404, '404 Not Found\n');
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject).on('error', () => {});
      resolve();
    });
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
