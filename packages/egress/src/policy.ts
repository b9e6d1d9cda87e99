// Policies: ordered entries, the first that matches decides, and what none matches is denied.
//
// A destination is judged as a pair: the name that was asked for (if one was) and one address it stands for. An allow
// entry for a name therefore never speaks for an address by itself, or whoever owns the name's DNS could point it at
// the metadata service. An address that carries another (NAT64, 6to4, …) is allowed only when every form of it is.
import { formsOf, type Ip } from './ip.ts';
import { type CompiledEntry, compileEntry, type PolicyEntry } from './policy-entry.ts';

/** What a policy says about one address, or about a name before it is resolved. */
export interface Ruling {
  verdict: 'allow' | 'deny';
  /** The entry that decided, as text. */
  rule: string;
}

export interface Policy {
  /** The entries as they were written, for building another policy from them and for display. */
  readonly entries: readonly PolicyEntry[];
  /**
   * Rules on one address that a destination stands for; `name` is the canonical name that was asked for, if any;
   * `routed` when a tunnel route covers the address.
   */
  judge(address: Ip, subject: { name?: string | undefined; port: number; routed?: boolean }): Ruling;
  /** The denial that holds for a name wherever it points, so that it need not be resolved; undefined if there is none. */
  judgeName(name: string, port: number): Ruling | undefined;
  /**
   * Rules on a name that a tunnel's connector will resolve. No address is known here, so entries for addresses say
   * nothing; the connector judges what it finds by its own list.
   */
  judgeRoutedName(name: string, port: number): Ruling;
}

const noEntry: Ruling = { verdict: 'deny', rule: 'no entry allows it' };

/**
 * A policy from its entries, in order.
 * @throws EgressError `invalid_policy` naming the first malformed entry and its problem.
 */
export function definePolicy(entries: readonly PolicyEntry[]): Policy {
  const compiled = entries.map(compileEntry);
  const denials = compiled.filter(({ action, particular }) => action === 'deny' && particular);

  const matches = (
    entry: CompiledEntry,
    form: Ip,
    name: string | undefined,
    port: number,
    routed: boolean,
  ): boolean => {
    if (!entry.covers(port)) return false;
    if (entry.routed) return routed;
    const named = name !== undefined && entry.names?.(name) === true;
    if (entry.action === 'deny') return named || entry.addresses?.(form) === true;
    if (entry.names !== undefined && !named) return false;
    if (entry.addresses?.(form) !== true) return false;
    return !(entry.yields && denials.some((denial) => denial.covers(port) && denial.addresses?.(form)));
  };

  const judgeForm = (form: Ip, name: string | undefined, port: number, routed = false): Ruling => {
    const entry = compiled.find((candidate) => matches(candidate, form, name, port, routed));
    return entry === undefined ? noEntry : { verdict: entry.action, rule: entry.text };
  };

  return {
    entries: Object.freeze([...entries]),
    judge(address, { name, port, routed }) {
      for (const form of formsOf(address).slice(1)) {
        const inner = judgeForm(form, name, port);
        if (inner.verdict === 'deny') {
          return { verdict: 'deny', rule: `${inner.rule} (${form.text}, carried by ${address.text})` };
        }
      }
      return judgeForm(address, name, port, routed);
    },
    judgeName(name, port) {
      for (const entry of compiled) {
        if (!entry.covers(port)) continue;
        if (entry.action === 'deny') {
          if (entry.names?.(name) === true) return { verdict: 'deny', rule: entry.text };
        } else if (entry.names === undefined || entry.names(name)) {
          return undefined;
        }
      }
      return noEntry;
    },
    judgeRoutedName(name, port) {
      const entry = compiled.find(({ covers, names, routed }) => covers(port) && (routed || names?.(name) === true));
      return entry === undefined ? noEntry : { verdict: entry.action, rule: entry.text };
    },
  };
}

/** What no tunnel route opens either; whoever means it writes an entry for it. */
const neverRouted: readonly PolicyEntry[] = [
  { action: 'deny', to: 'metadata' },
  { action: 'deny', to: 'link-local' },
  { action: 'deny', to: 'multicast' },
];

const routedOnly: readonly PolicyEntry[] = [
  { action: 'allow', to: 'routed' },
  { action: 'deny', to: 'cgnat' },
  { action: 'deny', to: 'reserved' },
];

/**
 * What a Worker may reach by default: what a tunnel route covers, and public addresses. Cloudflare's ranges are among them: the documentation calls its
 * block temporary, its reason (a request looping inside Cloudflare's network) does not hold for machines outside it, and
 * many public APIs live there. An operator who wants it puts `{ action: 'deny', to: 'cloudflare' }` in front.
 */
export const workerPolicy: Policy = definePolicy([
  ...neverRouted,
  { action: 'deny', to: 'loopback' },
  ...routedOnly,
  { action: 'deny', to: 'private' },
  { action: 'allow', to: 'public' },
]);

/** What `sallyport dev` allows: also this machine and the private networks around it. */
export const devPolicy: Policy = definePolicy([
  ...neverRouted,
  ...routedOnly,
  { action: 'allow', to: 'loopback' },
  { action: 'allow', to: 'private' },
  { action: 'allow', to: 'public' },
]);
