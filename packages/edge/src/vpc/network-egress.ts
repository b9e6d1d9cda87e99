// The way into one private network: the Worker says where to, its policy still applies, and nothing leads elsewhere.
import { createEgress, type Egress, type Policy, type Routes } from '@sallyport/egress';
import { notRouted, withNetworkRemedies } from './remedies.ts';
import type { EgressWays } from './service-egress.ts';

export interface NetworkEgressOptions {
  ways: EgressWays;
  /** The Worker's own. */
  policy: Policy;
  /** What of the network leads where. */
  routes: Routes;
}

export function createNetworkEgress({ ways, policy, routes }: NetworkEgressOptions): Egress {
  return withNetworkRemedies(createEgress({ ...ways, policy: onlyRouted(policy), routes }));
}

/** A policy that refuses what no route of the network covers. */
function onlyRouted(policy: Policy): Policy {
  return {
    entries: policy.entries,
    judge: (address, subject) =>
      subject.routed === true ? policy.judge(address, subject) : { verdict: 'deny', rule: notRouted },
    judgeName: (name, port) => policy.judgeName(name, port),
    judgeRoutedName: (name, port) => policy.judgeRoutedName(name, port),
  };
}
