// The least that a process of Node between a Worker and its server can be: no policy, no TLS, no frames, no limits. What is
// lost with it in between, any edge made of Node loses. Prints its port.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { argv } from 'node:process';
import { print, serveOrders } from '../../kit/orders.ts';

const { port } = JSON.parse(argv[2]!) as { port: number };
const host = '127.0.0.1';

function copy(from: Socket, to: Socket): void {
  from.on('data', (chunk) => to.write(chunk));
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const origin = connect({ host, port, allowHalfOpen: true, noDelay: true });
  copy(client, origin);
  copy(origin, client);
});
serveOrders({});
server.listen({ host, port: 0 }, () => print({ port: (server.address() as AddressInfo).port }));
