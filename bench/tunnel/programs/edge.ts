// The edge half: the real TunnelListener and TunnelRegistry. For the loads it listens as `ssh -L` does: every connection
// to one of its ports becomes a connection through the tunnel. Prints its ports as one JSON line.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { argv } from 'node:process';
import { TunnelListener } from '@sallyport/tunnel';
import { relay } from '../../../packages/tunnel/src/link/relay.ts';
import { echoHosts, host, portNames, type Ports } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

export interface EdgeSetup {
  cert: string;
  key: string;
  /** The servers' ports, as the connector sees them. */
  targets: Ports;
  /** Where to listen; a restarted edge has the addresses of the one before. */
  at?: EdgePorts;
}

export interface EdgePorts {
  /** For connectors. */
  tunnel: number;
  entries: Ports;
}

const tunnelId = 'bench';
const { cert, key, targets, at } = JSON.parse(argv[2]!) as EdgeSetup;
const waiting: (() => void)[] = [];
const listener = await new TunnelListener({
  cert,
  key,
  port: at?.tunnel,
  findSecret: async () => Buffer.alloc(32, 7),
  registered: () => waiting.splice(0).forEach((look) => look()),
}).listen();

async function enter(socket: Socket, port: number): Promise<void> {
  socket.on('error', () => {});
  try {
    const { stream } = await listener.registry.open(tunnelId, { hostname: host, port });
    if (socket.destroyed) stream.destroy();
    else relay(socket, stream);
  } catch {
    socket.resetAndDestroy();
  }
}

async function listen(port: number, target: number): Promise<number> {
  const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
  const server = createServer(options, (socket) => void enter(socket, target));
  await new Promise<void>((resolve) => server.listen({ host, port, backlog: 4_096 }, resolve));
  return (server.address() as AddressInfo).port;
}

/** Opens a stream in this process, to the answer, and ends it. */
async function openOne(index: number): Promise<void> {
  const hostname = echoHosts[index % echoHosts.length]!;
  const { stream } = await listener.registry.open(tunnelId, { hostname, port: targets.echo });
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject).once('close', resolve).resume().end();
  });
}

serveOrders({
  links: ({ count }: { count: number }) =>
    new Promise((resolve) => {
      const look = (): void => {
        if (listener.registry.all.length >= count) resolve({ at: Date.now() });
        else waiting.push(look);
      };
      look();
    }),

  open: async ({ count, concurrency }: { count: number; concurrency: number }) => {
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (next < count) await openOne(next++);
      }),
    );
    return { milliseconds: performance.now() - startedAt };
  },
});

const entries: Partial<Ports> = {};
for (const name of portNames) entries[name] = await listen(at?.entries[name] ?? 0, targets[name]);
print({ tunnel: listener.port, entries });
