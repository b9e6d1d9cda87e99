// Upgrades that fail, or must: certificates, names, servers that misbehave, locked streams.
import type { Socket } from '@sallyport/sockets';
import type { Case, PeerSpec } from '../case.ts';
import { bytes, settle, soon, tries } from '../guest/observe.ts';
import { ask, plain, server } from './starttls-client.ts';

/** Upgrades as a client should and says what the new socket reports. */
function upgrades(name: string, peers: Record<string, PeerSpec>, options: object = {}): Case {
  return {
    name,
    peers,
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      const secure = socket.startTls(options);
      return { opened: await settle(secure.opened.then(() => {})), closed: await soon(secure.closed) };
    },
  };
}

export const failures: readonly Case[] = [
  upgrades('a self-signed certificate', server('upgrade', 'self-signed')),
  upgrades('an unknown authority', server('upgrade', 'unknown-ca')),
  upgrades('an expired certificate', server('upgrade', 'expired')),
  upgrades('a certificate for another name', server('upgrade', 'wrong-name')),
  {
    // Whether the text is there before the handshake begins is a race, and the detail says which.
    name: 'a server that answers the handshake with text',
    peers: server('garbage'),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      return (await settle(socket.startTls().opened)).replace(/(Failed\.) .*/, '$1');
    },
  },
  {
    // Whether that is noticed before or during the handshake is a race, and the detail in parentheses says which.
    name: 'a server that ends the connection',
    peers: server('drop'),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      return (await settle(socket.startTls().opened)).replace(/ \(.*\)/, '');
    },
  },
  {
    name: 'a server that never answers the handshake',
    peers: server('hang'),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      const secure = socket.startTls();
      return { opened: await soon(secure.opened), close: await soon(secure.close()) };
    },
  },
  upgrades(
    'expectedServerHostname is verified',
    { peer: { kind: 'starttls', tls: { certificate: 'good', names: ['db.internal'] } } },
    { expectedServerHostname: 'db.internal' },
  ),
  upgrades('expectedServerHostname that the certificate is not for', server(), {
    expectedServerHostname: 'other.example',
  }),
  upgrades("expectedServerHostname ''", server(), { expectedServerHostname: '' }),
  upgrades('expectedServerHostname null', server(), { expectedServerHostname: null }),
  {
    name: 'a failed handshake: reads and writes of the new socket',
    peers: server('upgrade', 'self-signed'),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      const secure = socket.startTls();
      const write = settle(secure.writable.getWriter().write(bytes('secret')));
      const read = settle(secure.readable.getReader().read());
      return { write: await write, read: await read };
    },
  },
  {
    name: 'plaintext injected behind the answer, unread',
    peers: server('inject'),
    async run(context) {
      const socket = plain(context);
      const reader = socket.readable.getReader({ mode: 'byob' });
      const writer = socket.writable.getWriter();
      await reader.read(new Uint8Array('220 ready\r\n'.length));
      await writer.write(bytes('STARTTLS\r\n'));
      await reader.read(new Uint8Array('220 go\r\n'.length));
      reader.releaseLock();
      writer.releaseLock();
      const secure = socket.startTls();
      const opened = await settle(secure.opened.then(() => {}));
      return opened.startsWith('rejected') ? opened : [opened, await soon(secure.readable.getReader().read())];
    },
  },
  {
    name: 'the old writer is locked',
    peers: server(),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      socket.writable.getWriter();
      let secure: Socket | undefined;
      const call = tries(() => {
        secure = socket.startTls();
      });
      return secure === undefined ? call : { opened: await soon(secure.opened), closed: await soon(secure.closed) };
    },
  },
  {
    name: 'the old reader is locked',
    peers: server(),
    async run(context) {
      const socket = plain(context);
      await ask(socket);
      socket.readable.getReader();
      let secure: Socket | undefined;
      const call = tries(() => {
        secure = socket.startTls();
      });
      return secure === undefined ? call : { opened: await soon(secure.opened), closed: await soon(secure.closed) };
    },
  },
];
