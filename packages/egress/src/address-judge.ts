// Policy and loop check on each address a destination stands for: which may be dialled, in which order, and if none,
// why not.
import { allow, type Decision, deny } from './decision.ts';
import { type Destination, toDestinationText } from './destination.ts';
import { type Ip, parseIp } from './ip.ts';
import type { LoopCheck } from './own-listeners.ts';
import type { Policy, Ruling } from './policy.ts';
import { type Address, maxAddresses } from './resolver.ts';
import type { Routes } from './routes.ts';

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
  const permitted = new Map<string, { ip: Ip; rule: string }>();
  const refused = new Map<string, string>();
  for (const { address } of answer.slice(0, maxAddresses)) {
    const ip = parseIp(address);
    const ruling = ip === undefined ? unreadable : rules.policy.judge(ip, { name, port });
    if (ip === undefined || ruling.verdict === 'deny') refused.set(ip?.text ?? address, ruling.rule);
    else if (rules.isLoop(ip, port)) refused.set(ip.text, ownListener);
    else permitted.set(ip.text, { ip, rule: ruling.rule });
  }

  const list = [...refused].map(([address, rule]) => ({ address, rule }));
  const loop = list.find(({ rule }) => rule === ownListener);
  const [chosen] = permitted.values();
  // A name that leads back here is a loop whatever else it has: or its outcome would change with who answers first.
  if (loop !== undefined || chosen === undefined) return denial(destination, list, loop);
  const addresses = interleave([...permitted.values()].map(({ ip }) => ip));
  const at = name === undefined ? '' : ` at ${addresses.join(', ')}`;
  return allow({
    destination,
    rule: chosen.rule,
    addresses,
    refused: list,
    route: rules.routes.pick(destination, addresses),
    detail: `${toDestinationText(destination)}${at}: ${chosen.rule}`,
  });
}

type Refusal = Decision['refused'][number];

function denial(destination: Destination, refused: Refusal[], loop: Refusal | undefined): Decision {
  const { host, kind, port } = destination;
  const worst = loop ?? refused[0];
  if (worst === undefined) {
    const base = { destination, rule: 'a name must have an address' };
    return deny('dns_error', base, { port, detail: `${host} has no address` });
  }
  const { address, rule } = worst;
  const text = toDestinationText(destination);
  return deny(
    loop === undefined ? 'destination_denied' : 'tcp_loop',
    { destination, rule, refused },
    {
      port,
      refused: kind === 'name' ? `${host} at ${address}` : address,
      detail: kind === 'name' ? `${text} is at ${address}, refused: ${rule}` : `${text} is refused: ${rule}`,
    },
  );
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
