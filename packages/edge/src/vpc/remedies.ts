// What to do when the edge refuses a private service or network. The remedies of egress are about a Worker's policy, which
// says nothing of a service. Put on the egress itself, so that the log and `explain` have the same.
import { type Decision, type Egress, EgressError, toFailure } from '@sallyport/egress';
import { proxyErrors } from './proxy-errors.table.ts';

/** The rule of what is not in a private network. */
export const notRouted = 'no route of this private network covers it';

/** Undefined where egress's own remedy is right. */
type ToRemedy = (decision: Decision) => string | undefined;

const ofService: ToRemedy = ({ code }) => {
  if (code === 'tcp_loop') return proxyErrors.proxy_loop_detected.remedy;
  if (code !== 'destination_denied') return undefined;
  return 'No service leads to metadata, link-local, multicast and reserved addresses: correct its host with `sallyport vpc service update`.';
};

const ofNetwork: ToRemedy = ({ code, rule }) => {
  if (code === 'tcp_loop') return 'The address is one of the own listeners of the edge: correct the host and the port.';
  if (rule !== notRouted) return undefined;
  return 'Add a route with `sallyport tunnel route ip add` or `sallyport tunnel route hostname add`.';
};

export const withServiceRemedies = (egress: Egress): Egress => withRemedies(egress, ofService);
export const withNetworkRemedies = (egress: Egress): Egress => withRemedies(egress, ofNetwork);

function withRemedies(egress: Egress, toRemedy: ToRemedy): Egress {
  const mend = (decision: Decision): Decision => {
    const { code, detail } = decision;
    if (code === 'allowed') return decision;
    // Without the hint to use fetch(), which a binding may be asked by already.
    const { message } = toFailure(code, { detail });
    return { ...decision, message, remedy: toRemedy(decision) ?? decision.remedy };
  };
  return {
    decide: async (target, options) => mend(await egress.decide(target, options)),
    async open(target, options) {
      try {
        return await egress.open(target, options);
      } catch (error) {
        if (!(error instanceof EgressError) || error.decision?.verdict !== 'deny') throw error;
        const decision = mend(error.decision);
        const { code, message, detail, cause } = error;
        throw new EgressError({ code, message, detail, remedy: decision.remedy }, { cause, decision });
      }
    },
  };
}
