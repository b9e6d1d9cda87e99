// A decision: what egress said about one destination and why, as plain data that can be logged and printed.
import type { Destination } from './destination.ts';
import { type EgressErrorCode, type Facts, toFailure } from './errors.ts';
import { directRoute, type Route } from './routes.ts';

export interface Decision {
  verdict: 'allow' | 'deny';
  /** Undefined when the target could not be read. */
  destination: Destination | undefined;
  /** The entry, or the fixed rule, that decided. */
  rule: string;
  /** Who makes addresses of the name: nobody for an address and for what is refused before that. */
  resolver: 'none' | 'edge' | 'connector';
  /** Addresses that may be dialled, in the order they will be. Empty for a denial, and for a name the connector resolves. */
  addresses: string[];
  /** Addresses the name also stands for, but that may not be dialled. */
  refused: { address: string; rule: string }[];
  route: Route;
  /** `allowed`, or the code of the error that `open()` rejects with. */
  code: EgressErrorCode | 'allowed';
  /** For a denial, the documented text of the error. */
  message: string;
  /** What happened, with which value. */
  detail: string;
  /** For a denial, what can be done about it. */
  remedy: string;
}

type Base = Pick<Decision, 'destination' | 'rule'> & Partial<Pick<Decision, 'refused' | 'resolver'>>;

export function allow(base: Base & Pick<Decision, 'addresses' | 'route' | 'detail'>): Decision {
  return { verdict: 'allow', refused: [], resolver: 'none', ...base, code: 'allowed', message: 'allowed', remedy: '' };
}

export function deny(code: EgressErrorCode, base: Base, facts: Omit<Facts, 'rule'>): Decision {
  const failure = toFailure(code, { ...facts, rule: base.rule });
  return {
    verdict: 'deny',
    ...base,
    addresses: [],
    refused: base.refused ?? [],
    resolver: base.resolver ?? 'none',
    route: directRoute,
    ...failure,
  };
}
