// What `vpc service update` leaves as it is when it is told some settings only: those that are stored, as options.
import type { ServiceInfo } from '@sallyport/control/client';
import { toText, type Values } from '../../command.ts';

/** In place of a value: nothing from now on. */
const none = 'none';
/** What a service can be without. */
const optional = ['resolver-ips', 'tunnel-id', 'cert-verification-mode', 'ca-certificate-id', 'mtls-certificate-id'];
const numbered = ['ipv4', 'ipv6'];

/** The options that were given, over those that say what the service is now. */
export function withStored(values: Values, service: ServiceInfo): Values {
  const stored = toOptions(service);
  const isGiven = (name: string): boolean => toText(values, name) !== undefined;
  // A host is a name or addresses.
  if (isGiven('hostname')) for (const name of numbered) delete stored[name];
  else if (numbered.some(isGiven)) for (const name of ['hostname', 'resolver-ips']) delete stored[name];
  // It may say the port, too.
  if (toText(values, 'hostname')?.includes(':') === true) delete stored['tcp-port'];
  const all: Record<string, Values[string]> = { ...stored, ...values };
  for (const name of optional) if (all[name] === none) delete all[name];
  if (all['tunnel-id'] === undefined && !isGiven('resolver-ips')) delete all['resolver-ips'];
  return all;
}

function toOptions({ type, host, tls_settings: tls, ...service }: ServiceInfo): Record<string, string | undefined> {
  const network = host.network ?? host.resolver_network;
  return {
    type,
    'http-port': service.http_port?.toString(),
    'https-port': service.https_port?.toString(),
    'tcp-port': service.tcp_port?.toString(),
    'app-protocol': service.app_protocol,
    ipv4: host.ipv4,
    ipv6: host.ipv6,
    hostname: host.hostname,
    'resolver-ips': host.resolver_network?.resolver_ips?.join(','),
    'tunnel-id': network?.tunnel_id,
    'cert-verification-mode': tls?.cert_verification_mode,
    'ca-certificate-id': tls?.ca_certificate_id,
    'mtls-certificate-id': tls?.mtls_certificate_id,
  };
}
