// `close()`: what it waits for, what it leaves behind, and what the peer sees.
import type { Area } from '../case.ts';
import { bytes, drain, settle, soon } from '../guest/observe.ts';
import { streams } from './closing-streams.ts';

const peers = { peer: { kind: 'echo' } } as const;
const silent = { peer: { kind: 'silent' } } as const;

export const closing: Area = {
  id: 'closing',
  title: 'close()',
  cases: [
    {
      name: 'opened, close(), closed',
      peers,
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        return [await settle(socket.close()), await settle(socket.closed), await sees('peer', 'fin')];
      },
    },
    {
      name: 'the peer sees an orderly end',
      peers,
      async run({ connect, sees, log, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        await socket.close();
        await sees('peer', 'close');
        return log('peer');
      },
    },
    {
      name: 'queued writes are sent first',
      peers: silent,
      async run({ connect, receives, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        writer.write(bytes('a')).catch(() => {});
        writer.write(bytes('b')).catch(() => {});
        const close = await settle(socket.close());
        return [close, await receives('peer', 2), await sees('peer', 'fin')];
      },
    },
    {
      name: '1 MiB that is queued is sent first',
      peers: { peer: { kind: 'silent' } },
      async run({ connect, receives, byteCount, peers: { peer } }) {
        const socket = connect(peer!.address);
        socket.writable
          .getWriter()
          .write(new Uint8Array(1024 * 1024))
          .catch(() => {});
        await socket.close();
        await receives('peer', 1024 * 1024);
        return byteCount('peer');
      },
    },
    {
      name: 'queued writes to a peer that never reads: close() does not wait for ever',
      peers: { peer: { kind: 'never-reads' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const writer = socket.writable.getWriter();
        for (let index = 0; index < 24; index += 1) writer.write(new Uint8Array(1024 * 1024)).catch(() => {});
        await socket.opened;
        return settle(socket.close(), 5_300);
      },
    },
    {
      name: 'twice',
      peers,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        const [one, two] = [socket.close(), socket.close()];
        return [await settle(one), await settle(two), await settle(socket.close())];
      },
    },
    {
      name: 'while connecting: the attempt ends',
      peers: { peer: { kind: 'black-hole' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        return {
          close: await soon(socket.close()),
          opened: await soon(socket.opened),
          closed: await soon(socket.closed),
        };
      },
    },
    {
      name: 'while connecting, with a write queued',
      peers: { peer: { kind: 'black-hole' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const write = settle(socket.writable.getWriter().write(bytes('x')), 5_500);
        return { close: await settle(socket.close(), 5_300), write: await write };
      },
    },
    {
      name: 'while a TLS handshake hangs',
      peers: silent,
      async run({ connect, peers: { peer } }) {
        const socket = connect(`localhost:${peer!.port}`, { secureTransport: 'on' });
        await soon(socket.opened);
        return { close: await soon(socket.close()), opened: await soon(socket.opened) };
      },
    },
    {
      name: 'at once after connect() to a peer that answers',
      peers,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const close = settle(socket.close());
        return {
          close: await close,
          opened: await settle(socket.opened.then(() => {})),
          closed: await settle(socket.closed),
        };
      },
    },
    ...streams,
    {
      name: 'received data nobody read: the peer sees the connection end',
      peers: { peer: { kind: 'greets', data: 'unread' } },
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        await socket.writable.getWriter().write(bytes('x'));
        await soon(new Promise(() => {}));
        return [await settle(socket.close()), await sees('peer', 'close')];
      },
    },
    {
      name: 'while the readable is piped elsewhere',
      peers: { peer: { kind: 'greets' }, other: { kind: 'silent' } },
      async run({ connect, receives, peers: { peer, other } }) {
        const [from, to] = [connect(peer!.address), connect(other!.address)];
        const piped = settle(from.readable.pipeTo(to.writable));
        await receives('other', 6);
        return [await settle(from.close()), await piped];
      },
    },
    {
      name: 'while something is piped into the writable',
      peers: silent,
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(peer!.address);
        const source = new ReadableStream({
          start: (controller) => controller.enqueue(bytes('abc')),
        });
        const piped = source.pipeTo(socket.writable);
        await receives('peer', 3);
        const close = await settle(socket.close(), 1_000);
        return { close, closed: await soon(socket.closed), piped: await soon(piped) };
      },
    },
    {
      name: 'while the readable streams into a Response',
      peers: { peer: { kind: 'greets' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const reader = new Response(socket.readable).body!.getReader();
        await reader.read();
        return settle(socket.close());
      },
    },
    {
      name: 'unhandled rejections: none, with streams held and nothing awaited',
      peers: silent,
      alone: true,
      async run({ connect, unhandled, peers: { peer } }) {
        const socket = connect(peer!.address);
        socket.readable.getReader();
        socket.writable.getWriter();
        await socket.opened;
        void socket.close();
        await soon(new Promise(() => {}));
        return unhandled();
      },
    },
    {
      name: 'after the peer reset the connection',
      peers: { peer: { kind: 'reset-after-bytes', bytes: 1 } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const reader = socket.readable.getReader();
        const read = drain(reader);
        await socket.opened;
        await socket.writable
          .getWriter()
          .write(bytes('x'))
          .catch(() => {});
        await read;
        return settle(socket.close());
      },
    },
    {
      name: 'a hundred sockets, one after another',
      peers,
      async run({ connect, peers: { peer } }) {
        for (let index = 0; index < 100; index += 1) {
          const socket = connect(peer!.address);
          await socket.opened;
          await socket.close();
          await socket.closed;
        }
        return 'all closed';
      },
    },
  ],
};
