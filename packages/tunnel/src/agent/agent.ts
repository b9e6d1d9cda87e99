// The connector program: links to the edge, what comes through them, the file it follows, and what it says about itself.
import { arch, platform } from 'node:os';
import { systemClock, type Clock, type Resolve } from '@sallyport/egress';
import type { EdgeAddress } from '../connector/connector-link.ts';
import { Connector, defaultLinks } from '../connector/connector.ts';
import { parseEdge } from '../credentials/credentials.ts';
import type { TunnelCredentials } from '../credentials/credentials.ts';
import type { TunnelConfig } from '../ingress/config.ts';
import { parseTunnelConfig } from '../ingress/parse-config.ts';
import { drainGrace } from '../link/protocol.ts';
import { TunnelError } from '../link/tunnel-error.ts';
import { PublicServer } from '../public/public-server.ts';
import { readPools } from './ca-pools.ts';
import { ConfigFile, readConfig, reportWarnings, toConfig } from './config-file.ts';
import { type ConnectorMetrics, createConnectorMetrics } from './connector-metrics.ts';
import { LinkLosses } from './link-losses.ts';
import { type Log, noLog } from './log.ts';
import { PrivateDial } from './private-dial.ts';
import { defaultPorts, startStatusServer, type StatusServer } from './status-server.ts';
import { createWrittenEgress } from './written-egress.ts';

export interface AgentOptions {
  credentials: TunnelCredentials;
  /** What to do with the traffic; without it and without a file, only announced routes are served. */
  config?: TunnelConfig | undefined;
  /** Read at the start, unless `config` says something else, and followed from then on. */
  configFile?: string | undefined;
  /** Instead of those in the credentials. */
  edges?: readonly EdgeAddress[] | undefined;
  /** Links to keep up; 4 by default. */
  links?: number | undefined;
  /** Milliseconds that running connections get to finish in `close()`; 30 s by default. */
  gracePeriod?: number | undefined;
  /**
   * Where to serve `/ready`, `/metrics` and `/config`: by default the first free one of 127.0.0.1:20241 to 20245, or any
   * port; `false` for nowhere.
   */
  metrics?: { host: string; port: number } | false | undefined;
  log?: Log | undefined;
  clock?: Clock | undefined;
  /** Instead of the system's resolver and of the one in the configuration. */
  resolve?: Resolve | undefined;
  /** DNS servers by address, where the edge names some; asked on port 53 by default. */
  resolveAt?: ((servers: readonly string[]) => Resolve) | undefined;
  random?: (() => number) | undefined;
  /** Every link was turned away for a reason that time does not mend, and none ever stood; the connector keeps trying. */
  refused?: ((error: TunnelError) => void) | undefined;
  /** Told to the edge. */
  version?: string | undefined;
}

export interface Agent extends AsyncDisposable {
  readonly connectorId: string;
  /** Links that are registered and take new connections. */
  readonly live: number;
  /** Where the status is served; undefined when it is not. */
  readonly metricsAddress: { host: string; port: number } | undefined;
  /** Follows this configuration from now on; what runs finishes under the old one. @throws TunnelError */
  update(config: TunnelConfig): void;
  /** Reads the configuration file now; a file that is not valid is reported and changes nothing. */
  reload(): void;
  /** Takes no new connections, lets running ones finish within the grace period, and ends. */
  close(grace?: number): Promise<void>;
}

