// Where ours differs from the oracle on purpose: failed connections. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'refused: retryable': {
    why: 'Errors say whether trying again may help; the runtime says so only for connections that were up.',
    clause: 'issue 2, 2',
    expected: 'true',
  },
  'refused: name, code, remedy': {
    why: 'Errors have a class, a stable code and a remedy; the message stays as documented.',
    clause: 'issue 2, 2',
    expected: ['SocketError', '"connection_refused"', 'string'],
  },
  'refused: the cause names what the system said': {
    why: 'What the documented text hides is in the cause.',
    clause: 'issue 2, 2',
    expected: true,
  },
  'an unknown name: code': {
    why: 'The documented text is the same for everything; the code tells a wrong name from a refused port.',
    clause: 'issue 2, 2',
    expected: '"dns_error"',
  },
  'refused: a write that was queued': {
    why: 'The same text without `jsg.Error: `, a leak of an internal prefix.',
    clause: 'workerd-sockets.md 7.7',
    expected: {
      write: 'rejected Error: proxy request failed, cannot connect to the specified address',
      closed: 'rejected Error: proxy request failed, cannot connect to the specified address',
    },
  },
  'refused: a write issued afterwards': {
    why: 'The same text without `jsg.Error: `, a leak of an internal prefix.',
    clause: 'workerd-sockets.md 7.7',
    expected: 'rejected Error: proxy request failed, cannot connect to the specified address',
  },
  'refused: a read that was pending': {
    why: 'The read fails with the reason; the runtime says that it was cancelled.',
    clause: 'WHATWG Streams, ReadableStreamError',
    expected: 'rejected Error: proxy request failed, cannot connect to the specified address',
  },
  'refused: a read issued afterwards': {
    why: 'A connection that never was is not an empty answer: reading an errored stream says why.',
    clause: 'WHATWG Streams, ReadableStreamError',
    expected: 'rejected Error: proxy request failed, cannot connect to the specified address',
  },
  'refused: writer.close()': {
    why: 'Nothing could be sent, so ending in order fails with the reason.',
    clause: 'WHATWG Streams, WritableStreamDefaultWriterClose',
    expected: 'rejected Error: proxy request failed, cannot connect to the specified address',
  },
  'refused: close() before it is known': {
    why: 'close() gives a pending connect up; nothing is left to be refused.',
    clause: 'issue 2, 2',
    expected: { close: 'resolved', opened: 'rejected Error: This socket has been closed.', closed: 'resolved' },
  },
};
