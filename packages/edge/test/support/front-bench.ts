// The front before a runtime that a test plays itself, and raw connections to it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BackendState } from '../../src/front/backend.ts';
import {
  type HttpFront,
  type HttpFrontOptions,
  type RequestEvent,
  startHttpFront,
} from '../../src/front/http-front.ts';
import { temporaryFolder } from './dev-bench.ts';
import { Recorder } from './recorder.ts';

export interface FrontBench {
  front: HttpFront;
  backend: BackendState;
  requests: Recorder<RequestEvent>;
  /** The requests that reached the runtime: their target and fields as they came. */
  reached: { method: string; target: string; fields: string[] }[];
  runtime: Server;
  /** Makes the runtime available. */
  use(): void;
  /** Sends bytes on a connection of its own and collects the answer until it ends. */
  raw(bytes: string): Promise<string>;
  dial(): Promise<Socket>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export async function startFront(
  t: TestContext,
  handler: Handler = (request, response) => void response.end(request.url),
  options: Partial<HttpFrontOptions> = {},
): Promise<FrontBench> {
  const path = join(await temporaryFolder(t), 'http.sock');
  const reached: FrontBench['reached'] = [];
  const runtime = createServer((request, response) => {
    reached.push({ method: request.method ?? '', target: request.url ?? '', fields: request.rawHeaders });
    handler(request, response);
  });
  await new Promise<void>((resolve) => {
    runtime.listen(path, resolve);
  });
  const backend = new BackendState();
  const requests = new Recorder<RequestEvent>();
  t.after(() => {
    runtime.closeAllConnections();
    runtime.close();
  });
  const front = await startHttpFront({
    host: '127.0.0.1',
    port: 0,
    findUpstream: () => backend,
    onRequest: requests.add,
    ...options,
  });
  const sockets = new Set<Socket>();
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await front.close();
    await backend.pause(0);
  });
  const dial = async (): Promise<Socket> => {
    const socket = connect({ port: front.port, host: front.addresses[0]! });
    sockets.add(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  return {
    front,
    backend,
    requests,
    reached,
    runtime,
    use: () => backend.use({ socketPath: path, triggersSocketPath: path }),
    dial,
    async raw(bytes) {
      const socket = await dial();
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      socket.write(bytes, 'latin1');
      await once(socket, 'close');
      return heard;
    },
  };
}
