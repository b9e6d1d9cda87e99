// Names at the connector: the system's resolver, or DNS servers that config.yml names.
import { Resolver } from 'node:dns/promises';
import { type Address, createSystemResolve, type Resolve } from '@sallyport/egress';

/** Milliseconds one server gets for one try, and how many tries there are. */
const timeout = 2000;
const tries = 2;

/**
 * Asks these servers, over UDP and, for answers that do not fit, TCP; never /etc/hosts. Look-ups of one name are shared
 * and their number is bounded, as with the system's resolver.
 */
export function createServerResolve(servers: readonly string[]): Resolve {
  return createSystemResolve({
    async lookup(name) {
      const resolver = new Resolver({ timeout, tries });
      resolver.setServers([...servers]);
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = answers.flatMap((answer): Address[] =>
        answer.status === 'fulfilled' ? answer.value.map((address) => ({ address })) : [],
      );
      if (addresses.length > 0) return addresses;
      // A name without a record of one family is no failure of that family's question.
      const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
      throw failures.find((failure) => (failure as NodeJS.ErrnoException).code !== 'ENODATA') ?? failures[0];
    },
  });
}
