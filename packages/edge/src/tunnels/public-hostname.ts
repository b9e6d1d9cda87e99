// Public host names: HTTP from the edge's listener to the ingress rules of a tunnel's connector. The edge speaks
// HTTP/1.1 with the connector inside a stream of a link, so bodies, trailers, upgrades and early answers are HTTP's own.
import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { TunnelError, type TunnelRegistry } from '@sallyport/tunnel';
import type { RouteTable } from '@sallyport/control';
import { toPairs } from '../front/request-head.ts';
import type { Upstream } from '../front/upstream.ts';
import { toSocketLike } from './socket-like.ts';

/** Idle connections kept per tunnel, and for how long (milliseconds). */
const maxIdle = 256;
const idleTimeout = 15_000;
/** What stands for "the HTTP port" in a stream's address; the ingress rule decides about the real one. */
const nominalPort = 80;

type Callback = (error: Error | null, stream: Duplex) => void;

class TunnelAgent extends Agent {
  readonly #registry: TunnelRegistry;
  readonly #tunnelId: string;

  constructor(registry: TunnelRegistry, tunnelId: string) {
    super({ keepAlive: true, maxFreeSockets: maxIdle, timeout: idleTimeout });
    this.#registry = registry;
    this.#tunnelId = tunnelId;
  }

  /**
   * One pool for all names of a tunnel: its connector goes by the Host of each request. A pool for each name would let
   * whoever invents names below a wildcard use up the streams of the link.
   */
  override getName(): string {
    return this.#tunnelId;
  }

  override createConnection(options: ClientRequestArgs, callback?: Callback): undefined {
    const target = { hostname: String(options.host), port: nominalPort, kind: 'http' } as const;
    this.#registry.open(this.#tunnelId, target).then(
      ({ stream }) => {
        // An idle connection that the connector has ended would be used again, and nobody would ever answer.
        stream.allowHalfOpen = false;
        callback?.(null, toSocketLike(stream));
      },
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

export class PublicHostnames {
  readonly #registry: TunnelRegistry;
  readonly #table: RouteTable;
  readonly #agents = new Map<string, TunnelAgent>();

  constructor(registry: TunnelRegistry, table: RouteTable) {
    this.#registry = registry;
    this.#table = table;
  }

  /** The upstream of a host name that a tunnel serves. */
  find(host: string): Upstream | undefined {
    const route = this.#table.forPublicHostname(host);
    if (route === undefined) return undefined;
    const { tunnelId } = route;
    let agent = this.#agents.get(tunnelId);
    if (agent === undefined) this.#agents.set(tunnelId, (agent = new TunnelAgent(this.#registry, tunnelId)));
    const target = { agent, host };
    return {
      acquire: async () => ({
        target: () => target,
        headers: toForwardedHeaders,
        release() {},
        converse() {},
        explain: async (problem) => (problem instanceof Error ? toRefusal(problem) : undefined),
      }),
    };
  }

  /** Ends the connections into a tunnel that is gone. */
  forget(tunnelId: string): void {
    this.#agents.get(tunnelId)?.destroy();
    this.#agents.delete(tunnelId);
  }

  close(): void {
    for (const tunnelId of this.#agents.keys()) this.forget(tunnelId);
  }
}

const isForwarded = ([name]: [name: string, value: string]): boolean => name.toLowerCase() === 'x-forwarded-for';

/** The client's fields, with its address behind what proxies in front of this edge have said: the last one is true. */
function toForwardedHeaders(sent: readonly string[], clientAddress: string): string[] {
  const fields = toPairs(sent);
  const addresses = fields.filter(isForwarded).map(([, value]) => value);
  const others = fields.filter((field) => !isForwarded(field));
  return [...others.flat(), 'X-Forwarded-For', [...addresses, clientAddress].join(', ')];
}

function toRefusal(error: Error) {
  const detail = error instanceof TunnelError ? `${error.message}\n${error.remedy}` : error.message;
  return { status: 502, failure: { title: 'The tunnel did not answer', detail } };
}
