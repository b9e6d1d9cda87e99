// Where a Worker's connect() goes from here: to the service of the ingress rule that names the hostname, or, under the
// connector's own policy, to the destination itself. Rules that catch every host do not count: they are for HTTP.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import {
  type Clock,
  createEgress,
  createSystemResolve,
  definePolicy,
  type Egress,
  type OwnListener,
  parseIp,
  type Policy,
  type Resolve,
} from '@sallyport/egress';
import type { DialTarget } from '../connector/serve-stream.ts';
import type { IngressRule, TunnelConfig } from '../ingress/config.ts';
import { matchesHostname } from '../ingress/match.ts';
import { remedyOf, toDialCode, TunnelError } from '../link/tunnel-error.ts';
import type { ConnectorMetrics } from './connector-metrics.ts';
import type { Log } from './log.ts';
import type { AnnouncedRoutes } from '../link/announced-routes.ts';
import { createPrivatePolicy } from './private-policy.ts';
import { createServerResolve } from './resolve.ts';
import { createWrittenEgress, dialSocket } from './written-egress.ts';

export interface PrivateDialOptions {
  clock: Clock;
  log: Log;
  metrics: ConnectorMetrics;
  /** Instead of the system's resolver and of the one in the configuration. */
  resolve?: Resolve | undefined;
  /** DNS servers by address, where the edge names some. */
  resolveAt?: ((servers: readonly string[]) => Resolve) | undefined;
  /** Where this process listens: dialling there is refused. */
  ownListeners: () => Iterable<OwnListener>;
}

/** Lists of DNS servers remembered at a time; one of more than that is begun anew when it is used again. */
export const maxNamedResolvers = 64;
const dnsPort = 53;

/** An edge may have a name looked up in this network; it may not have this machine or its metadata service asked. */
const resolverPolicy: Policy = definePolicy([
  { action: 'deny', to: 'metadata' },
  { action: 'deny', to: 'link-local' },
  { action: 'deny', to: 'loopback' },
  { action: 'deny', to: 'multicast' },
  { action: 'deny', to: 'reserved' },
  { action: 'allow', to: 'private' },
  { action: 'allow', to: 'cgnat' },
  { action: 'allow', to: 'public' },
]);

type Target = Parameters<DialTarget>[0];

export class PrivateDial {
  readonly #options: PrivateDialOptions;
  readonly #systemResolve: Resolve;
  readonly #written: Egress;
  #config: TunnelConfig;
  #announced: AnnouncedRoutes = { cidrs: [], hostnames: [] };
  #private: Egress;
  #policy: Policy;
  /** One for each list of DNS servers that the edge names, so that their look-ups are shared and bounded. */
  readonly #named = new Map<string, Resolve>();
  #active = 0;

