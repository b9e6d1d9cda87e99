// Where ours differs from the oracle on purpose: reading. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'done has no value for a default reader': {
    why: "workerd's standard byte streams (which our Socket is made of there) put an empty view beside `done`; code looks at `done`.",
    clause: 'workerd-sockets.md 7.1',
    expected: ['resolved "hello\\n"', 'done ""', 'resolved'],
    only: 'worker',
  },
  'chunks of a default reader are longer than 4 KiB when more has arrived': {
    why: 'Larger chunks cost less; code cannot depend on where a stream of bytes is cut.',
    clause: 'issue 2, 2',
    expected: true,
  },
  'two reads at once': {
    why: "Reads queue, as in the standard and in the runtime's own rewrite of its streams.",
    clause: 'WHATWG Streams, ReadableStreamDefaultReader; workerd-sockets.md 7.1',
    expected: 'pending',
  },
  'releaseLock() with a pending read': {
    why: "The lock is released and the read rejects, as in the standard and in the runtime's own rewrite of its streams.",
    clause: 'WHATWG Streams, ReadableStreamDefaultReaderRelease; workerd-sockets.md 7.1',
    expected: ['returned', 'rejected TypeError'],
  },
  'releaseLock(), and a new reader goes on': {
    why: "workerd's standard byte streams (which our Socket is made of there) put an empty view beside `done`; code looks at `done`.",
    clause: 'workerd-sockets.md 7.1',
    expected: ['resolved "hello\\n"', false, 'resolved done ""'],
    only: 'worker',
  },
  'reader.cancel(): pending read, later reads, closed': {
    why: 'The pending read is done, as in the standard.',
    clause: 'WHATWG Streams, ReadableStreamClose',
    expected: { cancel: 'resolved', pending: 'resolved done ""', later: 'resolved done', closed: 'pending' },
    except: {
      subject: 'node',
      why: "without the empty view that workerd's standard byte streams put beside `done`",
      expected: { cancel: 'resolved', pending: 'resolved done', later: 'resolved done', closed: 'pending' },
    },
  },
  'cancel(), then writer.close(): closed': {
    why: 'Both directions are over, so the socket is closed. In the runtime it never is.',
    clause: 'issue 2, 2; workerd #5653',
    expected: ['seen', 'resolved'],
  },
  'BYOB: the type of view that comes back': {
    why: "A read answers with the type of view it was given, as in the standard and in the runtime's own rewrite of its streams.",
    clause: 'WHATWG Streams, ReadableByteStreamControllerConvertPullIntoDescriptor',
    expected: ['Uint16Array', 4],
  },
  'BYOB: a DataView': {
    why: "A read answers with the type of view it was given, as in the standard and in the runtime's own rewrite of its streams.",
    clause: 'WHATWG Streams, ReadableByteStreamControllerConvertPullIntoDescriptor',
    expected: ['DataView', 6],
  },
  'new Response(readable): closed resolves at the end': {
    why: '`closed` settles whoever reads. In the runtime a native consumer does not fire the end.',
    clause: 'issue 2, 2; workerd-sockets.md 2.2',
    expected: 'resolved',
  },
};
