// Names to addresses. The answer is used once: what is judged is what is dialled, so a name cannot change its mind in
// between.
import { lookup } from 'node:dns/promises';
import { EgressError, toFailure } from './errors.ts';

/** One address a name stands for; the shape of `dns.lookup`, of which only `address` is read. */
export interface Address {
  readonly address: string;
  readonly family?: number;
}

/** Looks a canonical name up. May reject with any error; its `code` ends up in the cause. */
export type Resolve = (name: string, options: { signal: AbortSignal }) => Promise<readonly Address[]>;

/** Most addresses of one name that are looked at; the rest of the answer is ignored. */
export const maxAddresses = 16;

/** Most names the system resolver is asked for at once. Beyond it a look-up fails with `dns_busy`. */
export const maxPendingLookups = 1024;

/**
 * The operating system's resolver, so that /etc/hosts, search domains and container DNS work as users expect. It cannot
 * be interrupted and has few threads, so look-ups of one name are shared and their number is bounded.
 */
export function createSystemResolve(options: { lookup?: (name: string) => Promise<readonly Address[]> } = {}): Resolve {
  const { lookup: ask = (name) => lookup(name, { all: true, order: 'verbatim' }) } = options;
  const pending = new Map<string, Promise<readonly Address[]>>();

  return (name) => {
    const shared = pending.get(name);
    if (shared !== undefined) return shared;
    if (pending.size >= maxPendingLookups) {
      const detail = `${name} was not looked up: ${maxPendingLookups} look-ups are pending already`;
      return Promise.reject(new EgressError(toFailure('dns_busy', { detail })));
    }
    const answer = ask(name).finally(() => pending.delete(name));
    pending.set(name, answer);
    return answer;
  };
}
