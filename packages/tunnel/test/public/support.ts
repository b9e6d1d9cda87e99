// A public server behind a plain TCP port, and origins for it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as ask, type RequestListener, type Server } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { systemClock } from '@sallyport/egress';
import type { TestScope } from '@sallyport/testkit';
import { readPools } from '../../src/agent/ca-pools.ts';
import { createConnectorMetrics } from '../../src/agent/connector-metrics.ts';
import type { LogFields } from '../../src/agent/log.ts';
import { createWrittenEgress } from '../../src/agent/written-egress.ts';
import { parseTunnelConfig, type TunnelConfig } from '../../src/index.ts';
import { PublicServer } from '../../src/public/public-server.ts';

export function toConfig(value: unknown): TunnelConfig {
  const { config, diagnostics } = parseTunnelConfig(JSON.stringify(value), { file: 'config.yml' });
  if (config === undefined) throw new Error(JSON.stringify(diagnostics));
  return config;
}

/** A configuration with one rule for everything. */
export function ruleFor(service: string, originRequest: object = {}): TunnelConfig {
  return toConfig({ ingress: [{ service, originRequest }] });
}

export interface Front {
  port: number;
  server: PublicServer;
  log: { level: string; message: string; fields: LogFields }[];
  metrics: () => string;
}

export async function startFront(t: TestScope, config: TunnelConfig): Promise<Front> {
  const metrics = createConnectorMetrics({ live: () => 1, version: '0' });
  const log: Front['log'] = [];
  const server = new PublicServer(config, readPools(config), {
    written: createWrittenEgress({ clock: systemClock }),
    clock: systemClock,
    metrics,
    log: (level, message, fields = {}) => void log.push({ level, message, fields }),
  });
  const tcp = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.accept(socket));
  const port = await listen(t, tcp);
  t.after(() => server.close());
  return { port, server, log, metrics: () => metrics.registry.toText() };
}

/** Listens on a free port until the test ends. */
export async function listen(t: TestScope, server: TcpServer | Server, path?: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)).on('error', () => {}));
  });
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(path, resolve);
  });
  t.after(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

export async function startOrigin(t: TestScope, listener: RequestListener): Promise<{ port: number; url: string }> {
  const port = await listen(t, createServer(listener));
  return { port, url: `http://127.0.0.1:${port}` };
}

/** An origin that writes this text as soon as it was asked, and keeps what it was sent. */
export async function startRawOrigin(
  t: TestScope,
  answer: string | ((socket: Socket) => void),
): Promise<{ url: string; heard: () => string }> {
  let heard = '';
  const tcp = createTcpServer((socket) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
    if (typeof answer === 'string') socket.once('data', () => socket.write(answer));
    else answer(socket);
  });
  const port = await listen(t, tcp);
  return { url: `http://127.0.0.1:${port}`, heard: () => heard };
}

/** Writes this text and resolves with everything until the connection ends. */
export async function talk(port: number, request: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1');
  socket.write(request, 'latin1');
  let heard = '';
  for await (const chunk of socket) heard += String(chunk);
  return heard;
}

export const get = (path: string, fields: string[] = [], host = 'a.test'): string =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...fields, '', ''].join('\r\n');

/** Everything a stream holds. */
export async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

/** The response to one request on a connection of its own. */
export async function respond(port: number, options: object, body?: string): Promise<IncomingMessage> {
  const outgoing = ask({ port, host: '127.0.0.1', agent: false, ...options });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming;
}
