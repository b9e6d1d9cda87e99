// One line of a policy: what an operator writes, checked, and turned into functions that judge.
//
// Entries come from configuration files, so everything is checked at run time, and every complaint names the entry.
import { describe } from './describe.ts';
import { toCanonicalHost } from './destination.ts';
import { EgressError, toFailure } from './errors.ts';
import type { Ip } from './ip.ts';
import { namedSets } from './named-sets.table.ts';
import { type AddressSet, isLocalhostName, isNamedSet, matchesName, namedAddresses, parseRange } from './ranges.ts';

/** One port, or a range of ports with both ends included. */
export type PortSpec = number | `${number}-${number}`;

export interface PolicyEntry {
  readonly action: 'allow' | 'deny';
  /**
   * What the entry is about: an IP address, a CIDR, a named set (`private`, `metadata`, …), a host name, or `*.` and a
   * host name for all names below it (not the name itself).
   */
  readonly to: string;
  /** The ports it is about; without it, all. */
  readonly ports?: PortSpec | readonly PortSpec[];
  /**
   * Only in an allow entry for a name: the addresses, CIDRs or named sets the name may resolve to. Without it, `public`
   * addresses that no entry denies by address (for `localhost` and names below it: `loopback`).
   */
  readonly resolvesTo?: string | readonly string[];
}

export interface CompiledEntry {
  readonly action: 'allow' | 'deny';
  /** The entry as a reader would say it: `deny private`, `allow *.example.com ports 443`. */
  readonly text: string;
  readonly covers: (port: number) => boolean;
  /** The addresses it is about; for an allow by name, those the name may resolve to. */
  readonly addresses: AddressSet | undefined;
  /** The names it is about. */
  readonly names: ((name: string) => boolean) | undefined;
  /** An allow by name that says nothing about addresses: it gives way to every denial by address. */
  readonly yields: boolean;
  /** Is about whatever a tunnel route covers. */
  readonly routed: boolean;
  /** A denial of particular addresses, not of everything or everything public. */
  readonly particular: boolean;
}

const keys = new Set(['action', 'to', 'ports', 'resolvesTo']);

/** @throws EgressError `invalid_policy` naming the entry and the problem. */
export function compileEntry(entry: PolicyEntry, index: number): CompiledEntry {
  const fail = (problem: string): never => {
    const detail = `Policy entry ${index + 1} (${describe(entry)}): ${problem}`;
    throw new EgressError(toFailure('invalid_policy', { detail }));
  };
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return fail('it is not an object');
  const unknown = Object.keys(entry).find((key) => !keys.has(key));
  if (unknown !== undefined) return fail(`it has an unknown key ${describe(unknown)}`);
  if (entry.action !== 'allow' && entry.action !== 'deny') return fail('"action" must be "allow" or "deny"');
  if (typeof entry.to !== 'string' || entry.to === '') return fail('"to" must be a non-empty string');

  const { action } = entry;
  const covers = compilePorts(entry.ports, fail);
  const suffix = entry.ports === undefined ? '' : ` ports ${[entry.ports].flat().join(', ')}`;
  const base = { action, covers, yields: false, routed: entry.to === 'routed' };
  const forbidResolvesTo = (): void => {
    if (entry.resolvesTo !== undefined) fail('"resolvesTo" belongs to an allow entry for a host name');
  };

  if (isNamedSet(entry.to) || looksLikeRange(entry.to)) {
    forbidResolvesTo();
    const { set, text, everything } = compileAddresses(entry.to, fail);
    const patterns = action === 'deny' && isNamedSet(entry.to) ? namedSets[entry.to].names : undefined;
    const names = patterns && ((name: string) => patterns.some((pattern) => matchesName(pattern, name)));
    return { ...base, text: `${action} ${text}${suffix}`, addresses: set, names, particular: !everything };
  }

  const pattern = compilePattern(entry.to, fail);
  const names = (name: string): boolean => matchesName(pattern, name);
  const text = `${action} ${pattern}${suffix}`;
  if (action === 'deny') {
    forbidResolvesTo();
    return { ...base, text, addresses: undefined, names, particular: false };
  }
  const implied = isLocalhostName(pattern.replace(/^\*\./, '')) ? 'loopback' : 'public';
  const wanted = entry.resolvesTo === undefined ? [implied] : [entry.resolvesTo].flat();
  if (wanted.length === 0) fail('"resolvesTo" is empty, so the entry would allow nothing');
  const sets = wanted.map((range) => compileAddresses(range, fail).set);
  const addresses = (ip: Ip): boolean => sets.some((set) => set(ip));
  const yields = entry.resolvesTo === undefined && implied === 'public';
  return { ...base, text, addresses, names, yields, particular: false };
}

/** Host names never hold `/`, `:` or `[`, and none ends in a number [WHATWG URL 3.5]. */
function looksLikeRange(to: string): boolean {
  return /[/:[]/.test(to) || /(^|\.)(\d+|0[xX][\da-fA-F]*)\.?$/.test(to);
}

function compileAddresses(
  to: unknown,
  fail: (problem: string) => never,
): { set: AddressSet; text: string; everything: boolean } {
  if (typeof to !== 'string') return fail(`${describe(to)} is not an address, a CIDR or a named set`);
  if (isNamedSet(to)) return { set: namedAddresses(to), text: to, everything: to === 'public' };
  const range = parseRange(to);
  return 'problem' in range ? fail(range.problem) : range;
}

function compilePattern(to: string, fail: (problem: string) => never): string {
  const wildcard = to.startsWith('*.');
  const host = toCanonicalHost(wildcard ? to.slice(2) : to);
  if ('problem' in host) return fail(`"to" ${host.problem}; named sets are ${Object.keys(namedSets).join(', ')}`);
  if (host.kind === 'address') return fail(`"to" is an address in an unusual spelling; write ${host.text}`);
  return wildcard ? `*.${host.text}` : host.text;
}

function compilePorts(ports: PolicyEntry['ports'], fail: (problem: string) => never): (port: number) => boolean {
  if (ports === undefined) return () => true;
  const specs: readonly unknown[] = Array.isArray(ports) ? ports : [ports];
  if (specs.length === 0) return fail('"ports" is empty, so the entry would never apply');
  const ranges = specs.map((spec) => {
    if (typeof spec !== 'number' && typeof spec !== 'string') return fail(`${describe(spec)} is not a port`);
    const [, from = '', to = from] =
      /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(typeof spec === 'number' ? String(spec) : spec) ?? [];
    const range = { from: Number(from), to: Number(to) };
    if (from === '' || range.from < 1 || range.to > 65_535 || range.from > range.to) {
      return fail(`${describe(spec)} is not a port from 1 to 65535, nor a range such as "8000-8999"`);
    }
    return range;
  });
  return (port) => ranges.some(({ from, to }) => from <= port && port <= to);
}
