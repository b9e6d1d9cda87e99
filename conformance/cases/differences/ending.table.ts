// Where ours differs from the oracle on purpose: how connections end. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'half-open: closed resolves once both directions have ended': {
    why: '`closed` settles exactly when both directions are over. In the runtime it never does for a half-open socket.',
    clause: 'issue 2, 2; workerd #5653',
    expected: ['seen', 'resolved'],
  },
  'close() right after the end was read: closed': {
    why: 'An orderly end is not an error. In the runtime close() races with the automatic end.',
    clause: 'workerd-sockets.md 7.5; workerd #6479',
    expected: ['resolved', 'resolved'],
  },
  'reset while a read is pending': {
    why: 'The documentation says that `closed` is rejected if the socket encounters an error, and a reset is one.',
    clause: 'Workers documentation of TCP sockets, closed',
    expected: ['rejected Error: Network connection lost.', 'rejected Error: Network connection lost.'],
  },
  'reset, nobody reads: closed, once a write has failed': {
    why: 'The documentation says that `closed` is rejected if the socket encounters an error, and a reset is one.',
    clause: 'Workers documentation of TCP sockets, closed',
    expected: 'rejected Error: Network connection lost.',
  },
};
