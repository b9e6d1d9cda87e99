// The options that say what a service is, of `vpc service create` and `update`, with wrangler's names and messages.
import { isIPv4, isIPv6 } from 'node:net';
import type { ControlClient, ServiceInfo } from '@sallyport/control/client';
import { CommandError } from '../../command-error.ts';
import { type Option, toPort, toText, UsageError, type Values } from '../../command.ts';
import { findCertificate } from '../hyperdrive/lookup.ts';
import { findTunnel } from '../tunnel/lookup.ts';

export const serviceOptions: Record<string, Option> = {
  type: { value: 'TYPE', help: 'http or tcp' },
  'http-port': { value: 'PORT', help: 'Its port for http (default: 80, unless there is only an --https-port)' },
  'https-port': { value: 'PORT', help: 'Its port for https (default: 443, unless there is only an --http-port)' },
  'tcp-port': { value: 'PORT', help: 'Its port, of type tcp' },
  'app-protocol': { value: 'NAME', help: 'What is spoken there, of type tcp: postgresql or mysql' },
  ipv4: { value: 'ADDRESS', help: 'Its IPv4 address' },
  ipv6: { value: 'ADDRESS', help: 'Its IPv6 address' },
  hostname: { value: 'HOST', help: 'Its name; of type tcp also HOST:PORT' },
  'resolver-ips': { value: 'ADDRESSES', help: 'DNS servers for --hostname, comma-separated, asked by the connector' },
  'tunnel-id': {
    value: 'TUNNEL',
    help: 'The tunnel it is behind, by ID or name; without one the edge goes there itself',
  },
  'cert-verification-mode': {
    value: 'MODE',
    help: 'What https checks: verify_full, verify_ca (no name) or disabled (default: verify_full)',
  },
  'ca-certificate-id': { value: 'ID', help: 'Private authority its certificate is from; see "cert upload"' },
  'mtls-certificate-id': { value: 'ID', help: 'Client certificate to show it; see "cert upload"' },
};

export type ServiceBody = Omit<ServiceInfo, 'service_id' | 'created_at' | 'updated_at' | 'type' | 'tls_settings'> & {
  type: string;
  tls_settings?: Partial<NonNullable<ServiceInfo['tls_settings']>>;
};

/** The body of a request that creates a service, or puts another in its place. @throws CommandError, UsageError */
export async function toServiceBody(values: Values, name: string, client: () => ControlClient): Promise<ServiceBody> {
  const type = toText(values, 'type');
  if (type === undefined) throw new UsageError('Missing required argument: --type (http or tcp)');
  if (type !== 'http' && type !== 'tcp') throw new UsageError(`--type is http or tcp, not ${type}`);
  const place = splitHostname(toText(values, 'hostname'), type);
  const ports = toPorts(values, type, place.port);
  const ipv4 = toText(values, 'ipv4');
  const ipv6 = toText(values, 'ipv6');
  const { hostname } = place;
  checkHost({ ipv4, ipv6, hostname });
  const resolvers = toResolvers(values, hostname);
  const tunnelName = toText(values, 'tunnel-id');
  if (resolvers !== undefined && tunnelName === undefined) throw new UsageError('--resolver-ips needs a --tunnel-id');
  const tls = await toTls(values, client);
  const tunnel_id = tunnelName === undefined ? undefined : (await findTunnel(client(), tunnelName)).id;
  const network = tunnel_id === undefined ? undefined : { tunnel_id };
  const host =
    hostname === undefined
      ? { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }), ...(network && { network }) }
      : {
          hostname,
          ...(network && { resolver_network: { ...network, ...(resolvers && { resolver_ips: resolvers }) } }),
        };
  return { name, type, ...ports, host, ...(tls && { tls_settings: tls }) };
}

type Ports = Pick<ServiceBody, 'http_port' | 'https_port' | 'tcp_port' | 'app_protocol'>;

function toPorts(values: Values, type: string, fromHostname: number | undefined): Ports {
  const [http_port, https_port, given] = ['http-port', 'https-port', 'tcp-port'].map((name) => toPort(values, name));
  const app_protocol = toText(values, 'app-protocol');
  if (type === 'http') {
    if (given !== undefined || app_protocol !== undefined) {
      throw new UsageError('--tcp-port and --app-protocol are for --type tcp');
    }
    return { ...(http_port && { http_port }), ...(https_port && { https_port }) };
  }
  if (http_port !== undefined || https_port !== undefined) {
    throw new UsageError('--http-port and --https-port are for --type http');
  }
  if (given !== undefined && fromHostname !== undefined && given !== fromHostname) {
    throw new UsageError(`--hostname says port ${fromHostname} and --tcp-port ${given}`);
  }
  const tcp_port = given ?? fromHostname;
  if (tcp_port === undefined) {
    throw new CommandError(
      'TCP services require a --tcp-port to be specified',
      'Say it, or write --hostname HOST:PORT.',
    );
  }
  return { tcp_port, ...(app_protocol && { app_protocol }) };
}

