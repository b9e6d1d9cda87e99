// Where ours differs from the oracle on purpose: close(). Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'queued writes to a peer that never reads: close() does not wait for ever': {
    why: 'close() lingers for 5 s at most, then resets. The runtime hangs.',
    clause: 'issue 2, 2',
    expected: 'resolved',
  },
  'while connecting: the attempt ends': {
    why: 'close() gives a pending connect up at once. The runtime waits for it.',
    clause: 'issue 2, 2',
    expected: { close: 'resolved', opened: 'rejected Error: This socket has been closed.', closed: 'resolved' },
  },
  'while connecting, with a write queued': {
    why: 'close() waits for the connection, but only as long as it lingers; the write says that it was not sent.',
    clause: 'issue 2, 2',
    expected: {
      close: 'resolved',
      write: 'rejected Error: The socket was closed before everything written to it could be sent.',
    },
  },
  'while a TLS handshake hangs': {
    why: 'close() gives a pending handshake up at once. The runtime waits for it.',
    clause: 'issue 2, 2',
    expected: { close: 'resolved', opened: 'rejected Error: This socket has been closed.' },
  },
  'at once after connect() to a peer that answers': {
    why: 'close() gives a pending connect up, whatever would have become of it.',
    clause: 'issue 2, 2',
    expected: { close: 'resolved', opened: 'rejected Error: This socket has been closed.', closed: 'resolved' },
  },
  'a pending read': {
    why: "Closing is the caller's own doing: a read that waits sees the end, as with cancel() and in the runtime's own rewrite of its streams, so that a read loop does not raise an unhandled rejection for each connection it closes.",
    clause: 'workerd-sockets.md 2.4, TS',
    expected: ['resolved done ""', 'resolved'],
    except: {
      subject: 'node',
      why: "without the empty view that workerd's standard byte streams put beside `done`",
      expected: ['resolved done', 'resolved'],
    },
  },
  'a held writer: closed, desiredSize, write': {
    why: 'Everything was sent and our end behind it: the writer was closed in order.',
    clause: 'workerd-sockets.md 2.4',
    expected: {
      closed: 'resolved',
      desiredSize: '0',
      write: 'rejected TypeError: This WritableStream has been closed.',
    },
  },
  'read right after close() was called': {
    why: "Closing is the caller's own doing: a read that waits sees the end, as with cancel() and in the runtime's own rewrite of its streams, so that a read loop does not raise an unhandled rejection for each connection it closes.",
    clause: 'workerd-sockets.md 2.4, TS',
    expected: 'resolved done',
  },
  'getReader().read() afterwards': {
    why: "Closing is the caller's own doing: a read that waits sees the end, as with cancel() and in the runtime's own rewrite of its streams, so that a read loop does not raise an unhandled rejection for each connection it closes.",
    clause: 'workerd-sockets.md 2.4, TS',
    expected: 'resolved done',
  },
  'getWriter() afterwards': {
    why: 'The stream was closed in order, and says that to whoever comes later.',
    clause: 'workerd-sockets.md 2.4',
    expected: { closed: 'resolved', write: 'rejected TypeError: This WritableStream has been closed.' },
  },
  'a writer held over close() and released: getWriter()': {
    why: 'A released lock is released.',
    clause: 'WHATWG Streams, WritableStreamDefaultWriterRelease; workerd-sockets.md 2.4, TS',
    expected: 'returned',
  },
  'while the readable is piped elsewhere': {
    why: 'The pipe sees the end of the stream and ends its destination in order.',
    clause: 'workerd-sockets.md 2.4',
    expected: ['resolved', 'resolved'],
  },
  'while something is piped into the writable': {
    why: 'The peer gets what was piped and our end, `closed` resolves and the pipe ends. In the runtime `closed` rejects and the pipe hangs.',
    clause: 'issue 2, 2; WHATWG Streams, ReadableStreamPipeTo',
    expected: { close: 'resolved', closed: 'resolved', piped: 'resolved' },
    except: {
      subject: 'node',
      why: "the standard's pipe rejects when its destination was closed; workerd's resolves",
      expected: {
        close: 'resolved',
        closed: 'resolved',
        piped: 'rejected TypeError: This WritableStream has been closed.',
      },
    },
  },
};
