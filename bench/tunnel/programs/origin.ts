// The servers everybody reaches: plain node:net in a process of its own. Prints the ports as one JSON line.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Ports } from '../ports.ts';
import { echoHosts } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

const block = Buffer.alloc(256 * 1024, 'sallyport');

/** Reads the eight bytes that say how much the client wants or will send; then the rest of the first chunk. */
function readLength(socket: Socket, then: (length: number, rest: Buffer) => void): void {
  let head = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    if (head.length < 8) return;
    socket.off('data', take);
    then(Number(head.readBigUInt64BE()), head.subarray(8));
  };
  socket.on('data', take);
}

function source(socket: Socket): void {
  readLength(socket, (length) => {
    let left = length;
    const write = (): void => {
      while (left > 0) {
        const bytes = left < block.length ? block.subarray(0, left) : block;
        left -= bytes.length;
        if (!socket.write(bytes)) return;
      }
      if (left === 0) {
        left = -1;
        socket.end();
      }
    };
    socket.on('drain', write).resume();
    write();
  });
}

/** Answers, once everything has come, with the milliseconds from the first byte of it to the last. */
function sink(socket: Socket): void {
  readLength(socket, (length, rest) => {
    let left = length - rest.length;
    let startedAt = rest.length > 0 ? performance.now() : 0;
    socket.on('data', (chunk) => {
      if (startedAt === 0) startedAt = performance.now();
      left -= chunk.length;
      if (left > 0) return;
      const answer = Buffer.alloc(8);
      answer.writeDoubleBE(performance.now() - startedAt);
      socket.end(answer);
    });
  });
}

function echo(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(chunk));
}

function create(serve: (socket: Socket) => void): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
}

async function listen(server: Server, host: string, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port, backlog: 4_096 }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

const [host, ...others] = echoHosts;
const ports: Ports = {
  source: await listen(create(source), host!),
  sink: await listen(create(sink), host!),
  echo: await listen(create(echo), host!),
};
for (const other of others) await listen(create(echo), other, ports.echo);
serveOrders({});
print({ ...ports });
