// A real edge with a connector, and a `sallyport dev --edge` that uses it.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ServiceSettings } from '@sallyport/control';
import { use } from '@sallyport/testkit';
import { Edge, type EdgeOptions, RemoteTunnels, type TunnelEvent } from '../../src/index.ts';
import { type BenchOptions, type DevBench, type Files, startBench, temporaryFolder } from './dev-bench.ts';
import { Recorder } from './recorder.ts';
import { joinTunnel } from './tunnel-bench.ts';

export interface RemoteBench {
  edge: Edge;
  tunnelId: string;
  tunnelEvents: Recorder<TunnelEvent>;
  /** A service of the tunnel; its host is `api.internal` unless the settings say otherwise. */
  toService(settings: Partial<ServiceSettings>): ServiceSettings & { name: string };
  /** A `sallyport dev` of another machine. */
  dev(files: Files, options?: BenchOptions): Promise<DevBench>;
  /** Ends the edge and starts it again, at the same addresses. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** `yaml` is the connector's configuration. */
export async function startRemoteBench(
  t: TestContext,
  yaml: string,
  config: Partial<EdgeOptions['config']> = {},
): Promise<RemoteBench> {
  const folder = await temporaryFolder(t);
  const anywhere = { host: '127.0.0.1', port: 0 };
  const tunnelEvents = new Recorder<TunnelEvent>();
  const start = (control: number, tunnel: number): Promise<Edge> =>
    use(
      t,
      Edge.start({
        config: {
          file: join(folder, 'sallyport.toml'),
          state: join(folder, 'state'),
          http: anywhere,
          tunnel: { host: '127.0.0.1', port: tunnel, advertise: undefined },
          control: { host: '127.0.0.1', port: control },
          metrics: anywhere,
          hyperdrive: { cacheBytes: undefined, trustFunctions: false },
          workers: [],
          trust: [],
          ...config,
        },
        eventsOf: () => ({ onHostEvent: () => {}, onGatewayEvent: () => {} }),
        onRequest: () => {},
        onTunnelEvent: tunnelEvents.add,
      }),
    );
  let edge = await start(0, 0);
  const { controlUrl: url, controlToken: token, port } = edge.tunnels;
  const { tunnelId } = await joinTunnel(t, { tunnels: edge.tunnels, tunnelEvents }, { name: 'office', yaml });
  const remote = await RemoteTunnels.start({ url, token, account: 'default', source: 'test' }, { failed: () => {} });
  t.after(() => remote[Symbol.dispose]());
  return {
    get edge() {
      return edge;
    },
    tunnelId,
    tunnelEvents,
    toService: (settings) => ({
      name: 'api',
      type: 'http',
      host: { hostname: 'api.internal', resolver_network: { tunnel_id: tunnelId } },
      ...settings,
    }),
    dev: (files, options = {}) => startBench(t, files, { tunnels: remote, ...options }),
    stop: () => edge.close(),
    async restart() {
      await edge.close();
      edge = await start(Number(new URL(url).port), port);
    },
  };
}
