// `originRequest`, of the file or of one rule: what is written goes over what was inherited.
import type { AccessRequirement, IpRule, OriginRequest } from './config.ts';
import type { YamlNode, YamlValues } from './yaml-values.ts';

type Read = (values: YamlValues, node: YamlNode) => unknown;

const duration: Read = (values, node) => values.duration(node);
const boolean: Read = (values, node) => values.boolean(node);
const string: Read = (values, node) => values.string(node);

const readers: Readonly<Record<keyof OriginRequest, Read>> = {
  connectTimeout: duration,
  tlsTimeout: duration,
  tcpKeepAlive: duration,
  noHappyEyeballs: boolean,
  keepAliveConnections: (values, node) => values.integer(node),
  keepAliveTimeout: duration,
  httpHostHeader: string,
  originServerName: string,
  matchSNItoHost: boolean,
  caPool: string,
  noTLSVerify: boolean,
  disableChunkedEncoding: boolean,
  bastionMode: boolean,
  proxyAddress: string,
  proxyPort: (values, node) => values.integer(node, 'uint'),
  proxyType: string,
  ipRules: (values, node) => values.items(node, '[]config.IngressIPRule').map((item) => readIpRule(values, item)),
  http2Origin: boolean,
  access: readAccess,
};

/** `inherited` is the file's for a rule, the defaults for the file. */
export function readOriginRequest(
  values: YamlValues,
  { node, inherited }: { node: YamlNode; inherited: Readonly<OriginRequest> },
): OriginRequest {
  const written: Record<string, unknown> = {};
  for (const [name, { key, value }] of values.members(node, 'config.OriginRequestConfig')) {
    if (!Object.hasOwn(readers, name)) {
      values.unused(key, name, 'type config.OriginRequestConfig');
      continue;
    }
    const read = readers[name as keyof OriginRequest](values, value);
    if (read === undefined) continue;
    written[name] = read;
    const difference = differences[name as keyof OriginRequest]?.(read as never);
    if (difference !== undefined)
      values.report(key, 'unused_option', `${name}${difference.startsWith('.') ? '' : ' '}${difference}`, {
        severity: 'warning',
      });
  }
  return { ...inherited, ...written };
}

/** What an option of cloudflared's does here, where that is not the same; undefined for a value that changes nothing. */
const differences: { readonly [Name in keyof OriginRequest]?: (value: OriginRequest[Name]) => string | undefined } = {
  noHappyEyeballs: (value) => (value ? 'has no effect: addresses are always tried one beside the other' : undefined),
  http2Origin: (value) => (value ? 'has no effect: origins are asked in HTTP/1.1' : undefined),
  bastionMode: (value) => (value ? noBastion : undefined),
  proxyAddress: () => noProxy,
  proxyPort: (value) => (value === 0 ? undefined : noProxy),
  proxyType: (value) => (value === '' ? undefined : noProxy),
  ipRules: (value) => (value.length === 0 ? undefined : noProxy),
  access: (value) => (value?.required === true ? noAccess : undefined),
};

const noProxy = 'has no effect: the connector is no SOCKS proxy';
const noAccess = '.required closes the rule: the connector cannot check the token, so every request is answered 403';
/** Said of services, too. */
export const noBastion =
  'is for connect() only: the destination asked for is dialled if private-network and the routes allow it';

function readIpRule(values: YamlValues, node: YamlNode): IpRule {
  const rule: IpRule = { prefix: '', ports: [], allow: false };
  for (const [name, { key, value }] of values.members(node, 'config.IngressIPRule')) {
    if (name === 'prefix') rule.prefix = values.string(value) ?? '';
    else if (name === 'allow') rule.allow = values.boolean(value) ?? false;
    else if (name === 'ports') {
      rule.ports = values.items(value, '[]int').flatMap((item) => values.integer(item) ?? []);
    } else values.unused(key, name, 'type config.IngressIPRule');
  }
  return rule;
}

function readAccess(values: YamlValues, node: YamlNode): AccessRequirement {
  const access: AccessRequirement = { required: false, teamName: '', audTag: [], environment: '' };
  for (const [name, { key, value }] of values.members(node, 'config.AccessConfig')) {
    if (name === 'required') access.required = values.boolean(value) ?? false;
    else if (name === 'teamName') access.teamName = values.string(value) ?? '';
    else if (name === 'environment') access.environment = values.string(value) ?? '';
    else if (name === 'audTag') {
      access.audTag = values.items(value, '[]string').flatMap((item) => values.string(item) ?? []);
    } else values.unused(key, name, 'type config.AccessConfig');
  }
  if (access.audTag.length > 0 && access.teamName === '') {
    values.report(node, 'bad_access', 'access.TeamName cannot be blank when access.audTags are present');
  }
  return access;
}
