// What a service is, one host and its ports in a private network, and what may be said of one.
import { toCanonicalHost } from '@sallyport/egress';
import { ControlError } from '../errors.ts';
import { isUuid } from './values.ts';

export const serviceTypes = ['http', 'tcp'] as const;
export type ServiceType = (typeof serviceTypes)[number];

export const appProtocols = ['postgresql', 'mysql'] as const;
export type AppProtocol = (typeof appProtocols)[number];

export const verificationModes = ['verify_full', 'verify_ca', 'disabled'] as const;
export type VerificationMode = (typeof verificationModes)[number];

/** Services of one installation [Workers VPC: limits]. */
export const maxServices = 1000;
/** Servers that may be asked for one service's name. */
export const maxResolvers = 8;

/** Without a network the edge goes there itself, by the routes of the default virtual network. */
export type ServiceHost =
  | { readonly ipv4?: string; readonly ipv6?: string; readonly network?: { readonly tunnel_id: string } }
  | {
      readonly hostname: string;
      readonly resolver_network?: { readonly tunnel_id: string; readonly resolver_ips?: readonly string[] };
    };

export interface ServiceTls {
  readonly cert_verification_mode: VerificationMode;
  /** Of the certificate store: the authority to trust instead of the system's. */
  readonly ca_certificate_id?: string;
  /** What we show the service. */
  readonly mtls_certificate_id?: string;
}

/** Everything there is to a service, as the API shows it. Times are ISO 8601. */
export interface Service {
  /** A UUID. */
  readonly service_id: string;
  readonly type: ServiceType;
  readonly name: string;
  /** Ports of a service of type `http`. With only one of them the other scheme is refused; with none they are 80 and 443. */
  readonly http_port?: number;
  readonly https_port?: number;
  readonly tcp_port?: number;
  readonly app_protocol?: AppProtocol;
  readonly host: ServiceHost;
  readonly tls_settings?: ServiceTls;
  readonly created_at: string;
  readonly updated_at: string;
}

/** With everything that is needed to connect. Not to be shown. */
export interface ResolvedService extends Service {
  /** PEM. */
  readonly tls: { readonly ca?: string; readonly certificate?: string; readonly key?: string };
}

/** As somebody writes it. */
export interface ServiceSettings {
  type?: string | undefined;
  http_port?: number | undefined;
  https_port?: number | undefined;
  tcp_port?: number | undefined;
  app_protocol?: string | undefined;
  host?:
    | {
        ipv4?: string | undefined;
        ipv6?: string | undefined;
        hostname?: string | undefined;
        network?: { tunnel_id?: string | undefined } | undefined;
        resolver_network?: { tunnel_id?: string | undefined; resolver_ips?: readonly string[] | undefined } | undefined;
      }
    | undefined;
  tls_settings?:
    | {
        cert_verification_mode?: string | undefined;
        ca_certificate_id?: string | undefined;
        mtls_certificate_id?: string | undefined;
      }
    | undefined;
}

export type CheckedService = Omit<Service, 'service_id' | 'name' | 'created_at' | 'updated_at'>;

/** Whether tunnel and certificates exist is for the caller to see. @throws ControlError `invalid_value` */
export function toService(settings: ServiceSettings): CheckedService {
  const type = serviceTypes.find((known) => known === settings.type);
  if (type === undefined) throw invalid(`the type of a service is "http" or "tcp", not ${quote(settings.type)}`);
  return {
    type,
    ...toPorts(type, settings),
    host: toHost(settings.host),
    ...toTls(settings.tls_settings),
  };
}

/** The tunnel that a service is reached through. */
export function tunnelOf(host: ServiceHost): string | undefined {
  return ('hostname' in host ? host.resolver_network : host.network)?.tunnel_id;
}

/** Addresses of a service that has no name. */
export function addressesOf(host: ServiceHost): string[] {
  return 'hostname' in host ? [] : [host.ipv4, host.ipv6].filter((address) => address !== undefined);
}

function toPorts(
  type: ServiceType,
  settings: ServiceSettings,
): Pick<Service, 'http_port' | 'https_port' | 'tcp_port' | 'app_protocol'> {
  const { http_port, https_port, tcp_port, app_protocol } = settings;
  if (type === 'http') {
    if (tcp_port !== undefined || app_protocol !== undefined) {
      throw invalid('a service of type "http" has no tcp_port and no app_protocol');
    }
    return { ...toPort('http_port', http_port), ...toPort('https_port', https_port) };
  }
  if (http_port !== undefined || https_port !== undefined) {
    throw invalid('a service of type "tcp" has no http_port and no https_port');
  }
  if (tcp_port === undefined) throw invalid('a service of type "tcp" needs a tcp_port');
  const known = appProtocols.find((protocol) => protocol === app_protocol);
  if (app_protocol !== undefined && known === undefined) {
    throw invalid(`app_protocol is "postgresql" or "mysql", not ${quote(app_protocol)}`);
  }
  return { ...toPort('tcp_port', tcp_port), ...(known === undefined ? {} : { app_protocol: known }) };
}

