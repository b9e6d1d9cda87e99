// A service that wants a client certificate, by every protocol a Worker can speak TLS in: HTTPS and WebSocket on one port,
// plain TLS on another, STARTTLS on a third. Each says the name in the certificate it was shown.
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { createHash } from 'node:crypto';
import type { Certificate } from '@sallyport/testkit';

export interface Mutual {
  https: number;
  tls: number;
  starttls: number;
}

export interface MutualOptions {
  certificate: Certificate;
  /** The authority that clients have to be from. */
  clientCa: string;
}

const nameOf = (socket: TLSSocket): string => String(socket.getPeerCertificate().subject?.CN);

export async function startMutual(t: TestContext, { certificate, clientCa }: MutualOptions): Promise<Mutual> {
  const settings = { ...certificate, ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const https = createHttps(settings, (request, response) => response.end(nameOf(request.socket as TLSSocket)));
  https.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    const name = Buffer.from(nameOf(socket as TLSSocket));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(Buffer.concat([Buffer.from([0x81, name.length]), name]));
  });
  const tls = createTls(settings, (socket) => void socket.on('error', () => {}).end(nameOf(socket)));
  const starttls = createServer((plain) => {
    plain.on('error', () => {});
    plain.once('data', () => {
      plain.write('go\n');
      // Handed to the server of the second port, which speaks TLS as soon as a connection is its own.
      tls.emit('connection', plain);
    });
  });
  const [a, b, c] = await Promise.all([https, tls, starttls].map((server) => listen(t, server)));
  return { https: a!, tls: b!, starttls: c! };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}
