// A driver on a loopback connection whose other end is handed to somebody: a way into a fleet without a listener of its own.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { TestScope } from '@sallyport/testkit';
import { Client } from 'pg';

export async function connectDuplex(
  t: TestScope,
  login: { user: string; password: string; database: string },
  accept: (stream: Socket) => void,
): Promise<Client> {
  const server = createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const client = new Client({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...login });
  client.on('error', () => {});
  t.after(() => client.end().catch(() => {}));
  await client.connect();
  return client;
}
