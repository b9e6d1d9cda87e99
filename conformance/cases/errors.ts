// What goes wrong on the way to a connection, and how it is told.
import type { Socket } from '@sallyport/sockets';
import type { Area, PeerSpec } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { bytes, settle, show, soon } from '../guest/observe.ts';

const refused = { gone: { kind: 'refuse' } } as const satisfies Record<string, PeerSpec>;

async function failure(socket: Socket): Promise<Error & Record<string, unknown>> {
  return socket.opened.then(
    () => Promise.reject(new Error('it opened')),
    (error: Error & Record<string, unknown>) => error,
  );
}

function refusedSocket({ connect, peers: { gone } }: Context): Socket {
  return connect(gone!.address);
}

export const errors: Area = {
  id: 'errors',
  title: 'Failed connections',
  cases: [
    {
      name: 'refused: opened and closed reject',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        return [await settle(socket.opened), await settle(socket.closed)];
      },
    },
    {
      name: 'refused: the error is an Error and not a TypeError',
      peers: refused,
      async run(context) {
        const error = await failure(refusedSocket(context));
        return [error instanceof Error, error instanceof TypeError];
      },
    },
    {
      name: 'refused: retryable',
      peers: refused,
      run: async (context) => show((await failure(refusedSocket(context)))['retryable']),
    },
    {
      name: 'refused: name, code, remedy',
      peers: refused,
      async run(context) {
        const { name, code, remedy } = await failure(refusedSocket(context));
        return [name, show(code), typeof remedy];
      },
    },
    {
      name: 'refused: the cause names what the system said',
      peers: refused,
      run: async (context) => /ECONNREFUSED/.test(String((await failure(refusedSocket(context))).cause)),
    },
    {
      name: 'refused on port 443: the hint about fetch()',
      run: async ({ connect }) => settle(connect('127.0.0.1:443').opened.then(() => {})),
    },
    {
      name: 'refused on port 80: the hint about fetch()',
      run: async ({ connect }) => settle(connect('127.0.0.1:80').opened.then(() => {})),
    },
    {
      name: 'an unknown name: message',
      run: ({ connect }) => settle(connect('no.such.name.invalid:1').opened),
    },
    {
      name: 'an unknown name: code',
      run: async ({ connect }) => show((await failure(connect('no.such.name.invalid:1')))['code']),
    },
    {
      name: 'refused: a write that was queued',
      peers: refused,
      async run(context) {
        const writer = refusedSocket(context).writable.getWriter();
        const closed = writer.closed;
        closed.catch(() => {});
        return { write: await settle(writer.write(bytes('x'))), closed: await settle(closed) };
      },
    },
    {
      name: 'refused: a read that was pending',
      peers: refused,
      run: (context) => settle(refusedSocket(context).readable.getReader().read()),
    },
    {
      name: 'refused: a read issued afterwards',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        await settle(socket.closed);
        return settle(socket.readable.getReader().read());
      },
    },
    {
      name: 'refused: a write issued afterwards',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        await settle(socket.closed);
        return settle(socket.writable.getWriter().write(bytes('x')));
      },
    },
    {
      name: 'refused: writer.close()',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        await settle(socket.closed);
        return settle(socket.writable.getWriter().close());
      },
    },
    {
      name: 'refused: close() afterwards resolves, and closed stays as it was',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        await settle(socket.closed);
        return [await settle(socket.close()), await settle(socket.closed)];
      },
    },
    {
      name: 'refused: close() before it is known',
      peers: refused,
      async run(context) {
        const socket = refusedSocket(context);
        const closing = settle(socket.close());
        return { close: await closing, opened: await settle(socket.opened), closed: await settle(socket.closed) };
      },
    },
    {
      name: 'refused: nobody looks, and nothing is unhandled',
      peers: refused,
      alone: true,
      async run(context) {
        const socket = refusedSocket(context);
        void socket;
        await soon(new Promise(() => {}));
        return context.unhandled();
      },
    },
    {
      name: 'refused: an unawaited write is an unhandled rejection',
      peers: refused,
      alone: true,
      async run(context) {
        void refusedSocket(context).writable.getWriter().write(bytes('x'));
        await soon(new Promise(() => {}));
        return context.unhandled().length > 0;
      },
    },
    {
      name: 'reset at once: whether it opened is a race, but everything settles',
      peers: { peer: { kind: 'reset' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        const read = settle(socket.readable.getReader().read());
        return [await settle(socket.opened), await read, await settle(socket.closed)].includes('pending');
      },
    },
    {
      name: 'ten refused sockets do not disturb one that works',
      peers: { ...refused, echo: { kind: 'echo' } },
      async run(context) {
        const failures = await Promise.all(Array.from({ length: 10 }, () => settle(refusedSocket(context).opened)));
        const socket = context.connect(context.peers['echo']!.address);
        return [new Set(failures).size, await settle(socket.opened.then(() => {}))];
      },
    },
  ],
};
