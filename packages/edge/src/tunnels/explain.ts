// The whole decision about one destination, as one Worker would get it, down to the link.
import type { Decision, Egress, EgressTarget } from '@sallyport/egress';
import type { TunnelRegistry } from '@sallyport/tunnel';
import type { FindTls, TlsAbout } from '../tls/host-tls.ts';

export interface Explanation {
  worker: string;
  decision: Decision;
  /** How TLS to it would be done; undefined when that cannot be told now. */
  tls: TlsAbout | undefined;
  /** The link a connection would take now; undefined when none is up, or none is needed. */
  link: ExplainedLink | undefined;
}

export interface ExplainedLink {
  id: string;
  connectorId: string;
  remoteAddress: string;
  /** Connections it carries. */
  streams: number;
  /** Milliseconds, as the last PING measured it. */
  roundTrip: number | undefined;
}

/** Asked for in place of a Worker: what egress says to a pool's connection to its database. */
export const databasesName = 'hyperdrive';

/** Begins what is asked for in place of a Worker, with a service's id behind it: what egress says to its bindings. */
export const servicePrefix = 'service:';

/** For the Worker of that name, or the only one; the names there are when there is no such Worker. */
export type Explain = (
  worker: string | undefined,
  target: EgressTarget,
) => Promise<Explanation | { workers: string[] }>;

/** Somebody who makes connections. */
export interface Explained {
  egress: Egress;
  findTls?: FindTls | undefined;
}

export function createExplain(
  workers: () => readonly (Explained & { name: string })[],
  registry: () => TunnelRegistry | undefined,
  databases: () => Explained | undefined = () => undefined,
  services: (id: string) => Explained | undefined = () => undefined,
): Explain {
  return async (name, target) => {
    const all = workers();
    const other = toOther(name, databases, services);
    const worker =
      name === undefined && all.length === 1
        ? all[0]
        : (all.find((each) => each.name === name) ?? (other && { name: name!, ...other }));
    if (worker === undefined) return { workers: all.map((each) => each.name) };
    const decision = await worker.egress.decide(target);
    const { route } = decision;
    const link = route.kind === 'tunnel' ? registry()?.choose(route.tunnelId) : undefined;
    const tls = aboutTls(worker.findTls, target);
    if (link === undefined) return { worker: worker.name, decision, tls, link: undefined };
    const { id, connectorId, remoteAddress, streams, roundTrip } = link;
    return { worker: worker.name, decision, tls, link: { id, connectorId, remoteAddress, streams, roundTrip } };
  };
}

function toOther(
  name: string | undefined,
  databases: () => Explained | undefined,
  services: (id: string) => Explained | undefined,
): Explained | undefined {
  if (name === databasesName) return databases();
  return name?.startsWith(servicePrefix) === true ? services(name.slice(servicePrefix.length)) : undefined;
}

function aboutTls(findTls: FindTls | undefined, target: EgressTarget): TlsAbout | undefined {
  try {
    return findTls?.(target).about;
  } catch {
    // A certificate that is named and not there; who connects is told.
    return undefined;
  }
}
