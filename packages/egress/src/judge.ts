// From a target to a decision: port 25, canonical form, policy on the name, look-up, policy on each address, route.
import { judgeAddresses, type Rules } from './address-judge.ts';
import { allow, type Decision, deny } from './decision.ts';
import { type Destination, type EgressTarget, parseDestination, toDestinationText } from './destination.ts';
import { EgressError } from './errors.ts';
import { isLocalhostName } from './ranges.ts';
import type { Address } from './resolver.ts';

export interface Judgement {
  decision: Decision;
  /** The error behind a denial, when there was one. */
  cause?: unknown;
}

/** A bounded look-up of one name. */
export type Lookup = (name: string) => Promise<readonly Address[]>;

/** What `localhost` and the names below it stand for, without asking anyone [RFC 6761 6.3]. */
const localhostAddresses: readonly Address[] = [{ address: '127.0.0.1' }, { address: '::1' }];

const mailPort = 25;

/**
 * Decides about a target. `lookup` is asked at most once, and not at all for an address or a name denied as such.
 * Rejects only when the look-up was aborted.
 */
export async function judge(target: EgressTarget, rules: Rules, lookup: Lookup): Promise<Judgement> {
  const parsed = tryParse(target);
  if (target.port === mailPort) {
    const destination = 'destination' in parsed ? parsed.destination : undefined;
    const detail = `${destination?.host ?? 'The target'} was asked for on port ${mailPort}`;
    const base = { destination, rule: `port ${mailPort} is never allowed` };
    return { decision: deny('port_25', base, { port: mailPort, detail }) };
  }
  if ('error' in parsed) {
    const base = { destination: undefined, rule: 'a destination must be readable' };
    const decision = deny('invalid_destination', base, { port: target.port, detail: parsed.error.detail });
    return { decision, cause: parsed.error };
  }
  const { destination } = parsed;
  if (destination.kind === 'name') return judgeName(destination, rules, lookup);
  return { decision: judgeAddresses(destination, [{ address: destination.host }], rules) };
}

function tryParse(target: EgressTarget): { destination: Destination } | { error: EgressError } {
  try {
    return { destination: parseDestination(target) };
  } catch (error) {
    if (error instanceof EgressError) return { error };
    throw error;
  }
}

async function judgeName(destination: Destination, rules: Rules, lookup: Lookup): Promise<Judgement> {
  const { host, port } = destination;
  const route = rules.routes.forName(host);
  const ruling = route === undefined ? rules.policy.judgeName(host, port) : rules.policy.judgeRoutedName(host, port);
  if (ruling?.verdict === 'deny') {
    const facts = { port, refused: host, detail: `${toDestinationText(destination)} is refused: ${ruling.rule}` };
    return { decision: deny('destination_denied', { destination, rule: ruling.rule }, facts) };
  }
  if (route !== undefined && ruling !== undefined) {
    const detail = `${toDestinationText(destination)} through tunnel ${route.tunnelName}: ${ruling.rule}`;
    return { decision: allow({ destination, rule: ruling.rule, addresses: [], resolver: 'connector', route, detail }) };
  }
  if (isLocalhostName(host)) return { decision: judgeAddresses(destination, localhostAddresses, rules) };

  let answer: readonly Address[];
  try {
    answer = await lookup(host);
  } catch (cause) {
    return failedLookup(destination, cause);
  }
  return { decision: judgeAddresses(destination, answer, rules) };
}

function failedLookup(destination: Destination, cause: unknown): Judgement {
  const { host, port } = destination;
  const base = { destination, resolver: 'edge', rule: 'a name must resolve' } as const;
  if (cause instanceof EgressError) {
    if (cause.code === 'aborted') throw cause;
    return { decision: deny(cause.code, base, { port, detail: cause.detail }), cause: cause.cause ?? cause };
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const detail = `${host} could not be resolved: ${reason}`;
  return { decision: deny('dns_error', base, { port, detail }), cause };
}
