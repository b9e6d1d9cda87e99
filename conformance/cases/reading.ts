// The readable side: chunks, BYOB, cancelling, locks, and native consumers.
import type { Area } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { attempt, bytes, countBytes, drain, settle, show, soon } from '../guest/observe.ts';
import { byob } from './reading-byob.ts';

const greets = { peer: { kind: 'greets', data: 'hello\n' } } as const;
const brief = { peer: { kind: 'fin-after', data: 'hello\n' } } as const;
const source = { peer: { kind: 'source', bytes: 1024 * 1024 } } as const;

function readableOf({ connect, peers: { peer } }: Context, options?: object): ReadableStream<Uint8Array> {
  return connect(peer!.address, options).readable as ReadableStream<Uint8Array>;
}

export const reading: Area = {
  id: 'reading',
  title: 'Reading',
  cases: [
    {
      name: 'read() before the connection is up',
      peers: greets,
      run: (context) => settle(readableOf(context).getReader().read()),
    },
    {
      name: 'chunks are Uint8Arrays',
      peers: greets,
      async run(context) {
        const { value } = await readableOf(context).getReader().read();
        return [value!.constructor === Uint8Array, value!.byteOffset, value!.buffer.byteLength >= value!.byteLength];
      },
    },
    {
      name: 'done has no value for a default reader',
      peers: brief,
      async run(context) {
        const reader = readableOf(context).getReader();
        return [await settle(reader.read()), show(await reader.read()), await settle(reader.closed)];
      },
    },
    {
      name: 'chunks of a default reader are longer than 4 KiB when more has arrived',
      peers: source,
      async run(context) {
        const reader = readableOf(context).getReader();
        let longest = 0;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return longest > 4096 && longest <= 65_536;
          longest = Math.max(longest, value.byteLength);
          // Let the kernel gather more than one read takes.
          await soon(Promise.resolve());
        }
      },
    },
    {
      name: '1 MiB arrives complete',
      peers: source,
      run: (context) => countBytes(readableOf(context).getReader()),
    },
    {
      name: 'for await',
      peers: brief,
      async run(context) {
        let text = '';
        for await (const chunk of readableOf(context) as unknown as AsyncIterable<Uint8Array>) {
          text += new TextDecoder().decode(chunk);
        }
        return text;
      },
    },
    {
      name: 'break out of for await cancels reading only',
      peers: greets,
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(peer!.address);
        for await (const chunk of socket.readable as unknown as AsyncIterable<Uint8Array>) if (chunk.length > 0) break;
        await socket.writable.getWriter().write(bytes('still here'));
        return [await receives('peer', 10), await soon(socket.closed)];
      },
    },
    {
      name: 'two reads at once',
      peers: { peer: { kind: 'silent' } },
      async run(context) {
        const reader = readableOf(context).getReader();
        const first = reader.read();
        const second = await soon(reader.read());
        first.catch(() => {});
        return second;
      },
    },
    {
      name: 'releaseLock() with a pending read',
      peers: { peer: { kind: 'silent' } },
      async run(context) {
        const reader = readableOf(context).getReader();
        const read = soon(reader.read());
        return [attempt(() => reader.releaseLock()), (await read).replace(/:.*/, '')];
      },
    },
    {
      name: 'releaseLock(), and a new reader goes on',
      peers: brief,
      async run(context) {
        const readable = readableOf(context);
        const first = readable.getReader();
        const one = await settle(first.read());
        first.releaseLock();
        return [one, readable.locked, await settle(readable.getReader().read())];
      },
    },
    {
      name: 'a second reader is refused',
      peers: greets,
      run(context) {
        const readable = readableOf(context);
        readable.getReader();
        return attempt(() => readable.getReader()).replace(/:.*/, '');
      },
    },
    {
      name: 'a mode that does not exist',
      peers: greets,
      run: (context) => attempt(() => readableOf(context).getReader({ mode: 'x' as 'byob' })).replace(/:.*/, ''),
    },
    {
      name: 'reader.cancel(): pending read, later reads, closed',
      peers: { peer: { kind: 'silent' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        const reader = socket.readable.getReader();
        const pending = settle(reader.read());
        const cancel = await settle(reader.cancel(new RangeError('mine')));
        return {
          cancel,
          pending: await pending,
          later: await settle(reader.read()),
          closed: await soon(socket.closed),
        };
      },
    },
    {
      name: 'cancel() says nothing to the peer, and writing goes on',
      peers: { peer: { kind: 'sink' } },
      async run({ connect, receives, seesSoon, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        await socket.readable.cancel();
        await socket.writable.getWriter().write(bytes('abc'));
        return [await receives('peer', 3), await seesSoon('peer', 'fin'), await seesSoon('peer', 'reset')];
      },
    },
    {
      name: 'cancel(), then writer.close(): closed',
      peers: { peer: { kind: 'sink' } },
      async run({ connect, sees, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        await socket.readable.cancel();
        await socket.writable.getWriter().close();
        return [await sees('peer', 'fin'), await soon(socket.closed)];
      },
    },
    ...byob,
    {
      name: 'new Response(readable).text()',
      peers: brief,
      run: (context) => new Response(readableOf(context)).text(),
    },
    {
      name: 'new Response(readable): closed resolves at the end',
      peers: brief,
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address);
        await new Response(socket.readable).text();
        return soon(socket.closed);
      },
    },
    {
      name: 'a Response returned to the client',
      peers: brief,
      run: (context) => new Response(readableOf(context)),
    },
    {
      name: 'tee(): both branches',
      peers: brief,
      async run(context) {
        const [one, two] = readableOf(context).tee();
        return Promise.all([drain(one.getReader()), drain(two.getReader())]);
      },
    },
    {
      name: 'pipeThrough(TextDecoderStream)',
      peers: brief,
      async run(context) {
        const readable = readableOf(context) as unknown as ReadableStream<ArrayBuffer>;
        const reader = readable.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return text;
          text += value;
        }
      },
    },
    {
      name: 'pipeTo() another socket: bytes and FIN arrive',
      peers: { ...brief, sink: { kind: 'sink' } },
      async run({ connect, receives, sees, peers: { peer, sink } }) {
        const [from, to] = [connect(peer!.address), connect(sink!.address)];
        return [await settle(from.readable.pipeTo(to.writable)), await receives('sink', 6), await sees('sink', 'fin')];
      },
    },
    {
      name: 'an echo through pipeTo() of a socket into itself',
      peers: { peer: { kind: 'greets', data: 'ping' } },
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(peer!.address);
        socket.readable.pipeTo(socket.writable).catch(() => {});
        return receives('peer', 4);
      },
    },
    {
      name: 'nobody reads: the peer is held back',
      peers: { peer: { kind: 'source', bytes: 64 * 1024 * 1024 } },
      async run({ connect, seesSoon, peers: { peer } }) {
        const socket = connect(peer!.address);
        await socket.opened;
        await socket.writable.getWriter().write(bytes('x'));
        await seesSoon('peer', 'close');
        return soon(socket.closed);
      },
    },
  ],
};