function toPort(name: string, port: number | undefined): Record<string, number> {
  if (port === undefined) return {};
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid(`${name} ${port} is not from 1 to 65535`);
  return { [name]: port };
}

function toHost(host: ServiceSettings['host'] = {}): ServiceHost {
  const { ipv4, ipv6, hostname, network, resolver_network } = host;
  const isNamed = hostname !== undefined && hostname !== '';
  const isNumbered = Boolean(ipv4) || Boolean(ipv6);
  if (isNamed === isNumbered) throw invalid('the host of a service is either "hostname", or "ipv4" and "ipv6"');
  if (isNamed) {
    if (network !== undefined) throw invalid('beside "hostname" the tunnel is named in "resolver_network"');
    return { hostname: toHostname(hostname), ...toResolverNetwork(resolver_network) };
  }
  if (resolver_network !== undefined) throw invalid('beside an address the tunnel is named in "network"');
  return {
    ...(ipv4 ? { ipv4: toAddress('ipv4', ipv4) } : {}),
    ...(ipv6 ? { ipv6: toAddress('ipv6', ipv6) } : {}),
    ...(network === undefined ? {} : { network: { tunnel_id: toTunnelId(network.tunnel_id) } }),
  };
}

function toResolverNetwork(
  network: NonNullable<ServiceSettings['host']>['resolver_network'],
): Pick<Extract<ServiceHost, { hostname: string }>, 'resolver_network'> {
  if (network === undefined) return {};
  const ips = (network.resolver_ips ?? []).map((ip) => toAddress('resolver_ips', ip));
  if (ips.length > maxResolvers) throw invalid(`resolver_ips has at most ${maxResolvers} addresses`);
  const tunnel_id = toTunnelId(network.tunnel_id);
  return { resolver_network: { tunnel_id, ...(ips.length === 0 ? {} : { resolver_ips: ips }) } };
}

function toHostname(text: string): string {
  const host = toCanonicalHost(text);
  if ('problem' in host) throw invalid(`the hostname ${quote(text)} ${host.problem}`);
  if (host.kind === 'address') throw invalid(`the hostname ${quote(text)} is an address: say "ipv4" or "ipv6"`);
  return host.text;
}

/** Strict notation only, as everybody reads it. */
function toAddress(field: 'ipv4' | 'ipv6' | 'resolver_ips', text: string): string {
  const host = toCanonicalHost(text);
  const isV6 = text.includes(':');
  const isStrict = isV6 || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text);
  if ('problem' in host || host.kind !== 'address' || !isStrict || text.startsWith('[')) {
    throw invalid(`${field} ${quote(text)} is not an IP address`);
  }
  if ((field === 'ipv4' && isV6) || (field === 'ipv6' && !isV6)) throw invalid(`${field} ${quote(text)} is not one`);
  return host.text;
}

function toTunnelId(id: string | undefined): string {
  if (id === undefined || !isUuid(id)) throw invalid(`tunnel_id ${quote(id)} is not the ID of a tunnel`);
  return id.toLowerCase();
}

function toTls(tls: ServiceSettings['tls_settings']): Pick<Service, 'tls_settings'> {
  if (tls === undefined) return {};
  const { cert_verification_mode = 'verify_full', ca_certificate_id: ca, mtls_certificate_id: own } = tls;
  const mode = verificationModes.find((known) => known === cert_verification_mode);
  if (mode === undefined) {
    const modes = verificationModes.map((known) => quote(known)).join(', ');
    throw invalid(`cert_verification_mode is one of ${modes}, not ${quote(cert_verification_mode)}`);
  }
  if (mode === 'disabled' && ca) throw invalid('an authority is of no use with cert_verification_mode "disabled"');
  return {
    tls_settings: {
      cert_verification_mode: mode,
      ...(ca ? { ca_certificate_id: ca.toLowerCase() } : {}),
      ...(own ? { mtls_certificate_id: own.toLowerCase() } : {}),
    },
  };
}

function quote(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 300));
}

function invalid(detail: string): ControlError {
  return new ControlError('invalid_value', detail);
}
