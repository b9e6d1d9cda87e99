// A Worker under startDevServer() with tunnels of its own, and a connector program beside it.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTcp } from 'node:net';
import { use } from '@sallyport/testkit';
import { type Agent, type AgentOptions, decodeToken, parseTunnelConfig, startAgent } from '@sallyport/tunnel';
import { type DevBench, type Files, startBench, type BenchOptions } from './dev-bench.ts';
import { Recorder } from './recorder.ts';
import type { TunnelEvent, TunnelService } from '../../src/index.ts';

export interface TunnelBench extends DevBench {
  tunnels: TunnelService;
  tunnelEvents: Recorder<TunnelEvent>;
  /** Makes a tunnel and resolves when a connector of it, with the text of a config.yml, is registered. */
  join(name: string, yaml?: string, options?: Partial<AgentOptions>): Promise<Joined>;
}

export interface Joined {
  tunnelId: string;
  agent: Agent;
}

export async function startTunnelBench(
  t: TestContext,
  files: Files | string,
  options: BenchOptions = {},
): Promise<TunnelBench> {
  const tunnelEvents = new Recorder<TunnelEvent>();
  const bench = await startBench(t, files, { ...options, onTunnelEvent: tunnelEvents.add });
  const tunnels = bench.server.tunnels!;
  return Object.assign(bench, {
    tunnels,
    tunnelEvents,
    join: (name: string, yaml = '', more: Partial<AgentOptions> = {}) =>
      joinTunnel(t, { tunnels, tunnelEvents }, { name, yaml, more }),
  });
}

/** Makes a tunnel and resolves when a connector of it is registered. */
export async function joinTunnel(
  t: TestContext,
  { tunnels, tunnelEvents }: Pick<TunnelBench, 'tunnels' | 'tunnelEvents'>,
  { name, yaml, more }: { name: string; yaml: string; more?: Partial<AgentOptions> },
): Promise<Joined> {
  const { control } = tunnels;
  const known = control.tunnels.find(name);
  const { id } = known ?? (await control.tunnels.create({ name }));
  const answer = await fetch(`${tunnels.controlUrl}/accounts/default/cfd_tunnel/${id}/token`, {
    headers: { authorization: `Bearer ${tunnels.controlToken}` },
  });
  const { result } = (await answer.json()) as { result: string };
  const agent = await use(
    t,
    startAgent({ credentials: decodeToken(result), config: toConfig(yaml), links: 1, metrics: false, ...more }),
  );
  await tunnelEvents.next((event) => event.type === 'link-registered' && event.tunnel === name);
  return { tunnelId: id, agent };
}

function toConfig(yaml: string) {
  if (yaml === '') return undefined;
  const { config, diagnostics } = parseTunnelConfig(yaml, { file: 'config.yml' });
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return config;
}

/** An HTTP origin on a free port of 127.0.0.1. */
export async function startOrigin(
  t: TestContext,
  handler: Parameters<typeof createServer>[1],
): Promise<{ server: Server; port: number }> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** A TCP origin that sends back what it gets. */
export async function startEcho(t: TestContext): Promise<number> {
  const server = createTcp({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}
