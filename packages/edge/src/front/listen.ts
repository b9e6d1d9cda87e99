// Where the front listens. `localhost` means both loopback addresses, because clients try either first: with one of them
// free, half of them would reach nobody, or somebody else.
import type { Server } from 'node:http';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';

/** How often a free port is looked for that is free on both loopback addresses. */
const attempts = 10;

/** The system has no such address; another error means that it cannot be had. */
const absent = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

export interface Listening {
  /** IP addresses. */
  addresses: string[];
  port: number;
  /** Stops accepting. */
  close(): void;
}

const ready = (server: NetServer, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

/** @throws the system's error, such as EADDRINUSE */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Listening> {
  if (host !== 'localhost') {
    await ready(server, host, port);
    return toListening(server, []);
  }
  for (let attempt = 1; ; attempt += 1) {
    const first = await listenFirst(server, port);
    if (first === '::1') return toListening(server, []);
    const second = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket));
    second.maxConnections = server.maxConnections;
    try {
      await ready(second, '::1', (server.address() as AddressInfo).port);
      return toListening(server, [second]);
    } catch (error) {
      if (absent.has(codeOf(error))) return toListening(server, []);
      await new Promise((resolve) => server.close(resolve));
      if (port !== 0 || attempt === attempts) throw error;
    }
  }
}

async function listenFirst(server: Server, port: number): Promise<string> {
  try {
    await ready(server, '127.0.0.1', port);
    return '127.0.0.1';
  } catch (error) {
    if (!absent.has(codeOf(error))) throw error;
    await ready(server, '::1', port);
    return '::1';
  }
}

function toListening(server: Server, others: NetServer[]): Listening {
  const all = [server, ...others].map((each) => each.address() as AddressInfo);
  return {
    addresses: all.map(({ address }) => address),
    port: all[0]!.port,
    close() {
      for (const each of [server, ...others]) each.close();
    },
  };
}

/** The address to open, for what was asked to listen on. */
export function toUrl(host: string, { addresses, port }: { addresses: string[]; port: number }): string {
  const [address = host] = addresses;
  if (host === 'localhost' || address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
