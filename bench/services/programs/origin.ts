// The private service: plain node:http. `/small` is 1 KiB; `/large?bytes=N` as many, with their length. Prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { print, serveOrders } from '../../kit/orders.ts';

const small = Buffer.alloc(1_024, 'sallyport');
const block = Buffer.alloc(256 * 1_024, 'sallyport');
const host = '127.0.0.1';

const server = createServer({ noDelay: true }, (request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin');
  if (url.pathname !== '/large') {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': small.length });
    response.end(small);
    return;
  }
  let left = Number(url.searchParams.get('bytes'));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left });
  const write = (): void => {
    while (left > 0) {
      const part = left < block.length ? block.subarray(0, left) : block;
      left -= part.length;
      if (!response.write(part)) return;
    }
    response.off('drain', write);
    response.end();
  };
  response.on('drain', write);
  write();
});
// Peers keep connections as long as they like: none of them shall meet a closed one.
server.keepAliveTimeout = 600_000;
serveOrders({});
server.listen({ host, port: 0, backlog: 4_096 }, () => print({ port: (server.address() as AddressInfo).port }));
