// Where ours differs from the oracle on purpose: policy. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'port 25': {
    why: 'Prohibited, with the documented text; the open-source runtime enforces no rule for ports.',
    clause: 'Workers documentation of TCP sockets, Considerations',
    expected: 'rejected Error: Connections to port 25 are prohibited',
  },
  'port 25 in an object': {
    why: 'Prohibited, with the documented text; the open-source runtime enforces no rule for ports.',
    clause: 'Workers documentation of TCP sockets, Considerations',
    expected: 'rejected Error: Connections to port 25 are prohibited',
  },
  "a listener of the edge's own is a loop": {
    why: 'Refused with the documented text; the open-source runtime lets a Worker call itself until descriptors run out.',
    clause: 'Workers documentation of TCP sockets, Troubleshooting',
    expected: 'rejected Error: TCP Loop detected',
  },
  "a listener of the edge's own, spelled 0x7f.1": {
    why: 'Refused with the documented text; the open-source runtime lets a Worker call itself until descriptors run out.',
    clause: 'Workers documentation of TCP sockets, Troubleshooting',
    expected: 'rejected Error: TCP Loop detected',
  },
};
