// Sets of addresses: from CIDR text, or from the table of named sets, to a function that answers "is it in there?".
import ipaddr from 'ipaddr.js';
import { describe } from './describe.ts';
import { type Ip, parseIp } from './ip.ts';
import { type NamedSet, namedSets } from './named-sets.table.ts';

/** Whether one form of an address is in a set. */
export type AddressSet = (ip: Ip) => boolean;

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

export type ParsedRange = { set: AddressSet; text: string; everything: boolean } | { problem: string };

/** Reads an address or CIDR in strict notation: an entry with two readings would be a hole or a surprise. */
export function parseRange(text: string): ParsedRange {
  const slash = text.indexOf('/');
  const base = (slash === -1 ? text : text.slice(0, slash)).replace(/^\[(.*)\]$/, '$1');
  const ip = parseIp(base);
  if (ip === undefined) return { problem: `${describe(base)} is not an IP address in plain notation` };

  const mapped = base.includes(':') && ip.value.kind() === 'ipv4';
  const width = ip.value.kind() === 'ipv4' ? 32 : 128;
  const written = slash === -1 ? undefined : text.slice(slash + 1);
  if (written !== undefined && !/^(0|[1-9]\d{0,2})$/.test(written)) {
    return { problem: `${describe(written)} is not a prefix length` };
  }
  const bits = written === undefined ? width : Number(written) - (mapped ? 96 : 0);
  if (bits < 0 || bits > width) {
    return { problem: `/${written} is not a prefix length for ${mapped ? 'a mapped IPv4' : 'this kind of'} address` };
  }

  const network = networkOf(ip, bits);
  if (network !== ip.text) return { problem: `${text} has host bits set; write ${network}/${bits}` };
  return {
    set: unionOf([[ip.value, bits]]),
    text: written === undefined ? ip.text : `${ip.text}/${bits}`,
    everything: bits === 0,
  };
}

/** Whether the whole of a CIDR or address lies within one range of a named set. */
export function isWithin(text: string, name: NamedSet): boolean {
  const [base = '', written] = text.split('/');
  const ip = parseIp(base);
  if (ip === undefined || 'problem' in parseRange(text)) return false;
  const length = written === undefined ? 128 : Number(written);
  return namedSets[name].ranges.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === ip.value.kind() && bits <= length && ip.value.match(network, bits);
  });
}

function networkOf(ip: Ip, bits: number): string {
  const cidr = `${ip.text}/${bits}`;
  const family = ip.value.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  const network = family.networkAddressFromCIDR(cidr);
  return network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
}

function unionOf(ranges: readonly Range[]): AddressSet {
  const of = (kind: 'ipv4' | 'ipv6'): readonly Range[] => ranges.filter(([base]) => base.kind() === kind);
  const ranges4 = of('ipv4');
  const ranges6 = of('ipv6');
  return ({ value }) => (value.kind() === 'ipv4' ? ranges4 : ranges6).some(([base, bits]) => value.match(base, bits));
}

export function isNamedSet(text: string): text is NamedSet {
  return Object.hasOwn(namedSets, text);
}

const compiled = new Map<NamedSet, AddressSet>();

/** The addresses of a named set, compiled once. */
export function namedAddresses(name: NamedSet): AddressSet {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const { ranges, except = [], exceptSets = [] } = namedSets[name];
  const inside = unionOf(ranges.map((cidr) => ipaddr.parseCIDR(cidr)));
  const outside = [unionOf(except.map((cidr) => ipaddr.parseCIDR(cidr))), ...exceptSets.map(namedAddresses)];
  const set: AddressSet = (ip) => inside(ip) && !outside.some((excluded) => excluded(ip));
  compiled.set(name, set);
  return set;
}

/** Whether a canonical name is one that a pattern (`name` or `*.name`, also canonical) stands for. */
export function matchesName(pattern: string, name: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/** Whether a canonical name is loopback whatever DNS says [RFC 6761 6.3]. */
export function isLocalhostName(name: string): boolean {
  return (namedSets.loopback.names ?? []).some((pattern) => matchesName(pattern, name));
}
