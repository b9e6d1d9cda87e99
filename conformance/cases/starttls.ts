// startTls(): upgrading in the middle of a protocol, and every way in which that goes wrong.
import type { Area } from '../case.ts';
import { attempt, bytes, readChars, readLine, settle, show, soon } from '../guest/observe.ts';
import { ask, echo, plain, server } from './starttls-client.ts';
import { failures } from './starttls-failures.ts';

export const starttls: Area = {
  id: 'starttls',
  title: 'startTls()',
  cases: [
    {
      name: 'the whole protocol',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        const dialogue = await ask(socket);
        const secure = socket.startTls();
        return [dialogue, await echo(secure, 'secret'), secure.secureTransport, secure.upgraded];
      },
    },
    {
      name: 'the old socket: closed, upgraded, opened, locks',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        const secure = socket.startTls();
        await secure.opened;
        return {
          closed: await settle(socket.closed),
          upgraded: socket.upgraded,
          opened: await settle(socket.opened.then(() => {})),
          locks: [socket.readable.locked, socket.writable.locked],
          close: await settle(socket.close()),
          secure: await echo(secure, 'still here'),
        };
      },
    },
    {
      name: 'the new socket has streams of its own',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        const secure = socket.startTls();
        return [secure === socket, secure.readable === socket.readable, secure.writable === socket.writable];
      },
    },
    {
      name: 'the peer is told the hostname as SNI',
      peers: { peer: { kind: 'identity', tls: { certificate: 'good' } } },
      async run({ connect, peers: { peer } }) {
        const secure = connect(`localhost:${peer!.port}`, { secureTransport: 'starttls' }).startTls();
        return JSON.parse(await readLine(secure.readable.getReader())) as unknown;
      },
    },
    {
      name: 'before opened, unawaited; writes on the new socket wait',
      peers: { peer: { kind: 'echo', tls: { certificate: 'good' } } },
      async run({ connect, peers: { peer } }) {
        const secure = connect(`localhost:${peer!.port}`, { secureTransport: 'starttls' }).startTls();
        return echo(secure, 'early');
      },
    },
    {
      name: 'writes queued on the old socket go out in the clear first',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        const reader = socket.readable.getReader();
        await readChars(reader, '220 ready\r\n'.length);
        const writer = socket.writable.getWriter();
        writer.write(bytes('NOOP\r\n')).catch(() => {});
        await readChars(reader, '250 NOOP\r\n'.length);
        writer.write(bytes('STARTTLS\r\n')).catch(() => {});
        await readChars(reader, '220 go\r\n'.length);
        reader.releaseLock();
        writer.releaseLock();
        const secure = socket.startTls();
        return [await echo(secure, 'secret'), (await context.log('peer')).filter((name) => name === 'line').length];
      },
    },
    {
      name: 'opened: remoteAddress of the new socket',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        return show((await socket.startTls().opened).remoteAddress);
      },
    },
    ...failures,
    {
      name: "on a socket with secureTransport 'off'",
      peers: { peer: { kind: 'echo' } },
      run: ({ connect, peers: { peer } }) => attempt(() => connect(peer!.address).startTls()),
    },
    {
      name: "on a socket with secureTransport 'on'",
      peers: { peer: { kind: 'echo', tls: { certificate: 'good' } } },
      run: ({ connect, peers: { peer } }) =>
        attempt(() => connect(`localhost:${peer!.port}`, { secureTransport: 'on' }).startTls()),
    },
    {
      name: 'on the socket that startTls() returned',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        return attempt(() => socket.startTls().startTls());
      },
    },
    {
      name: 'twice, at once',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        const secure = socket.startTls();
        const second = attempt(() => socket.startTls());
        return [second, await echo(secure, 'first wins')];
      },
    },
    {
      name: 'twice, after the first is done',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        await socket.startTls().opened;
        return attempt(() => socket.startTls());
      },
    },
    {
      name: 'after close()',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await socket.opened;
        await socket.close();
        return attempt(() => socket.startTls());
      },
    },
    {
      name: 'an argument that is not a dictionary',
      peers: server(),
      run: (context) => attempt(() => plain(context).startTls('x' as unknown as object)),
    },
    {
      name: 'null as the argument',
      peers: { peer: { kind: 'echo', tls: { certificate: 'good' } } },
      run: ({ connect, peers: { peer } }) =>
        echo(
          connect(`localhost:${peer!.port}`, { secureTransport: 'starttls' }).startTls(null as unknown as object),
          'null is nothing',
        ),
    },
    {
      name: 'the connection is refused',
      peers: { peer: { kind: 'refuse' } },
      async run(context) {
        const socket = plain(context);
        const secure = socket.startTls();
        return {
          opened: await soon(secure.opened),
          closed: await soon(secure.closed),
          old: [await settle(socket.opened), await settle(socket.closed)],
        };
      },
    },
    {
      name: 'close() of the new socket: the peer sees the end',
      peers: server(),
      async run(context) {
        const socket = plain(context);
        await ask(socket);
        const secure = socket.startTls();
        // With this the server's session tickets have been read; closing over unread bytes would reset.
        await echo(secure, 'x');
        return [await settle(secure.close()), await settle(secure.closed), await context.sees('peer', 'fin')];
      },
    },
    {
      name: 'without an upgrade it is a plain socket',
      peers: { peer: { kind: 'echo' } },
      async run({ connect, peers: { peer } }) {
        const socket = connect(peer!.address, { secureTransport: 'starttls' });
        return [socket.secureTransport, await echo(socket, 'clear')];
      },
    },
    {
      name: 'allowHalfOpen is inherited',
      peers: { peer: { kind: 'slow', data: 'bye!', tls: { certificate: 'good' } } },
      async run({ connect, receives, peers: { peer } }) {
        const socket = connect(`localhost:${peer!.port}`, { secureTransport: 'starttls', allowHalfOpen: true });
        const secure = socket.startTls();
        await readChars(secure.readable.getReader(), 4);
        await secure.writable.getWriter().write(bytes('after'));
        return receives('peer', 5);
      },
    },
  ],
};
