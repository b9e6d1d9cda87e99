// Which private destinations the connector dials when no ingress rule names them.
//
// Order, first match decides: the operator's denials; what the operator wrote down; never loopback, link-local, metadata,
// multicast, reserved; the wide entries of the operator or, without a list, the announced routes; nothing else. So no
// route, however wide, and no name, wherever its DNS points, leads to this machine or its metadata service. Only an entry
// that can mean nothing else does: a single address, `localhost`, or a range wholly inside loopback or link-local.
import { BlockList, isIP } from 'node:net';
import { definePolicy, type Policy, type PolicyEntry } from '@sallyport/egress';
import type { PrivateNetwork } from '../ingress/config.ts';
import type { AnnouncedRoutes } from '../link/announced-routes.ts';
import { parseEntry } from '../ingress/private-network.ts';

const never: readonly PolicyEntry[] = (['link-local', 'loopback', 'multicast', 'reserved'] as const).map((to) => ({
  action: 'deny',
  to,
}));

/** The policy, and the announced routes that could not be read. */
export function createPrivatePolicy(
  { allow, deny }: Pick<PrivateNetwork, 'allow' | 'deny'>,
  announced: AnnouncedRoutes,
): { policy: Policy; unreadable: string[] } {
  const unreadable: string[] = [];
  const routes = [...announced.cidrs, ...announced.hostnames].flatMap((route) => {
    const entry = toRoute(route);
    if (entry === undefined) unreadable.push(route);
    return entry ?? [];
  });
  const written = allow ?? [];
  const exact = written.filter(({ to }) => isExact(to));
  const special = written.filter(({ to }) => isSpecial(to));
  const policy = definePolicy([
    ...deny,
    ...exact,
    { action: 'deny', to: 'metadata' },
    ...special,
    ...never,
    ...(allow ?? routes),
  ]);
  return { policy, unreadable };
}

/** A route is an address, a CIDR or a name; never a set, and never `localhost`. */
function toRoute(route: string): PolicyEntry | undefined {
  const entry = parseEntry(route, 'allow');
  if ('problem' in entry || entry.ports !== undefined) return undefined;
  return isIP(entry.to.split('/', 1)[0]!) !== 0 || entry.resolvesTo !== undefined ? entry : undefined;
}

/** One address, a set that holds nothing else, or this machine by its name. */
function isExact(to: string): boolean {
  const [address = '', bits] = to.split('/', 2);
  const family = isIP(address);
  if (family === 0) return to === 'metadata';
  return bits === undefined || Number(bits) === (family === 4 ? 32 : 128);
}

const ranges = [
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['fe80::', 10],
] as const;

/** A range in which every address is one that is otherwise never dialled. */
function isSpecial(to: string): boolean {
  if (['loopback', 'link-local', 'multicast', 'reserved'].includes(to)) return true;
  const [address = '', bits] = to.split('/', 2);
  const family = isIP(address);
  if (family === 0) return /(?:^|\.)localhost\.?$/i.test(to);
  return ranges.some(([network, least]) => {
    if (isIP(network) !== family || Number(bits) < least) return false;
    const list = new BlockList();
    list.addSubnet(network, least, family === 4 ? 'ipv4' : 'ipv6');
    return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  });
}
