// Relays to compare with: `raw` is one node:net hop; `tls-edge` and `tls-connector` are the tunnel's two hops with one TLS
// connection for each connection, as plain node:tls does it. Prints its ports as one JSON line.
//
// The TLS edge may keep connections ready, handshake done, which is the best such a relay can be: then a new connection
// costs it no handshake. The TLS connector dials when the first byte comes, so a ready connection is ready up to itself.
import { type AddressInfo, connect, createServer, type Socket, type TcpNetConnectOpts } from 'node:net';
import { argv } from 'node:process';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
} from 'node:tls';
import { relay } from '../../../packages/tunnel/src/link/relay.ts';
import { host, portNames, type Ports } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

export interface RelaySetup {
  role: 'raw' | 'tls-edge' | 'tls-connector';
  /** The next hop's ports. */
  targets: Ports;
  ca?: string;
  cert?: string;
  key?: string;
}

const { role, targets, ca, cert, key } = JSON.parse(argv[2]!) as RelaySetup;
const ready: Record<keyof Ports, TLSSocket[]> = { source: [], sink: [], echo: [] };
const tcp = { noDelay: true, allowHalfOpen: true };

function dialTcp(name: keyof Ports): Socket {
  return connect({ host, port: targets[name], ...tcp });
}

function dialTls(name: keyof Ports): TLSSocket {
  const options: ConnectionOptions & TcpNetConnectOpts = {
    ca: ca!,
    minVersion: 'TLSv1.3',
    servername: 'localhost',
    port: targets[name],
    host,
    allowHalfOpen: true,
  };
  const socket = connectTls(options);
  socket.setNoDelay(true).on('error', () => {});
  return socket;
}

function serve(socket: Socket, name: keyof Ports): void {
  socket.on('error', () => {});
  if (role === 'raw') relay(socket, dialTcp(name));
  else if (role === 'tls-edge') relay(socket, ready[name].pop() ?? dialTls(name));
  else socket.once('readable', () => relay(socket, dialTcp(name)));
}

async function listen(name: keyof Ports): Promise<number> {
  const accept = (socket: Socket): void => serve(socket, name);
  const server =
    role === 'tls-connector'
      ? createTlsServer({ cert, key, minVersion: 'TLSv1.3', ...tcp }, accept)
      : createServer({ ...tcp, pauseOnConnect: true }, accept);
  await new Promise<void>((resolve) => server.listen({ host, port: 0, backlog: 4_096 }, resolve));
  return (server.address() as AddressInfo).port;
}

serveOrders({
  fill: async ({ name, count }: { name: keyof Ports; count: number }) => {
    while (ready[name].length < count) {
      const socket = dialTls(name);
      await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      ready[name].push(socket);
    }
    return {};
  },
});

const entries: Partial<Ports> = {};
for (const name of portNames) entries[name] = await listen(name);
print({ ...entries });
