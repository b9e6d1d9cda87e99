// How connections end: end of stream, half-open sockets, resets, and when `closed` settles.
import type { Socket } from '@sallyport/sockets';
import type { Area } from '../case.ts';
import { bytes, drain, settle, soon } from '../guest/observe.ts';

const finFirst = { peer: { kind: 'fin-first' } } as const;
const brief = { peer: { kind: 'fin-after', data: 'bye\n' } } as const;
const resets = { peer: { kind: 'reset-after-bytes', bytes: 1 } } as const;

/** Says something to a peer that answers with a reset; the write itself may win or lose. */
async function provoke(socket: Socket): Promise<void> {
  await socket.opened;
  await socket.writable
    .getWriter()
    .write(bytes('x'))
    .catch(() => {});
}

export const ending: Area = {
  id: 'ending',
  title: 'End of stream, half-open, closed',
  cases: [
    {
      name: 'peer ends, we read: our FIN follows by itself',
      peers: brief,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        return [await drain(socket.readable.getReader()), await sees('peer', 'fin'), await settle(socket.closed)];
      },
    },
    {
      name: 'peer ends, we read: the peer sees no reset',
      peers: brief,
      async run({ connect, sees, log, peers: { peer } }) {
        const socket = connect(peer!.address);
        await drain(socket.readable.getReader());
        await sees('peer', 'close');
        return log('peer');
      },
    },
    {
      name: 'peer ends, we read: writer.closed and later writes',
      peers: finFirst,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        const closed = settle(writer.closed);
        await drain(socket.readable.getReader());
        await settle(socket.closed);
        return [await closed, await settle(writer.write(bytes('x')))];
      },
    },
    {
      name: 'peer ends, we read: getWriter() afterwards',
      peers: finFirst,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        await drain(socket.readable.getReader());
        await settle(socket.closed);
        const writer = socket.writable.getWriter();
        return [await settle(writer.closed), await settle(writer.write(bytes('x')))];
      },
    },
    {
      name: 'peer ends, we read: queued writes are flushed before our FIN',
      peers: finFirst,
      async run({ connect, sees, byteCount, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        for (let index = 0; index < 8; index += 1) writer.write(new Uint8Array(256 * 1024)).catch(() => {});
        await drain(socket.readable.getReader());
        return [await sees('peer', 'fin'), await byteCount('peer'), await settle(socket.closed)];
      },
    },
    {
      name: 'peer ends, nobody reads: closed is pending and writes go on',
      peers: finFirst,
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        await writer.write(bytes('a'));
        const closed = await soon(socket.closed);
        return [closed, await settle(writer.write(bytes('b'))), await receives('peer', 2)];
      },
    },
    {
      name: 'peer ends while a read is pending: closed resolves',
      peers: { peer: { kind: 'slow', data: 'x', interval: 30 } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const reader = socket.readable.getReader();
        await reader.read();
        return [(await settle(reader.read())).replace(' ""', ''), await settle(socket.closed)];
      },
    },
    {
      name: 'half-open: after the peer ended, writing goes on',
      peers: brief,
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(peer!.address, { allowHalfOpen: true });
        const text = await drain(socket.readable.getReader());
        await socket.writable.getWriter().write(bytes('after'));
        return [text, await receives('peer', 5), await soon(socket.closed)];
      },
    },
    {
      name: 'half-open: closed resolves once both directions have ended',
      peers: brief,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address, { allowHalfOpen: true });
        await drain(socket.readable.getReader());
        await socket.writable.getWriter().close();
        return [await sees('peer', 'fin'), await soon(socket.closed)];
      },
    },
    {
      name: 'half-open: close() afterwards resolves closed',
      peers: brief,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address, { allowHalfOpen: true });
        await drain(socket.readable.getReader());
        return [await settle(socket.close()), await settle(socket.closed), await sees('peer', 'fin')];
      },
    },
    {
      name: 'we end first, the peer answers, then ends',
      peers: { peer: { kind: 'sink' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        writer.write(bytes('abc')).catch(() => {});
        await writer.close();
        const text = await drain(socket.readable.getReader());
        return [text.startsWith('{"bytes":3'), await settle(socket.closed)];
      },
    },
    {
      name: 'close() right after the end was read: closed',
      peers: finFirst,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        await drain(socket.readable.getReader());
        return [await settle(socket.close()), await settle(socket.closed)];
      },
    },
    {
      name: 'reset while a read is pending',
      peers: resets,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const read = settle(socket.readable.getReader().read());
        await provoke(socket);
        return [await read, await settle(socket.closed)];
      },
    },
    {
      name: 'reset: retryable on the error of a read',
      peers: resets,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const read = socket.readable.getReader().read();
        await provoke(socket);
        return read.then(
          () => 'no error',
          (error: { retryable?: boolean }) => error.retryable ?? 'undefined',
        );
      },
    },
    {
      name: 'reset, nobody reads: writes fail sooner or later',
      peers: resets,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        await socket.opened;
        await writer.write(bytes('x')).catch(() => {});
        await sees('peer', 'close');
        let outcome = 'resolved';
        for (let turn = 0; turn < 50 && outcome === 'resolved'; turn += 1) {
          outcome = await settle(writer.write(bytes('y')));
          await soon(new Promise((resolve) => setTimeout(resolve, 5)));
        }
        return outcome;
      },
    },
    {
      name: 'reset, nobody reads: closed, once a write has failed',
      peers: resets,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        await socket.opened;
        await writer.write(bytes('x')).catch(() => {});
        await sees('peer', 'close');
        for (let turn = 0; turn < 50; turn += 1) {
          if ((await settle(writer.write(bytes('y')))) !== 'resolved') break;
          await soon(new Promise((resolve) => setTimeout(resolve, 5)));
        }
        return settle(socket.closed);
      },
    },
    {
      name: 'reset: later reads',
      peers: resets,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const reader = socket.readable.getReader();
        const first = settle(reader.read());
        await provoke(socket);
        await first;
        return settle(reader.read());
      },
    },
    {
      name: 'reset: data received before it, while it is being read',
      peers: { peer: { kind: 'reset-after-data', data: 'last words' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const reader = socket.readable.getReader();
        const first = await settle(reader.read());
        await provoke(socket);
        return [first, await settle(reader.read())];
      },
    },
    {
      name: 'reset: data received before it and not yet read',
      peers: { peer: { kind: 'reset-after-data', data: 'last words' } },
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        await provoke(socket);
        await sees('peer', 'close');
        const outcome = await settle(socket.readable.getReader().read());
        return outcome === 'resolved "last words"' || outcome === 'rejected Error: Network connection lost.';
      },
    },
    {
      name: 'an idle connection stays open',
      peers: { peer: { kind: 'silent' } },
      async run({ connect, seesSoon, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        return [await soon(socket.closed), await seesSoon('peer', 'fin')];
      },
    },
  ],
};
