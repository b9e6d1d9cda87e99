// The JavaScript inspector of a development server. The runtime's own lets in everybody who reaches it, and every web
// page reaches 127.0.0.1: a page could read the Worker's secrets and run code in it. So this one asks who comes, and the
// runtime's is behind an address that no page can guess. It keeps its port when the runtime is replaced.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { platform } from 'node:process';
import { isLoopbackHost, type OwnListener } from '@sallyport/egress';
import { listening } from '../config/listen-address.ts';
import { relay } from '../gateway/relay.ts';

/** Debuggers at once: a few windows. */
const maxConnections = 64;
const host = '127.0.0.1';

/** Pages that are part of a browser or an editor; programs send no origin. */
const debuggers = /^(?:devtools|chrome-devtools|vscode-webview|vscode-file):\/\//;

export interface Inspector {
  readonly port: number;
  /** Where runtimes are to have theirs. */
  readonly runtimeHost: string;
  /** This one, and that of the runtime that runs. */
  readonly listeners: OwnListener[];
  close(): Promise<void>;
}

/**
 * `find` tells the port of the running runtime's inspector.
 * @throws EdgeError `cannot_listen`
 */
export async function startInspector(port: number, find: () => number | undefined): Promise<Inspector> {
  const runtimeHost = toRuntimeHost();
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    incoming.resume();
    const target = find();
    if (!isWelcome(incoming)) return void response.writeHead(403).end('403 Forbidden\n');
    if (target === undefined) return void response.writeHead(503).end('No Worker runs.\n');
    const { method, url: path, headers } = incoming;
    const outgoing = request({ host: runtimeHost, port: target, method, path, headers: { host: headers.host } });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    outgoing.on('error', () => response.destroy());
    outgoing.end();
  });
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, client: Socket, head) => {
    client.on('error', () => client.destroy());
    const target = find();
    if (!isWelcome(incoming)) return refuse(client, '403 Forbidden');
    if (target === undefined) return refuse(client, '503 Service Unavailable');
    const runtime = connect({ host: runtimeHost, port: target, allowHalfOpen: true });
    runtime.write(toHead(incoming), 'latin1');
    if (head.byteLength > 0) runtime.write(head);
    relay(client, runtime);
  });
  await listening('--inspector-port', { host, port }, async () => {
    server.listen(port, host);
    await once(server, 'listening');
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    port: actual,
    runtimeHost,
    get listeners() {
      const behind = find();
      const own = { address: host, port: actual };
      return behind === undefined ? [own] : [own, { address: runtimeHost, port: behind }];
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Whether a request comes from a program of this machine, or from a debugger's page; not from any other page. */
function isWelcome({ headers: { host: named, origin } }: IncomingMessage): boolean {
  return isLoopbackHost(named) && (origin === undefined || debuggers.test(origin));
}

/** One of 16 million addresses of this machine, where a system has them all. */
function toRuntimeHost(): string {
  if (platform !== 'linux') return host;
  return `127.${[...randomBytes(3)].map((byte) => 1 + (byte % 254)).join('.')}`;
}

function toHead({ method, url, rawHeaders }: IncomingMessage): string {
  const fields = Array.from({ length: rawHeaders.length / 2 }, (_, index) => {
    return `${rawHeaders[2 * index]}: ${rawHeaders[2 * index + 1]}\r\n`;
  });
  return `${method} ${url} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

function refuse(client: Socket, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => client.destroy());
}
