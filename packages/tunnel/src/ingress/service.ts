// The `service` of an ingress rule: what kind of origin it names.
import { isIP, isIPv4 } from 'node:net';
import type { IpRule } from './config.ts';
import { parseGoUrl } from './go-url.ts';

/** An origin. `text` is how people write it and how commands print it. */
export type IngressService =
  | { kind: 'http'; text: string; scheme: 'http' | 'https' | 'ws' | 'wss'; hostname: string; port: number | undefined }
  | { kind: 'tcp'; text: string; scheme: string; hostname: string; port: number | undefined }
  | { kind: 'unix'; text: string; path: string; tls: boolean }
  | { kind: 'http_status'; text: string; status: number }
  | { kind: 'hello_world'; text: string }
  | { kind: 'bastion'; text: string }
  | { kind: 'socks-proxy'; text: string; rules: readonly IpRule[] };

export type ServiceProblem = { code: 'bad_service' | 'bad_http_status' | 'bad_ip_rule'; problem: string };

/** What schemes mean when they name no port. */
const defaultPorts: Readonly<Record<string, number>> = { ssh: 22, rdp: 3389, smb: 445, tcp: 7864 };

const httpSchemes = ['http', 'https', 'ws', 'wss'] as const;

export interface ServiceOptions {
  bastionMode: boolean;
  ipRules: readonly IpRule[];
}

/** Reads a service, with cloudflared's words for what is wrong. */
export function parseService(text: string, options: ServiceOptions): IngressService | ServiceProblem {
  const unix = /^unix(\+tls)?:(.*)$/s.exec(text);
  if (unix !== null) return { kind: 'unix', text, path: unix[2]!, tls: unix[1] !== undefined };
  if (text.startsWith('http_status:')) return parseStatus(text);
  if (text === 'hello_world' || text === 'hello-world') return { kind: 'hello_world', text: 'hello_world' };
  if (text === 'socks-proxy') {
    const problem = options.ipRules.map(ipRuleProblem).find((found) => found !== undefined);
    if (problem === undefined) return { kind: 'socks-proxy', text, rules: options.ipRules };
    return { code: 'bad_ip_rule', problem: `unable to create ip rule for socks-proxy: ${problem}` };
  }
  if (text === 'bastion' || options.bastionMode) return { kind: 'bastion', text: 'bastion' };
  return parseAddress(text);
}

function parseAddress(text: string): IngressService | ServiceProblem {
  const parsed = parseGoUrl(text);
  if ('problem' in parsed) return { code: 'bad_service', problem: parsed.problem };
  const { scheme, host, hostname, port, path } = parsed.url;
  if (scheme === '' || hostname === '') {
    const problem = `${text} is an invalid address, please make sure it has a scheme and a hostname`;
    return { code: 'bad_service', problem };
  }
  if (path !== '') {
    const problem =
      `${text} is an invalid address, ingress rules don't support proxying to a different path on the origin service. ` +
      `The path will be the same as the eyeball request's path`;
    return { code: 'bad_service', problem };
  }
  const known = httpSchemes.find((candidate) => candidate === scheme);
  const asked = port === '' ? undefined : Number(port);
  if (known !== undefined) return { kind: 'http', text, scheme: known, hostname, port: asked };
  const implied = asked ?? defaultPorts[scheme];
  const shown = asked === undefined && implied !== undefined ? `${host.replace(/:$/, '')}:${implied}` : host;
  return { kind: 'tcp', text: `${scheme}://${shown}`, scheme, hostname, port: implied };
}

const fail = (problem: string): ServiceProblem => ({
  code: 'bad_http_status',
  problem: `invalid HTTP status code: ${problem}`,
});

function parseStatus(text: string): IngressService | ServiceProblem {
  const number = text.slice('http_status:'.length);
  if (!/^[-+]?\d+$/.test(number)) {
    return fail(`strconv.Atoi: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  const status = Number(number);
  if (Math.abs(status) >= 2 ** 63) return fail(`strconv.Atoi: parsing ${JSON.stringify(number)}: value out of range`);
  if (status < 100 || status > 999) return fail(String(status));
  return { kind: 'http_status', text: `http_status:${status}`, status };
}

function ipRuleProblem({ prefix, ports }: IpRule): string | undefined {
  if (prefix === '') return 'no prefix provided';
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(prefix) ?? [];
  if (isIP(address) === 0 || Number(bits) > (isIPv4(address) ? 32 : 128)) return `unable to parse cidr: ${prefix}`;
  const port = ports.find((candidate) => candidate < 1 || candidate > 65_535);
  return port === undefined ? undefined : `invalid port ${port}, needs to be between 1 and 65535`;
}

/** The service without user name and password, for logs and status pages. */
export function toPublicText({ text }: IngressService): string {
  return text.replace(/\/\/[^/]*@/, '//');
}