  constructor(config: TunnelConfig, options: PrivateDialOptions) {
    this.#options = options;
    this.#config = config;
    this.#systemResolve = options.resolve ?? createSystemResolve();
    this.#written = createWrittenEgress({ resolve: this.#systemResolve, clock: options.clock });
    [this.#private, this.#policy] = this.#build();
  }

  /** From now on; open connections stay. */
  configure(config: TunnelConfig): void {
    this.#config = config;
    [this.#private, this.#policy] = this.#build();
  }

  announce(routes: AnnouncedRoutes): void {
    // Every link announces the same.
    if (isDeepStrictEqual(routes, this.#announced)) return;
    this.#announced = routes;
    [this.#private, this.#policy] = this.#build();
  }

  /** @throws TunnelError or EgressError */
  readonly dial: DialTarget = async (target, { signal }) => {
    const { metrics, log } = this.#options;
    const began = performance.now();
    try {
      const { maxActiveFlows } = this.#config.warpRouting;
      if (maxActiveFlows > 0 && this.#active >= maxActiveFlows) {
        throw new TunnelError('link_busy', `warp-routing.maxActiveFlows is ${maxActiveFlows}`);
      }
      const stream = await this.#connect(target, signal);
      metrics.connectLatency.observe(performance.now() - began);
      metrics.tcpTotal.add();
      this.#count(1);
      stream.once('close', () => this.#count(-1));
      return stream;
    } catch (error) {
      const {
        code = 'connection_failed',
        detail,
        message,
      } = error as { code?: string; detail?: string; message: string };
      metrics.connectErrors.add(1, { code });
      if (code !== 'aborted') {
        const dest = `${target.hostname}:${target.port}`;
        const level = code === 'destination_denied' || code === 'rule_port' ? 'warn' : 'error';
        // Egress speaks of policy entries, which a connector does not have.
        const remedy = remedyOf(toDialCode(code));
        log(level, 'Request failed', { dest, code, error: detail ?? message, remedy });
      }
      throw error;
    }
  };

  #count(by: number): void {
    this.#active += by;
    this.#options.metrics.tcpActive.set(this.#active);
  }

  async #connect(target: Target, signal: AbortSignal): Promise<Duplex> {
    const rule = findRule(this.#config.ingress, target.hostname);
    if (rule !== undefined) return this.#toService(rule, target, signal);
    const { connectTimeout, tcpKeepAlive } = this.#config.warpRouting;
    const { hostname, port, resolvers } = target;
    const egress = resolvers === undefined ? this.#private : this.#toResolved(resolvers);
    const { stream } = await egress.open({ hostname, port }, { signal, connectTimeout });
    return keepAlive(stream, tcpKeepAlive);
  }

  async #toService({ service, originRequest }: IngressRule, target: Target, signal: AbortSignal): Promise<Duplex> {
    const { connectTimeout: timeout, tcpKeepAlive } = originRequest;
    if (service.kind === 'unix') return dialSocket(service.path, { signal, clock: this.#options.clock, timeout });
    if (service.kind !== 'tcp') throw new TunnelError('connection_failed', 'the rule names no TCP service');
    const { hostname, port } = service;
    if (port !== target.port) {
      const leads = port === undefined ? 'names no port' : `leads to port ${port}`;
      throw new TunnelError('rule_port', `the ingress rule for ${target.hostname} ${leads}, not ${target.port}`);
    }
    const { stream } = await this.#written.open({ hostname, port }, { signal, connectTimeout: timeout });
    return keepAlive(stream, tcpKeepAlive);
  }

  /** The same policy, with names as these servers know them. @throws TunnelError */
  #toResolved(servers: readonly string[]): Egress {
    const { clock, ownListeners, resolveAt = createServerResolve } = this.#options;
    for (const server of servers) {
      const ruling = resolverPolicy.judge(parseIp(server)!, { port: dnsPort });
      if (ruling.verdict === 'deny')
        throw new TunnelError('destination_denied', `DNS server ${server}: ${ruling.rule}`);
    }
    const key = servers.join(',');
    const resolve = this.#named.get(key) ?? resolveAt(servers);
    this.#named.delete(key);
    this.#named.set(key, resolve);
    const [oldest] = this.#named.keys();
    if (this.#named.size > maxNamedResolvers) this.#named.delete(oldest!);
    return createEgress({ policy: this.#policy, clock, ownListeners, resolve });
  }

  #build(): [Egress, Policy] {
    const { privateNetwork } = this.#config;
    const { clock, resolve, ownListeners, log } = this.#options;
    const { policy, unreadable } = createPrivatePolicy(privateNetwork, this.#announced);
    for (const route of unreadable) log('warn', 'The edge announced a route that is not used', { route });
    const servers = privateNetwork.resolver;
    const own = servers.length === 0 ? this.#systemResolve : createServerResolve(servers);
    return [createEgress({ policy, clock, ownListeners, resolve: resolve ?? own }), policy];
  }
}

/** The first rule that names the hostname, if its service can be dialled as a byte stream; one with a path is for HTTP. */
function findRule(rules: readonly IngressRule[], hostname: string): IngressRule | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  const rule = rules.find((each) => each.path === undefined && isNamed(each) && matchesHostname(each, name));
  return rule?.service.kind === 'tcp' || rule?.service.kind === 'unix' ? rule : undefined;
}

const isNamed = ({ hostname }: IngressRule): boolean => hostname !== '' && hostname !== '*';

function keepAlive(stream: Duplex, interval: number): Duplex {
  if (stream instanceof Socket && interval > 0) stream.setKeepAlive(true, interval);
  return stream;
}
