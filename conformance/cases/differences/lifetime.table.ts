// Where ours differs from the oracle on purpose: lifetime. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'another request closes': {
    why: "close() from another request has no effect at all. In the runtime it breaks the owner's socket.",
    clause: 'workerd-sockets.md 2.6',
    expected: ['resolved', 'pending'],
  },
  'the seventh socket of one invocation waits for one of six to close': {
    why: 'The documented limit of simultaneously open connections, which the open-source runtime does not enforce.',
    clause: 'Workers limits, simultaneous open connections; issue 2, 2',
    expected: ['pending', 'resolved'],
  },
};