/** `db.internal:5432` of a service of type tcp. */
function splitHostname(text: string | undefined, type: string): { hostname: string | undefined; port?: number } {
  const [, hostname, port] = /^([^:\s/]+):(\d{1,5})$/.exec(text ?? '') ?? [];
  if (type !== 'tcp' || hostname === undefined) return { hostname: text?.trim() };
  return { hostname, port: Number(port) };
}

function checkHost({ ipv4, ipv6, hostname }: Record<'ipv4' | 'ipv6' | 'hostname', string | undefined>): void {
  const isNumbered = ipv4 !== undefined || ipv6 !== undefined;
  if (!isNumbered && hostname === undefined) {
    throw new CommandError(
      'Must specify either IP addresses (--ipv4/--ipv6) or hostname (--hostname)',
      'A name is resolved by the connector of --tunnel-id.',
    );
  }
  if (isNumbered && hostname !== undefined) throw new UsageError('--hostname and --ipv4 or --ipv6 exclude each other');
  if (ipv4 !== undefined && !isIPv4(ipv4)) {
    throw new CommandError(`Invalid IPv4 address: '${ipv4}'`, "Provide a valid IPv4 address (e.g., '192.168.1.1').");
  }
  if (ipv6 !== undefined && !isIPv6(ipv6)) {
    throw new CommandError(`Invalid IPv6 address: '${ipv6}'`, "Provide a valid IPv6 address (e.g., '2001:db8::1').");
  }
  if (hostname !== undefined) checkHostname(hostname);
}

/** Everything that is wrong with it at once. */
function checkHostname(text: string): void {
  if (text === '') throw new CommandError('Hostname cannot be empty.', "Provide the service's name, or --ipv4.");
  const hasScheme = text.includes('://');
  const isAddress = isIPv4(text) || isIPv6(text.replace(/^\[|\]$/g, ''));
  const afterScheme = hasScheme ? text.slice(text.indexOf('://') + 3) : text;
  const problems = [
    text.length > 253 && 'Hostname is too long. Maximum length is 253 characters.',
    hasScheme && "Hostname must not include a URL scheme (e.g., remove 'https://').",
    afterScheme.includes('/') &&
      "Hostname must not include a path. Provide only the hostname (e.g., 'api.example.com').",
    isAddress && 'Hostname must not be an IP address. Use --ipv4 or --ipv6 instead.',
    !isAddress &&
      !hasScheme &&
      text.includes(':') &&
      'Hostname must not include a port number. Provide only the hostname and use --http-port or --https-port for ports.',
    /\s/.test(text) && 'Hostname must not contain whitespace.',
  ].filter((problem) => problem !== false);
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `  - ${problem}`).join('\n');
  throw new CommandError(`Invalid hostname '${text}':\n${lines}`, 'Correct --hostname.');
}

function toResolvers(values: Values, hostname: string | undefined): string[] | undefined {
  const text = toText(values, 'resolver-ips');
  if (text === undefined) return undefined;
  if (hostname === undefined) throw new UsageError('--resolver-ips is for --hostname');
  const ips = text.split(',').flatMap((ip) => ip.trim() || []);
  const wrong = ips.filter((ip) => !isIPv4(ip) && !isIPv6(ip));
  if (wrong.length === 0) return ips;
  const list = wrong.map((ip) => `'${ip}'`).join(', ');
  throw new CommandError(`Invalid resolver IP address(es): ${list}`, 'Provide valid IPv4 or IPv6 addresses.');
}

async function toTls(values: Values, client: () => ControlClient): Promise<ServiceBody['tls_settings']> {
  const mode = toText(values, 'cert-verification-mode');
  const [ca, own] = ['ca-certificate-id', 'mtls-certificate-id'].map((name) => toText(values, name));
  if (mode === undefined && ca === undefined && own === undefined) return undefined;
  return {
    ...(mode && { cert_verification_mode: mode }),
    ...(ca && { ca_certificate_id: (await findCertificate(client(), ca)).id }),
    ...(own && { mtls_certificate_id: (await findCertificate(client(), own)).id }),
  };
}
