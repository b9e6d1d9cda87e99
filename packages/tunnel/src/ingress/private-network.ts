// `private-network` of config.yml: which private destinations are dialled when no ingress rule names them, and who resolves
// their names. The key is ours; cloudflared, which has no such list, ignores it.
import { isIP } from 'node:net';
import { definePolicy, EgressError, type NamedSet, type PolicyEntry, type PortSpec } from '@sallyport/egress';
import type { PrivateNetwork } from './config.ts';
import { isNull, type YamlNode, type YamlValues } from './yaml-values.ts';

const where = 'type config.PrivateNetwork';

/** Where a private name may lead: loopback and the like take an entry for the address itself. */
export const privateAddresses = ['private', 'cgnat', 'public'] as const;

export function readPrivateNetwork(values: YamlValues, node: YamlNode): PrivateNetwork {
  const read: { -readonly [Key in keyof PrivateNetwork]: PrivateNetwork[Key] } = {
    allow: undefined,
    deny: [],
    resolver: [],
  };
  for (const [name, { key, value }] of values.members(node, where)) {
    // An `allow` with nothing in it is a list too: opening more than was written would be the worse reading.
    if (name === 'allow') read.allow = readEntries(values, value, 'allow');
    else if (name === 'deny') read.deny = readEntries(values, value, 'deny');
    else if (name === 'resolver') read.resolver = readResolver(values, value);
    // A misspelt `allow` would open all routes, so here an unknown key is no detail.
    else
      values.report(key, 'bad_private_network', `private-network has no key ${name}; it has allow, deny and resolver`, {
        remedy: 'Correct or remove the key.',
      });
  }
  return read;
}

function readEntries(values: YamlValues, node: YamlNode, action: 'allow' | 'deny'): PolicyEntry[] {
  return values.items(node, '[]string').flatMap((item) => {
    const text = values.string(item);
    if (text === undefined) return [];
    const entry = parseEntry(text, action);
    if (!('problem' in entry)) return [entry];
    values.report(
      item,
      'bad_private_network',
      `private-network.${action} has ${JSON.stringify(text)}: ${entry.problem}`,
    );
    return [];
  });
}

/** `10.0.0.0/8`, `db.internal:5432`, `[fd00::/8]:443,8000-8999`, `*.internal`. */
export function parseEntry(text: string, action: 'allow' | 'deny'): PolicyEntry | { problem: string } {
  const bare = isIP(text.split('/', 1)[0]!) === 6;
  const [, bracketed, plain, ports] = bare
    ? [text, undefined, text]
    : (/^(?:\[([^\]]+)\]|([^:]+))(?::(.+))?$/.exec(text) ?? []);
  const to = bracketed ?? plain;
  if (to === undefined) return { problem: 'it is not a CIDR, an address or a host name, each with or without :PORTS' };
  const entry = { action, to, ...(ports === undefined ? {} : { ports: ports.split(',') as PortSpec[] }) };
  try {
    const named = !isAddress(to) && !isLocalhost(to) && !namedSets.has(to);
    const complete = named && action === 'allow' ? { ...entry, resolvesTo: privateAddresses } : entry;
    definePolicy([complete]);
    return complete;
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    return { problem: error.detail };
  }
}

/** Sets of addresses that egress has names for. */
const namedSets: ReadonlySet<string> = new Set<NamedSet>([
  ...privateAddresses,
  'loopback',
  'link-local',
  'metadata',
  'multicast',
  'reserved',
  'cloudflare',
]);

const isAddress = (to: string): boolean => isIP(to.split('/', 1)[0]!) !== 0;
const isLocalhost = (to: string): boolean => /^(?:.*\.)?localhost\.?$/i.test(to);

function readResolver(values: YamlValues, node: YamlNode): string[] {
  if (isNull(node)) return [];
  const list = values.isList(node) ? values.items(node, '[]string') : [node];
  return list.flatMap((item) => {
    const text = values.string(item);
    if (text === undefined) return [];
    if (isResolver(text)) return [text];
    const problem = `private-network.resolver has ${JSON.stringify(text)}: it is not the IP address of a DNS server`;
    values.report(item, 'bad_private_network', problem);
    return [];
  });
}

function isResolver(text: string): boolean {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (isIP(text) !== 0) return true;
  const known = (v6 !== undefined && isIP(v6) === 6) || (v4 !== undefined && isIP(v4) === 4);
  return known && (port === undefined || (Number(port) > 0 && Number(port) <= 65_535));
}
