// Real loopback servers for tests, closed when the test ends.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface RunningServer {
  server: Server;
  port: number;
  /** How many connections were accepted so far. */
  readonly accepted: number;
}

export async function listen(
  t: Pick<TestContext, 'after'>,
  options: { host?: string; port?: number; serve?: (socket: Socket) => void } = {},
): Promise<RunningServer> {
  const { host = '127.0.0.1', serve = (socket) => socket.pipe(socket) } = options;
  const open = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    open.add(socket.on('close', () => open.delete(socket)).on('error', () => {}));
    serve(socket);
  });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
  };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
