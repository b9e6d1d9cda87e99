// What close() does to readers and writers, held or made afterwards.
import type { Case } from '../case.ts';
import { attempt, bytes, settle, show } from '../guest/observe.ts';

const silent = { peer: { kind: 'silent' } } as const;

export const streams: readonly Case[] = [
  {
    name: 'a pending read',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      const reader = socket.readable.getReader();
      const read = settle(reader.read());
      const closed = settle(reader.closed);
      await socket.close();
      return [await read, await closed];
    },
  },
  {
    name: 'a held writer: closed, desiredSize, write',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      const writer = socket.writable.getWriter();
      const closed = settle(writer.closed);
      await socket.close();
      return {
        closed: await closed,
        desiredSize: show(writer.desiredSize),
        write: await settle(writer.write(bytes('x'))),
      };
    },
  },
  {
    name: 'write right after close() was called',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      const writer = socket.writable.getWriter();
      const close = socket.close();
      const write = await settle(writer.write(bytes('x')));
      await close;
      return write;
    },
  },
  {
    name: 'read right after close() was called',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      const reader = socket.readable.getReader();
      const close = socket.close();
      const read = await settle(reader.read());
      await close;
      return read;
    },
  },
  {
    name: 'getReader() afterwards',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      await socket.close();
      const got = attempt(() => void socket.readable.getReader());
      return got === 'returned' ? got : got.replace(/:.*/, '');
    },
  },
  {
    name: 'getReader().read() afterwards',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      await socket.close();
      return settle(socket.readable.getReader().read());
    },
  },
  {
    name: "the documentation's sample: a reader held over close(), then getReader()",
    peers: silent,
    run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      socket.readable.getReader();
      socket.close().catch(() => {});
      return attempt(() => socket.readable.getReader()).replace(/:.*/, '');
    },
  },
  {
    name: 'getWriter() afterwards',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      await socket.close();
      const writer = socket.writable.getWriter();
      return { closed: await settle(writer.closed), write: await settle(writer.write(bytes('x'))) };
    },
  },
  {
    name: 'a writer held over close() and released: getWriter()',
    peers: silent,
    async run({ connect, peers: { peer } }) {
      const socket = connect(peer!.address);
      await socket.opened;
      const writer = socket.writable.getWriter();
      writer.closed.catch(() => {});
      await socket.close();
      writer.releaseLock();
      return attempt(() => void socket.writable.getWriter()).replace(/:.*/, '');
    },
  },
];
