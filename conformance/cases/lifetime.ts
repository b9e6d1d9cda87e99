// A socket belongs to one run of a handler: global scope, other requests, the end of the request.
import type { Area } from '../case.ts';
import { bytes, settle, soon } from '../guest/observe.ts';

const peers = { peer: { kind: 'echo' } } as const;
const workers = ['oracle', 'worker'] as const;

export const lifetime: Area = {
  id: 'lifetime',
  title: 'Lifetime',
  cases: [
    {
      name: 'connect() at module scope',
      subjects: workers,
      run: ({ globalScope }) => globalScope,
    },
    {
      name: 'left open at the end of the request: the peer sees it end',
      subjects: workers,
      peers,
      async run({ connect, sees, afterwards, peers: { peer } }) {
        await connect(peer!.address).opened;
        afterwards(() => sees('peer', 'close'));
        return 'opened';
      },
    },
    {
      name: 'waitUntil() keeps a socket beyond the response',
      subjects: workers,
      peers,
      async run({ connect, waitUntil, receives, afterwards, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        waitUntil(
          (async () => {
            // Longer than the response takes.
            await new Promise((resolve) => setTimeout(resolve, 100));
            await socket.writable.getWriter().write(bytes('late'));
            await receives('peer', 4);
          })(),
        );
        afterwards(() => receives('peer', 4));
        return 'responded';
      },
    },
    {
      name: 'another request writes',
      subjects: workers,
      peers,
      async run({ connect, inAnotherRequest, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        return inAnotherRequest(() => settle(socket.writable.getWriter().write(bytes('x'))));
      },
    },
    {
      name: 'another request reads',
      subjects: workers,
      peers: { peer: { kind: 'greets' } },
      async run({ connect, inAnotherRequest, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        return inAnotherRequest(() => settle(socket.readable.getReader().read()));
      },
    },
    {
      name: 'another request closes',
      subjects: workers,
      peers,
      async run({ connect, inAnotherRequest, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        const there = await inAnotherRequest(() => settle(socket.close()));
        await socket.writable
          .getWriter()
          .write(bytes('x'))
          .catch(() => {});
        return [there, await soon(socket.closed)];
      },
    },
    {
      name: 'another request looks at secureTransport and upgraded',
      subjects: workers,
      peers,
      async run({ connect, inAnotherRequest, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        return inAnotherRequest(() => [socket.secureTransport, socket.upgraded]);
      },
    },
    {
      name: 'a later request writes, after the first has ended',
      subjects: workers,
      peers,
      async run({ connect, afterwards, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        afterwards(() => settle(socket.writable.getWriter().write(bytes('x'))));
        return 'opened';
      },
    },
    {
      name: 'a later request reads, after the first has ended',
      subjects: workers,
      peers: { peer: { kind: 'greets' } },
      async run({ connect, afterwards, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        afterwards(() => settle(socket.readable.getReader().read()));
        return 'opened';
      },
    },
    {
      name: 'a later request opens a socket of its own',
      subjects: workers,
      peers,
      run({ connect, afterwards, peers: { peer } }) {
        afterwards(() => settle(connect(peer!.address).opened.then(() => {})));
        return 'nothing opened';
      },
    },
    {
      name: 'the seventh socket of one invocation waits for one of six to close',
      peers,
      async run({ connect, peers: { peer } }) {
        const six = Array.from({ length: 6 }, () => connect(peer!.address));
        await Promise.all(six.map((socket) => socket.opened));
        const seventh = connect(peer!.address);
        const before = await soon(seventh.opened.then(() => {}));
        await six[0]!.close();
        return [before, await settle(seventh.opened.then(() => {}))];
      },
    },
    {
      name: 'the seventh socket: what is written and read while it waits',
      peers,
      async run({ connect, peers: { peer } }) {
        const six = Array.from({ length: 6 }, () => connect(peer!.address));
        await Promise.all(six.map((socket) => socket.opened));
        const seventh = connect(peer!.address);
        const writer = seventh.writable.getWriter();
        const written = writer.write(new TextEncoder().encode('early'));
        const read = seventh.readable.getReader().read();
        await six[0]!.close();
        await written;
        const { value } = await read;
        await writer.close();
        return [new TextDecoder().decode(value), await settle(seventh.closed)];
      },
    },
    {
      name: 'six sockets at once, again and again',
      peers,
      async run({ connect, peers: { peer } }) {
        for (let turn = 0; turn < 5; turn += 1) {
          const sockets = Array.from({ length: 6 }, () => connect(peer!.address));
          await Promise.all(sockets.map((socket) => socket.opened));
          await Promise.all(sockets.map((socket) => socket.close()));
        }
        return 'all opened';
      },
    },
    {
      name: 'a failed socket gives its slot back',
      peers: { gone: { kind: 'refuse' }, peer: { kind: 'echo' } },
      async run({ connect, peers: { gone, peer } }) {
        for (let turn = 0; turn < 8; turn += 1) await settle(connect(gone!.address).closed);
        return settle(connect(peer!.address).opened.then(() => {}));
      },
    },
  ],
};
