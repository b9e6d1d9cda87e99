// Where ours differs from the oracle on purpose: writing. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'write a string': {
    why: 'Only bytes are accepted, as documented: the caller is told to encode, and the stream stays usable.',
    clause: 'Workers documentation of TCP sockets, writable; issue 2, 2',
    expected: {
      first:
        "rejected TypeError: This TransformStream is being used as a byte stream, but received a string on its writable side. If you wish to write a string, you'll probably want to explicitly UTF-8-encode it with TextEncoder.",
      second: 'resolved',
      received: '!',
    },
  },
  "write an empty string ''": {
    why: 'Only bytes are accepted, as documented: the caller is told to encode, and the stream stays usable.',
    clause: 'Workers documentation of TCP sockets, writable; issue 2, 2',
    expected: {
      first:
        "rejected TypeError: This TransformStream is being used as a byte stream, but received a string on its writable side. If you wish to write a string, you'll probably want to explicitly UTF-8-encode it with TextEncoder.",
      second: 'resolved',
      received: '!',
    },
  },
  'write a SharedArrayBuffer': {
    why: 'Views and ArrayBuffers are accepted; memory that another thread changes meanwhile must be asked for with a view.',
    clause: 'issue 2, 2',
    expected: {
      first:
        'rejected TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.',
      second: 'resolved',
      received: '!',
    },
  },
  'write undefined': {
    why: 'Only bytes are accepted, as documented; nothing at all is most likely a mistake.',
    clause: 'Workers documentation of TCP sockets, writable; issue 2, 2',
    expected: {
      first:
        'rejected TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.',
      second: 'resolved',
      received: '!',
    },
  },
  'desiredSize without highWaterMark, before and after writing': {
    why: 'Real backpressure: 64 KiB by default, counted in bytes. The runtime says 1 whatever is queued.',
    clause: 'issue 2, 2',
    expected: [65536, -25100288],
  },
  'ready without highWaterMark': {
    why: 'Real backpressure: `ready` waits while the peer does not read. In the runtime it never does.',
    clause: 'issue 2, 2',
    expected: ['resolved', 'pending'],
  },
  'writer.abort(): writes, writer.closed, reading': {
    why: 'A write after abort() rejects with the reason of the abort.',
    clause: 'WHATWG Streams, WritableStreamDefaultWriterWrite',
    expected: {
      abort: 'resolved',
      closed: 'rejected RangeError: mine',
      write: 'rejected RangeError: mine',
      read: 'resolved "hello\\n"',
    },
  },
  'pipeTo(): a chunk that is not bytes': {
    why: 'The pipe fails. In the runtime it succeeds, the chunk is dropped and the peer never sees an end.',
    clause: 'WHATWG Streams, ReadableStreamPipeTo',
    expected: [
      'rejected TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.',
      'not seen',
    ],
  },
};
