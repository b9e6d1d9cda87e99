// An edge and an agent joined by real links, and clients that come through them.
import { Agent as HttpAgent, type IncomingMessage, request as ask } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testAuthority, type TestScope, use } from '@sallyport/testkit';
import {
  type Agent,
  type AgentOptions,
  edgeServerName,
  type FindSecret,
  type LogFields,
  startAgent,
  type TunnelCredentials,
  type TunnelError,
  TunnelListener,
} from '../../src/index.ts';
import { Recorder } from '../../../edge/test/support/recorder.ts';

export const tunnelId = '6ff42ae2-765d-4adf-8112-31c55c1551ef';
const secret = Buffer.alloc(32, 7);

const findSecret: FindSecret = async (id) => (id === tunnelId ? secret : undefined);

export async function startEdge(
  t: TestScope,
  options: { port?: number; refused?: (error: TunnelError) => void } = {},
): Promise<TunnelListener> {
  const certificate = await (await testAuthority()).issue('good', { names: [edgeServerName] });
  return use(t, new TunnelListener({ ...certificate, findSecret, ...options }).listen());
}

export async function toCredentials(...edges: readonly TunnelListener[]): Promise<TunnelCredentials> {
  const { ca } = await testAuthority();
  return { accountTag: 'acc', tunnelId, secret, ca, edges: edges.map(({ port }) => `127.0.0.1:${port}`) };
}

export interface LogEntry {
  level: string;
  message: string;
  fields: LogFields;
}

export interface Joined {
  edge: TunnelListener;
  agent: Agent;
  log: Recorder<LogEntry>;
}

/** An agent whose links are up. */
export async function joined(t: TestScope, options: Partial<AgentOptions> = {}): Promise<Joined> {
  const edge = await startEdge(t);
  const log = new Recorder<LogEntry>();
  const agent = await use(
    t,
    startAgent({
      credentials: await toCredentials(edge),
      metrics: { host: '127.0.0.1', port: 0 },
      log: (level, message, fields = {}) => log.add({ level, message, fields }),
      ...options,
    }),
  );
  const { links = 4 } = options;
  for (let link = 0; link < links; link += 1)
    await log.next(({ message }) => message === 'Registered tunnel connection');
  return { edge, agent, log };
}

/** Asks a public hostname, as the edge does. */
export async function askThrough(
  edge: TunnelListener,
  {
    host = 'a.test',
    ...options
  }: { host?: string; path?: string; method?: string; headers?: Record<string, string> } = {},
  body?: string,
): Promise<IncomingMessage> {
  const { stream } = await edge.registry.open(tunnelId, { hostname: host, port: 80, kind: 'http' });
  const agent = new HttpAgent();
  (agent as { createConnection?: unknown }).createConnection = () => stream;
  const outgoing = ask({ agent, host, setHost: false, ...options, headers: { host, ...options.headers } });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  outgoing.on('error', () => {});
  stream.on('error', () => {});
  return incoming;
}

export async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

export async function temporary(t: TestScope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}
