// A service for people, line by line as wrangler prints it, and as a row of a table.
import type { ServiceInfo } from '@sallyport/control/client';
import { toSafeLine } from '../../output/safe-text.ts';

export function toServiceText(service: ServiceInfo): string {
  const { host, tls_settings: tls } = service;
  const lines: [string, string | number | undefined][] = [
    ['Name', service.name],
    ['Type', service.type],
    ['HTTP Port', service.http_port],
    ['HTTPS Port', service.https_port],
    ['TCP Port', service.tcp_port],
    ['App Protocol', service.app_protocol],
    ['IPv4', host.ipv4],
    ['IPv6', host.ipv6],
    ['Hostname', host.hostname],
    ['Tunnel ID', toTunnelId(service)],
    ['Resolver IPs', host.resolver_network?.resolver_ips?.join(', ')],
    ['Certificate Verification', tls?.cert_verification_mode],
    ['CA Certificate', tls?.ca_certificate_id],
    ['Client Certificate', tls?.mtls_certificate_id],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `   ${label}: ${toSafeLine(String(value))}\n`)
    .join('');
}

export const serviceColumns: readonly string[] = ['ID', 'NAME', 'TYPE', 'PORTS', 'HOST', 'TUNNEL', 'CREATED'];

export function toServiceRow(service: ServiceInfo): string[] {
  const { service_id, name, type, host, created_at } = service;
  const address = host.hostname ?? [host.ipv4, host.ipv6].filter((each) => each !== undefined).join(', ');
  return [service_id, name, type, toPorts(service), address, toTunnelId(service) ?? '-', created_at.slice(0, 10)];
}

function toPorts({ type, http_port, https_port, tcp_port, app_protocol }: ServiceInfo): string {
  if (type === 'tcp') return `${tcp_port}${app_protocol === undefined ? '' : ` (${app_protocol})`}`;
  if (http_port === undefined && https_port === undefined) return 'http 80, https 443';
  const ports = [
    http_port === undefined ? [] : `http ${http_port}`,
    https_port === undefined ? [] : `https ${https_port}`,
  ];
  return ports.flat().join(', ');
}

function toTunnelId({ host }: ServiceInfo): string | undefined {
  return (host.network ?? host.resolver_network)?.tunnel_id;
}
