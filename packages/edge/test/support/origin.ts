// A real HTTP origin for fetch() out of a Worker.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Certificate } from '@sallyport/testkit';

export interface Origin {
  server: Server;
  /** `http://localhost:PORT` or the same with https. */
  url: string;
  /** Connections so far. */
  readonly connections: number;
}

export async function startOrigin(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  certificate?: Certificate,
): Promise<Origin> {
  const server = certificate === undefined ? createServer(handler) : createSecureServer(certificate, handler);
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    server: server as Server,
    url: `${certificate === undefined ? 'http' : 'https'}://localhost:${port}`,
    get connections() {
      return connections;
    },
  };
}

/** The whole body of a message. */
export async function read(message: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
