// The servers everybody is measured against: plain node:net in a process of its own. Takes the source's number of bytes, and prints the
// ports as one JSON line.
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { argv } from 'node:process';
import { echoHosts, type PeerPorts } from './peer-ports.ts';

const block = Buffer.alloc(1 << 20, 'sallyport');

function send(socket: Socket, total: number): void {
  let left = total;
  const write = (): void => {
    while (left > 0) {
      const bytes = left < block.byteLength ? block.subarray(0, left) : block;
      left -= bytes.byteLength;
      if (!socket.write(bytes)) break;
    }
    if (left === 0) {
      left = -1;
      socket.off('drain', write).end();
    }
  };
  socket.on('drain', write).resume();
  write();
}

async function listen(server: Server, options: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options, resolve));
  return (server.address() as AddressInfo).port;
}

function createPeer(serve: (socket: Socket) => void, pauseOnConnect = false): Server {
  return createServer({ noDelay: true, pauseOnConnect }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
}

async function startPeers(bytes: number): Promise<PeerPorts> {
  const host = '127.0.0.1';
  const echo = (): Server => createPeer((socket) => socket.on('data', (chunk) => socket.write(chunk)));
  const [first = host, ...others] = echoHosts;
  const echoPort = await listen(echo(), { host: first, port: 0, backlog: 1_024 });
  for (const other of others) await listen(echo(), { host: other, port: echoPort, backlog: 1_024 });
  return {
    source: await listen(
      createPeer((socket) => send(socket, bytes)),
      { host, port: 0 },
    ),
    sink: await listen(
      createPeer((socket) => socket.resume()),
      { host, port: 0 },
    ),
    echo: echoPort,
    stalled: await listen(
      createPeer(() => {}, true),
      { host, port: 0 },
    ),
  };
}

console.log(JSON.stringify(await startPeers(Number(argv[2]))));