/** @throws TunnelError `invalid_config`, `bad_ca_pool`, `invalid_credentials`, `status_address` */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { configFile, log = noLog, clock = systemClock, version = '0', resolve, resolveAt } = options;
  const text = configFile === undefined ? undefined : readConfig(configFile);
  const first = options.config ?? readFirst(text, { file: configFile ?? '', log });
  const state: { config: TunnelConfig; version: number } = { config: first, version: 0 };

  const metrics: ConnectorMetrics = createConnectorMetrics({ live: () => connector.live, version });
  let status: StatusServer | undefined;
  const ownListeners = () => (status === undefined ? [] : [{ address: status.host, port: status.port }]);
  const dial = new PrivateDial(first, { clock, log, metrics, resolve, resolveAt, ownListeners });
  const written = createWrittenEgress({ clock, resolve });
  const server = new PublicServer(first, readPools(first), { written, clock, log, metrics });

  const update = (config: TunnelConfig): void => {
    const pools = readPools(config);
    server.configure(config, pools);
    dial.configure(config);
    if (config.tunnel !== state.config.tunnel || config.credentialsFile !== state.config.credentialsFile) {
      log('warn', 'The tunnel and its credentials are read at the start only: restart to change them');
    }
    state.config = config;
    state.version += 1;
    metrics.configVersion.set(state.version);
    log('info', 'Updated to new configuration', { version: state.version, rules: config.ingress.length });
  };
  const file =
    configFile === undefined
      ? undefined
      : new ConfigFile(configFile, text!, { clock, log, apply: update, refused: () => metrics.configErrors.add() });

  const { credentials, links, random } = options;
  const { tunnelId, secret, ca } = credentials;
  const edges = options.edges ?? credentials.edges.flatMap((edge) => parseEdge(edge) ?? []);
  if (edges.length === 0) throw new TunnelError('invalid_credentials', 'there is no edge address');
  const losses = new LinkLosses(log);
  const turnedAway = new Set<number>();
  let stood = false;
  const connector = new Connector({
    edges,
    ca,
    tunnelId,
    secret,
    links,
    random,
    clock,
    client: { version, arch: `${platform()}_${arch()}` },
    dial: dial.dial,
    http: (stream) => server.accept(stream),
    announced: (routes) => {
      dial.announce(routes);
      const { cidrs, hostnames } = routes;
      log('debug', 'Routes announced', { cidrs: cidrs.length, hostnames: hostnames.length });
    },
    registered: ({ index, edge }) => {
      stood = true;
      metrics.registerSuccess.add();
      losses.over(index);
      log('info', 'Registered tunnel connection', { connIndex: index, edge: toText(edge), protocol: 'http2' });
    },
    lost: (error, wait, { index, edge }) => {
      metrics.linkErrors.add(1, { code: error.code });
      if (!error.retryable) turnedAway.add(index);
      const refused = !stood && turnedAway.size === (links ?? defaultLinks);
      losses.report(error, { index, edge: toText(edge), wait, last: refused });
      if (refused) options.refused?.(error);
    },
  });

  if (options.metrics !== false) {
    const at = options.metrics;
    const where = at === undefined ? { host: '127.0.0.1', ports: defaultPorts } : { host: at.host, ports: [at.port] };
    const source = { connectorId: connector.connectorId, live: () => connector.live, metrics: metrics.registry };
    status = await startStatusServer(where, { ...source, config: () => state }).catch((cause: Error) => {
      throw new TunnelError('status_address', cause.message, { cause });
    });
    log('info', `Starting metrics server on ${toText(status)}/metrics`);
  }
  log('info', `Starting tunnel tunnelID=${tunnelId}`, { connectorID: connector.connectorId });
  connector.start();
  file?.watch();

  let closing: Promise<void> | undefined;
  const close = (grace = options.gracePeriod ?? drainGrace): Promise<void> => {
    closing ??= (async () => {
      file?.close();
      server.drain();
      await connector.close(grace);
      server.close();
      await status?.close();
    })();
    return closing;
  };
  return {
    connectorId: connector.connectorId,
    get live() {
      return connector.live;
    },
    metricsAddress: status === undefined ? undefined : { host: status.host, port: status.port },
    update,
    reload: () => file?.reload(),
    close,
    [Symbol.asyncDispose]: () => close(0),
  };
}

function readFirst(text: string | undefined, { file, log }: { file: string; log: Log }): TunnelConfig {
  const parsed = parseTunnelConfig(text ?? '{}', { file, requireIngress: false });
  const config = toConfig(parsed, file);
  reportWarnings(parsed, log);
  if (config.ingress.length === 0)
    log('info', 'There are no ingress rules: requests for public hostnames are answered 503');
  return config;
}

const toText = ({ host, port }: EdgeAddress): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
