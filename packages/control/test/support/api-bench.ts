// A control API on loopback over a real store, with a directory of links that tests fill.
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import {
  type ConnectorConnection,
  type ControlApi,
  type ControlApiOptions,
  type LinkDirectory,
  startControlApi,
} from '../../src/index.ts';
import { type Bench, createBench } from './bench.ts';

export const token = 'a token for tests 1'.replaceAll(' ', '-');

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  success: boolean;
  errors: { code: number; message: string; error: string; remedy: string }[];
  // What a test expects of a result is what it asserts.
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  result: any;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  result_info: any;
}

export class TestLinks implements LinkDirectory {
  readonly links = new Map<string, ConnectorConnection[]>();
  readonly ended: [string, string | undefined][] = [];

  connections(tunnelId: string): readonly ConnectorConnection[] {
    return this.links.get(tunnelId) ?? [];
  }

  disconnect(tunnelId: string, connectorId?: string): void {
    this.ended.push([tunnelId, connectorId]);
    const left = this.connections(tunnelId).filter(
      (each) => connectorId !== undefined && each.connectorId !== connectorId,
    );
    this.links.set(tunnelId, left);
  }

  add(tunnelId: string, link: Partial<ConnectorConnection> = {}): void {
    const known = this.links.get(tunnelId) ?? [];
    const each: ConnectorConnection = {
      id: `00000000-0000-4000-8000-00000000000${known.length}`,
      connectorId: '11111111-1111-4111-8111-111111111111',
      client: { version: '0.1.0', arch: 'linux_x64' },
      remoteAddress: '192.0.2.1',
      openedAt: new Date('2026-01-01T00:00:00Z'),
      ...link,
    };
    this.links.set(tunnelId, [...known, each]);
  }
}

export interface ApiBench extends Bench {
  api: ControlApi;
  links: TestLinks;
  failures: unknown[];
  /** A request with the token. */
  call: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

export async function createApiBench(t: TestContext, options: Partial<ControlApiOptions> = {}): Promise<ApiBench> {
  const bench = await createBench(t, { accountTag: 'acc', date: () => new Date('2026-01-02T03:04:05Z') });
  const links = new TestLinks();
  const failures: unknown[] = [];
  const api = await startControlApi({
    control: bench.control,
    links,
    token,
    tokenOf: ({ id }, secret) => `token of ${id}: ${Buffer.from(secret).toString('hex')}`,
    failed: (error) => failures.push(error),
    ...options,
  });
  t.after(() => api.close());
  const call: ApiBench['call'] = (method, path, body) =>
    send(api, { method, path, body: body === undefined ? undefined : JSON.stringify(body) });
  return { ...bench, api, links, failures, call };
}

interface Sent {
  method?: string;
  path: string;
  body?: string | Buffer | undefined;
  headers?: Record<string, string>;
}

/** A request as it is, by default with the token. */
export async function send(api: ControlApi, { method = 'GET', path, body, headers }: Sent): Promise<Answer> {
  const request = httpRequest({
    host: '127.0.0.1',
    port: api.port,
    method,
    path,
    headers: {
      authorization: `Bearer ${token}`,
      // Node's client sends a DELETE's body without saying how long it is.
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...headers,
    },
    agent: false,
  });
  request.end(body);
  return toAnswer(request);
}

export async function toAnswer(request: ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const envelope = JSON.parse(text) as Omit<Answer, 'status' | 'headers' | 'text'>;
  return { status: response.statusCode!, headers: response.headers, text, ...envelope };
}

/** Bytes as they are; resolves with all that came back when the connection ended. */
export async function sendRaw(api: ControlApi, bytes: string | Buffer): Promise<string> {
  const socket = connect(api.port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}
