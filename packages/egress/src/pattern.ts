// A pattern for destinations, in the words of policies, with an order from the most exact to the least: for settings of
// which one decides, where a policy has a sequence.
//
// It is compared with what a caller asked for and never with what a name resolves to, so DNS has no say in it.
import { toCanonicalHost } from './destination.ts';
import { EgressError, toFailure } from './errors.ts';
import { parseIp } from './ip.ts';
import { compileEntry, type PolicyEntry } from './policy-entry.ts';
import { isNamedSet } from './ranges.ts';

export interface DestinationPattern {
  /** As a reader would say it: `*.example.com ports 443`. */
  readonly text: string;
  matches(target: { hostname: string; port: number }): boolean;
  /** How exact it is: compared element by element, the larger is the more exact. */
  readonly rank: readonly [kind: number, length: number, ports: number];
}

const kinds = { exact: 4, below: 3, range: 2, set: 1, all: 0 } as const;
const lastPort = 65_535;

/**
 * Reads a pattern: an address, a CIDR, a named set (but `routed`), a host name, `*.` and a host name, or `*` for all.
 * @throws EgressError `invalid_policy` with the problem
 */
export function parsePattern({ to, ports }: Pick<PolicyEntry, 'to' | 'ports'>): DestinationPattern {
  const isAll = to === '*';
  // Its addresses and names are asked, not its verdict.
  const compiled = compileEntry(
    { action: 'deny', to: isAll ? 'public' : to, ...(ports === undefined ? {} : { ports }) },
    0,
  );
  if (compiled.routed) {
    const detail = '"to" is "routed", which is known only once a name is resolved: write the names or addresses';
    throw new EgressError(toFailure('invalid_policy', { detail }));
  }
  const { addresses, names, covers } = compiled;
  const text = compiled.text.replace(/^deny /, '');
  return {
    text: isAll ? text.replace('public', '*') : text,
    matches({ hostname, port }) {
      if (!covers(port)) return false;
      if (isAll) return true;
      const host = toCanonicalHost(hostname);
      if ('problem' in host) return false;
      if (host.kind === 'name') return names?.(host.text) === true;
      const ip = parseIp(host.text);
      return ip !== undefined && addresses?.(ip) === true;
    },
    rank: [...rankOf(isAll ? '*' : text.split(' ')[0]!), ports === undefined ? 0 : widthOf(covers)],
  };
}

function rankOf(to: string): [number, number] {
  if (to === '*') return [kinds.all, 0];
  if (isNamedSet(to)) return [kinds.set, 0];
  if (to.startsWith('*.')) return [kinds.below, to.length];
  const [, bits] = to.split('/');
  return bits === undefined ? [kinds.exact, 0] : [kinds.range, Number(bits)];
}

/** How many ports are left out. */
function widthOf(covers: (port: number) => boolean): number {
  let left = 0;
  for (let port = 1; port <= lastPort; port += 1) if (!covers(port)) left += 1;
  return left;
}

/** For sorting: the most exact first. */
export function compareExactness({ rank: one }: DestinationPattern, { rank: other }: DestinationPattern): number {
  const index = one.findIndex((value, at) => value !== other[at]);
  return index === -1 ? 0 : other[index]! - one[index]!;
}
