// Policy and loop check on each address a destination stands for: which may be dialled, in which order, and if none,
// why not.
import { allow, type Decision, deny } from './decision.ts';
import { type Destination, toDestinationText } from './destination.ts';
import { type Ip, parseIp } from './ip.ts';
import type { LoopCheck } from './own-listeners.ts';
import type { Policy, Ruling } from './policy.ts';
import { type Address, maxAddresses } from './resolver.ts';
import { directRoute, type Route, type Routes, tunnelFor } from './routes.ts';

export interface Rules {
  policy: Policy;
  routes: Routes;
  isLoop: LoopCheck;
}

const ownListener = "one of this edge's own listeners";
const unreadable: Ruling = { verdict: 'deny', rule: 'not an IP address, or one with a zone' };

/** The decision about a destination whose addresses are known: the resolver's answer, or the address itself. */
export function judgeAddresses(destination: Destination, answer: readonly Address[], rules: Rules): Decision {
  const { port } = destination;
  const name = destination.kind === 'name' ? destination.host : undefined;
  const resolver = name === undefined ? 'none' : 'edge';
  const permitted = new Map<string, { ip: Ip; rule: string; route: Route }>();
  const refused = new Map<string, string>();
  for (const { address } of answer.slice(0, maxAddresses)) {
    const ip = parseIp(address);
    const tunnel = ip === undefined ? undefined : tunnelFor(ip, rules.routes);
    const ruling = ip === undefined ? unreadable : rules.policy.judge(ip, { name, port, routed: tunnel !== undefined });
    if (ip === undefined || ruling.verdict === 'deny') refused.set(ip?.text ?? address, ruling.rule);
    // Behind a tunnel the same address is another machine's.
    else if (tunnel === undefined && rules.isLoop(ip, port)) refused.set(ip.text, ownListener);
    else permitted.set(ip.text, { ip, rule: ruling.rule, route: tunnel ?? directRoute });
  }

  const list = [...refused].map(([address, rule]) => ({ address, rule }));
  const loop = list.find(({ rule }) => rule === ownListener);
  const [chosen] = permitted.values();
  // A name that leads back here is a loop whatever else it has: or its outcome would change with who answers first.
  if (loop !== undefined || chosen === undefined) return denial(destination, list, loop);
  // One connection goes one way: that of the resolver's first choice.
  const sameWay = [...permitted.values()].filter(({ route }) => isSameWay(route, chosen.route));
  const addresses = interleave(sameWay.map(({ ip }) => ip));
  const at = name === undefined ? '' : ` at ${addresses.join(', ')}`;
  return allow({
    destination,
    rule: chosen.rule,
    addresses,
    refused: list,
    resolver,
    route: chosen.route,
    detail: `${toDestinationText(destination)}${at}: ${chosen.rule}`,
  });
}

type Refusal = Decision['refused'][number];

function denial(destination: Destination, refused: Refusal[], loop: Refusal | undefined): Decision {
  const { host, kind, port } = destination;
  const worst = loop ?? refused[0];
  const resolver = kind === 'name' ? 'edge' : 'none';
  if (worst === undefined) {
    const base = { destination, resolver, rule: 'a name must have an address' } as const;
    return deny('dns_error', base, { port, detail: `${host} has no address` });
  }
  const { address, rule } = worst;
  const text = toDestinationText(destination);
  return deny(
    loop === undefined ? 'destination_denied' : 'tcp_loop',
    { destination, resolver, rule, refused },
    {
      port,
      refused: kind === 'name' ? `${host} at ${address}` : address,
      detail: kind === 'name' ? `${text} is at ${address}, refused: ${rule}` : `${text} is refused: ${rule}`,
    },
  );
}

function isSameWay(one: Route, other: Route): boolean {
  if (one.kind === 'direct' || other.kind === 'direct') return one.kind === other.kind;
  return one.tunnelId === other.tunnelId;
}

/** Alternates between the families, starting with the resolver's first choice [RFC 8305 4]. */
function interleave(ips: readonly Ip[]): string[] {
  const first = ips[0]?.value.kind();
  const preferred = ips.filter((ip) => ip.value.kind() === first);
  const others = ips.filter((ip) => ip.value.kind() !== first);
  return preferred
    .flatMap((ip, index) => [ip, ...others.slice(index, index + 1)])
    .concat(others.slice(preferred.length))
    .map(({ text }) => text);
}
