// A service as the way of a binding: its ports by scheme, its trust, and the egress that leads there.
import { addressesOf, type ResolvedService } from '@sallyport/control';
import { Refusal } from '../gateway/egress-dial.ts';
import { bareTls, createRecordLayer, type FindTls, type TlsRecord } from '../tls/host-tls.ts';
import type { Way } from './outlet.ts';
import { proxyErrors } from './proxy-errors.table.ts';
import { createServiceEgress, type EgressWays, type Tunnels } from './service-egress.ts';

const verifications = { verify_full: 'full', verify_ca: 'authority', disabled: 'nothing' } as const;

export interface ServiceWayOptions {
  ways: EgressWays;
  tunnels: Tunnels;
  /** The host's trust; what the service says itself goes first. */
  findTrust: FindTls;
}

export function toServiceWay(service: ResolvedService, { ways, tunnels, findTrust }: ServiceWayOptions): Way {
  const { host, name } = service;
  const hostname = 'hostname' in host ? host.hostname : addressesOf(host)[0]!;
  const toDestination = (port: number): string =>
    hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  const layer = createRecordLayer(toRecord(service), { source: `VPC service ${name}`, ways: serviceWays });
  return {
    egress: createServiceEgress(service, { ways, tunnels }),
    // By the service's host and not the URL's: a Worker must not choose which of our certificates is shown.
    findTrust: ({ port }) => layer(findTrust({ hostname, port })),
    locate({ protocol }) {
      const port = toPort(service, protocol);
      if (port !== undefined) return { port, destination: toDestination(port) };
      const what = service.type === 'tcp' ? 'is of type tcp' : `has no port for ${protocol.slice(0, -1)}`;
      throw refuse(service.type === 'tcp' ? 'vpc_type' : 'vpc_scheme', `VPC service ${name} ${what}`);
    },
    toTarget() {
      const { tcp_port: port } = service;
      if (port === undefined) throw refuse('vpc_type', `VPC service ${name} is of type http: use fetch()`);
      return { hostname, port, destination: toDestination(port) };
    },
  };
}

/** For a service that does not exist. */
export function toNowhere(id: string): Way {
  const nothing = (): never => {
    const { remedy } = proxyErrors.destination_not_found;
    throw new Refusal('vpc_service_unknown', `There is no VPC service ${id}`, remedy);
  };
  const egress = { decide: nothing, open: nothing };
  return { egress, findTrust: () => bareTls, locate: nothing, toTarget: nothing };
}

/** With neither port given they are HTTP's own; with one, the other scheme has none. */
function toPort({ type, http_port, https_port }: ResolvedService, protocol: string): number | undefined {
  if (type !== 'http') return undefined;
  if (http_port === undefined && https_port === undefined) return protocol === 'https:' ? 443 : 80;
  return protocol === 'https:' ? https_port : http_port;
}

const serviceWays = {
  authority:
    'name the authority with `sallyport vpc service update --ca-certificate-id`, or in a [[trust]] entry for its host',
  certificate:
    'name one with `sallyport vpc service update --mtls-certificate-id`, or in a [[trust]] entry for its host',
} as const;

function toRecord({ tls, tls_settings }: ResolvedService): TlsRecord {
  const { ca, certificate: cert, key } = tls;
  return { verify: verifications[tls_settings?.cert_verification_mode ?? 'verify_full'], ca, cert, key };
}

function refuse(code: 'vpc_type' | 'vpc_scheme', message: string): Refusal {
  return new Refusal(code, message, proxyErrors.http_request_denied.remedy);
}
