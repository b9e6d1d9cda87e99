// Where ours differs from the oracle on purpose: the shape of a Socket. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'exports of the module': {
    why: 'The class of our errors and the invocation limit are exported; internalNewHttpClient works only with an experimental flag there. On Node the module is our package, with createConnect().',
    clause: 'issue 2, 2',
    expected: ['SocketError', 'connect', 'withInvocation'],
    except: {
      subject: 'node',
      why: 'the module is the package',
      expected: ['Socket', 'SocketError', 'connect', 'createConnect', 'withInvocation'],
    },
  },
  'disposal: Symbol.asyncDispose closes': {
    why: 'An extension: `await using` works.',
    clause: 'issue 2, 2',
    expected: ['resolved', 'seen'],
  },
  'structuredClone() is refused': {
    why: 'Only the runtime can refuse to clone its objects; a JavaScript object is cloned, to an empty one. Neither gives a second socket.',
    clause: 'workerd-sockets.md 1.3',
    expected: false,
  },
  'opened: remoteAddress': {
    why: 'The documentation calls it the address of the remote peer; the runtime repeats what the caller wrote.',
    clause: 'Workers documentation of TCP sockets, SocketInfo; issue 2, 2',
    expected: '"127.0.0.1:<echo>"',
  },
  'opened: localAddress': {
    why: 'The documentation calls it the address of the local endpoint; the runtime never sets it.',
    clause: 'Workers documentation of TCP sockets, SocketInfo; issue 2, 2',
    expected: '"127.0.0.1:<local>"',
  },
  'opened: IPv6 addresses': {
    why: 'As for IPv4: the local address is known.',
    clause: 'Workers documentation of TCP sockets, SocketInfo; issue 2, 2',
    expected: ['"[::1]:<six>"', '"[::1]:<local>"'],
  },
  'opened: members of a SocketInfo': {
    why: 'An extension of the WinterTC draft: the protocol that TLS settled on.',
    clause: 'issue 2, 2; WinterTC sockets, SocketInfo',
    expected: [['alpn', 'localAddress', 'remoteAddress'], true],
  },
  'tls:// addresses mean TLS': {
    why: 'The documentation says that connect() accepts a URL string, and the runtime does not.',
    clause: 'Workers documentation of TCP sockets, connect(); issue 2, 2',
    expected: ['on', 'resolved'],
  },
  "tls:// and secureTransport 'off' contradict each other": {
    why: 'Of two contradictory wishes the one for less security is not granted silently.',
    clause: 'issue 2, 2',
    expected: "threw TypeError: A tls:// address means secureTransport 'on', but the option says 'off'.",
  },
};
