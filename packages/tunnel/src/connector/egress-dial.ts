// The default dialler: egress with the policy the host gives, so that names are resolved and judged at the connector.
import type { Egress } from '@sallyport/egress';
import type { DialTarget } from './serve-stream.ts';

/** Dials through an egress whose policy allows the announced routes and nothing else. */
export function createEgressDial(egress: Egress): DialTarget {
  return async (target, { signal }) => (await egress.open(target, { signal })).stream;
}
