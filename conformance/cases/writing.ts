// The writable side: what it accepts, when a write is done, backpressure, ending, aborting.
import type { Area } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { attempt, bytes, drain, settle, show, soon } from '../guest/observe.ts';
import { values } from './writing-values.ts';

const peers = { echo: { kind: 'echo' } } as const;
const stalled = { stalled: { kind: 'never-reads' } } as const;
const mebibyte = 1024 * 1024;

function writerOf({ connect, peers: { echo } }: Context, options?: object): WritableStreamDefaultWriter<unknown> {
  return connect(echo!.address, options).writable.getWriter() as WritableStreamDefaultWriter<unknown>;
}

export const writing: Area = {
  id: 'writing',
  title: 'Writing',
  cases: [
    ...values,
    {
      name: 'writing may begin before the connection is up',
      peers,
      async run(context) {
        const socket = context.connect(context.peers['echo']!.address);
        const writer = socket.writable.getWriter();
        const order: string[] = [];
        const write = writer.write(bytes('early')).then(() => order.push('written'));
        await Promise.all([write, socket.opened.then(() => order.push('opened'))]);
        return [await context.receives('echo', 5), order];
      },
    },
    {
      name: 'the buffer is not detached',
      peers,
      async run(context) {
        const view = bytes('abc');
        await writerOf(context).write(view);
        return view.byteLength;
      },
    },
    {
      name: 'the buffer may be used again at once',
      peers,
      async run(context) {
        const writer = writerOf(context);
        const view = bytes('abc');
        const first = writer.write(view);
        view.set(bytes('xyz'));
        const second = writer.write(view);
        view.fill(0);
        await Promise.all([first, second]);
        return context.receives('echo', 6);
      },
    },
    {
      name: 'writes arrive in order',
      peers,
      async run(context) {
        const writer = writerOf(context);
        await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => writer.write(bytes(text))));
        return context.receives('echo', 5);
      },
    },
    {
      name: 'one write of 4 MiB arrives',
      peers: { sink: { kind: 'sink' } },
      async run({ connect, receives, byteCount, peers: { sink } }) {
        await connect(sink!.address)
          .writable.getWriter()
          .write(new Uint8Array(4 * mebibyte));
        await receives('sink', 4 * mebibyte);
        return byteCount('sink');
      },
    },
    {
      name: 'a small write to a peer that never reads is done at once',
      peers: stalled,
      run: ({ connect, peers: { stalled: peer } }) =>
        settle(connect(peer!.address).writable.getWriter().write(bytes('abc'))),
    },
    {
      name: 'writes to a peer that never reads stay pending in the end',
      peers: stalled,
      async run({ connect, peers: { stalled: peer } }) {
        const writer = connect(peer!.address).writable.getWriter();
        const written = Array.from({ length: 24 }, () => writer.write(new Uint8Array(mebibyte)));
        for (const write of written) write.catch(() => {});
        return [await settle(written[0]), await soon(written.at(-1))];
      },
    },
    {
      name: 'desiredSize without highWaterMark, before and after writing',
      peers: stalled,
      async run({ connect, peers: { stalled: peer } }) {
        const writer = connect(peer!.address).writable.getWriter();
        const before = writer.desiredSize;
        for (let index = 0; index < 24; index += 1) writer.write(new Uint8Array(mebibyte)).catch(() => {});
        return [before, writer.desiredSize];
      },
    },
    {
      name: 'ready without highWaterMark',
      peers: stalled,
      async run({ connect, peers: { stalled: peer } }) {
        const writer = connect(peer!.address).writable.getWriter();
        const before = await soon(writer.ready);
        for (let index = 0; index < 24; index += 1) writer.write(new Uint8Array(mebibyte)).catch(() => {});
        return [before, await soon(writer.ready)];
      },
    },
    {
      name: 'desiredSize with highWaterMark counts bytes and may go negative',
      peers,
      async run(context) {
        const writer = writerOf(context, { highWaterMark: 10 });
        const sizes = [writer.desiredSize];
        const written = [writer.write(bytes('1234')), writer.write(bytes('1234567890'))];
        sizes.push(writer.desiredSize);
        await Promise.all(written);
        return [...sizes, writer.desiredSize];
      },
    },
    {
      name: 'ready with highWaterMark waits and comes back',
      peers,
      async run(context) {
        const writer = writerOf(context, { highWaterMark: 2 });
        const before = writer.ready;
        const write = writer.write(bytes('1234'));
        const during = writer.ready;
        await write;
        return [before === during, await settle(during)];
      },
    },
    {
      name: 'writer.close() sends FIN, and reading goes on',
      peers,
      async run({ connect, sees, peers: { echo } }) {
        const socket = connect(echo!.address, { allowHalfOpen: true });
        const writer = socket.writable.getWriter();
        writer.write(bytes('abc')).catch(() => {});
        const closed = await settle(writer.close());
        return [closed, await sees('echo', 'fin'), await drain(socket.readable.getReader())];
      },
    },
    {
      name: 'writer.close() does not resolve closed by itself',
      peers: { silent: { kind: 'silent' } },
      async run({ connect, peers: { silent } }) {
        const socket = connect(silent!.address);
        await socket.writable.getWriter().close();
        return soon(socket.closed);
      },
    },
    {
      name: 'writer.close() twice',
      peers,
      async run(context) {
        const writer = writerOf(context);
        const first = settle(writer.close());
        return [await first, await settle(writer.close())];
      },
    },
    {
      name: 'write after writer.close()',
      peers,
      async run(context) {
        const writer = writerOf(context);
        await writer.close();
        return settle(writer.write(bytes('x')));
      },
    },
    {
      name: 'writer.abort(): writes, writer.closed, reading',
      peers: { greets: { kind: 'greets' } },
      async run({ connect, peers: { greets } }) {
        const socket = connect(greets!.address);
        await socket.opened;
        const writer = socket.writable.getWriter();
        const closed = settle(writer.closed);
        const abort = await settle(writer.abort(new RangeError('mine')));
        const read = await settle(socket.readable.getReader().read());
        return { abort, closed: await closed, write: await settle(writer.write(bytes('x'))), read };
      },
    },
    {
      name: 'writer.abort(): the peer',
      peers,
      async run(context) {
        const socket = context.connect(context.peers['echo']!.address);
        await socket.opened;
        await socket.writable.getWriter().abort(new RangeError('mine'));
        return [await context.seesSoon('echo', 'fin'), await context.seesSoon('echo', 'reset')];
      },
    },
    {
      name: 'writer.abort(), then close(): closed',
      peers,
      async run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address);
        await socket.opened;
        await socket.writable.getWriter().abort(new RangeError('mine'));
        return [await settle(socket.close()), await settle(socket.closed)];
      },
    },
    {
      name: 'a second writer is refused',
      peers,
      run({ connect, peers: { echo } }) {
        const { writable } = connect(echo!.address);
        writable.getWriter();
        return attempt(() => writable.getWriter()).replace(/:.*/, '');
      },
    },
    {
      name: 'releaseLock(): the old writer is out, a new one works',
      peers,
      async run({ connect, receives, peers: { echo } }) {
        const { writable } = connect(echo!.address);
        const old = writable.getWriter();
        await old.write(bytes('a'));
        old.releaseLock();
        const outcome = await settle(old.write(bytes('x')));
        await writable.getWriter().write(bytes('b'));
        return [outcome.replace(/:.*/, ''), await receives('echo', 2)];
      },
    },
    {
      name: 'pipeTo(): a source into a socket',
      peers,
      async run({ connect, receives, sees, peers: { echo } }) {
        const socket = connect(echo!.address);
        const source = new Blob(['piped']).stream();
        const piped = await settle(source.pipeTo(socket.writable));
        return [piped, await receives('echo', 5), await sees('echo', 'fin')];
      },
    },
    {
      name: 'pipeTo(): an errored source errors the writable side',
      peers,
      async run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address);
        const source = new ReadableStream({
          start: (controller) => controller.error(new RangeError('broken source')),
        });
        const piped = await settle(source.pipeTo(socket.writable));
        return { piped, close: await settle(socket.close()), closed: await settle(socket.closed) };
      },
    },
    {
      name: 'pipeTo(): a chunk that is not bytes',
      peers,
      async run({ connect, seesSoon, peers: { echo } }) {
        const socket = connect(echo!.address);
        const source = new ReadableStream({
          start(controller) {
            controller.enqueue(42);
            controller.close();
          },
        });
        return [await settle(source.pipeTo(socket.writable)), await seesSoon('echo', 'fin')];
      },
    },
    {
      name: 'writable.abort() and writable.close() on an unlocked stream',
      peers: { echo: { kind: 'echo' }, other: { kind: 'echo' } },
      async run({ connect, sees, peers: { echo, other } }) {
        const [one, two] = [connect(echo!.address), connect(other!.address)];
        await Promise.all([one.opened, two.opened]);
        return [await settle(one.writable.close()), await sees('echo', 'fin'), await settle(two.writable.abort())];
      },
    },
    {
      name: 'desiredSize after writer.close()',
      peers,
      async run(context) {
        const writer = writerOf(context);
        await writer.close();
        return show(writer.desiredSize);
      },
    },
  ],
};
