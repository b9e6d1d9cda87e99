// Where ours differs from the oracle on purpose: addresses. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  '"localhost.:{4}"': {
    why: "A trailing dot is the same name; the gateway knows it from the canonical form that policy judges. On Node the system's resolver decides, as for the oracle.",
    clause: 'DESIGN.md, Egress',
    expected: 'echoes knock',
    only: 'worker',
  },
  '"127.0.0.1.:{4}"': {
    why: "A trailing dot is the same address; the gateway knows it from the canonical form that policy judges. On Node the system's resolver decides, as for the oracle.",
    clause: 'DESIGN.md, Egress',
    expected: 'echoes knock',
    only: 'worker',
  },
  '"tcp://127.0.0.1:{4}"': {
    why: 'The documentation says that connect() accepts a URL string, and the runtime does not.',
    clause: 'Workers documentation of TCP sockets, connect(); issue 2, 2',
    expected: 'echoes knock',
  },
  null: {
    why: 'The same TypeError without the mangled name of a C++ class, and with what to pass.',
    clause: 'workerd-sockets.md 1.2',
    expected:
      'threw TypeError: Cannot initialize a SocketAddress with required members from an undefined or null value. Pass "host:port" or { hostname, port }.',
  },
  undefined: {
    why: 'The same TypeError without the mangled name of a C++ class, and with what to pass.',
    clause: 'workerd-sockets.md 1.2',
    expected:
      'threw TypeError: Cannot initialize a SocketAddress with required members from an undefined or null value. Pass "host:port" or { hostname, port }.',
  },
  "hostname '::1'": {
    why: 'In an object it is clear where the hostname ends, so an IPv6 address needs no brackets.',
    clause: 'workerd-sockets.md 1.2',
    expected: 'echoes knock',
  },
};
