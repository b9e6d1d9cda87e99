// What a Socket looks like: members, identities, brands.
import type { Socket } from '@sallyport/sockets';
import type { Area } from '../case.ts';
import { attempt, settle, show, tries } from '../guest/observe.ts';

const peers = { echo: { kind: 'echo' } } as const;

const members = [
  'readable',
  'writable',
  'opened',
  'closed',
  'upgraded',
  'secureTransport',
  'close',
  'startTls',
] as const;

function classOf(socket: Socket): new (...args: unknown[]) => Socket {
  return socket.constructor as unknown as new (...args: unknown[]) => Socket;
}

export const shape: Area = {
  id: 'shape',
  title: 'Shape of a Socket',
  cases: [
    {
      name: 'exports of the module',
      run: ({ module }) => Object.keys(module).sort(),
    },
    {
      name: 'connect() is a function with a name and two parameters',
      run: ({ module }) => {
        const { name, length } = module['connect'] as { name: string; length: number };
        return { name, length };
      },
    },
    {
      name: 'connect() works as a constructor and with any this',
      peers,
      async run({ module, peers: { echo } }) {
        const connect = module['connect'] as new (address: string) => Socket;
        const made = new connect(echo!.address);
        const called = (connect as unknown as (address: string) => Socket).call(null, echo!.address);
        return [await settle(made.opened.then(() => {})), await settle(called.opened.then(() => {}))];
      },
    },
    {
      name: 'Object.prototype.toString',
      peers,
      run: ({ connect, peers: { echo } }) => Object.prototype.toString.call(connect(echo!.address)),
    },
    {
      name: 'constructor name',
      peers,
      run: ({ connect, peers: { echo } }) => connect(echo!.address).constructor.name,
    },
    {
      name: 'the constructor may not be called',
      peers,
      run: ({ connect, peers: { echo } }) => tries(() => new (classOf(connect(echo!.address)))()),
    },
    {
      name: 'Socket is not a global',
      run: () => typeof (globalThis as Record<string, unknown>)['Socket'],
    },
    {
      name: 'no own properties, and JSON is {}',
      peers,
      run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address);
        return [Reflect.ownKeys(socket).map(String), JSON.stringify(socket)];
      },
    },
    {
      name: 'members are enumerable',
      peers,
      run({ connect, peers: { echo } }) {
        const names: string[] = [];
        for (const name in connect(echo!.address)) names.push(name);
        return names.sort();
      },
    },
    {
      name: 'members live on the prototype',
      peers,
      run({ connect, peers: { echo } }) {
        const prototype = Object.getPrototypeOf(connect(echo!.address)) as object;
        return members.map((name) => {
          const { get, set, value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
          return `${name}: ${[get && 'get', set && 'set', typeof value === 'function' && 'method'].filter(Boolean).join(' ')}`;
        });
      },
    },
    {
      name: 'members cannot be assigned',
      peers,
      run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address) as unknown as Record<string, unknown>;
        const before = socket['opened'];
        const outcomes = ['opened', 'readable', 'secureTransport'].map((name) =>
          attempt(() => {
            socket[name] = 1;
          }).replace(/:.*/, ''),
        );
        return [outcomes, before === socket['opened']];
      },
    },
    {
      name: 'a getter with the wrong this',
      peers,
      run({ connect, peers: { echo } }) {
        const prototype = Object.getPrototypeOf(connect(echo!.address)) as object;
        return attempt(() => Reflect.get(prototype, 'opened', {})).replace(/:.*/, '');
      },
    },
    {
      name: 'the same object each time',
      peers,
      run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address);
        return (['readable', 'writable', 'opened', 'closed'] as const).map((name) => socket[name] === socket[name]);
      },
    },
    {
      name: 'close() returns a fresh promise each time',
      peers,
      run({ connect, peers: { echo } }) {
        const socket = connect(echo!.address);
        const [one, two] = [socket.close(), socket.close()];
        return [one === two, one === socket.closed, one instanceof Promise];
      },
    },
    {
      name: 'streams are of the standard classes',
      peers,
      run({ connect, peers: { echo } }) {
        const { readable, writable } = connect(echo!.address);
        return [readable instanceof ReadableStream, writable instanceof WritableStream];
      },
    },
    {
      name: 'a fresh socket is unlocked and not upgraded',
      peers,
      run({ connect, peers: { echo } }) {
        const { readable, writable, upgraded, secureTransport } = connect(echo!.address);
        return [readable.locked, writable.locked, upgraded, secureTransport];
      },
    },
    {
      name: 'disposal: Symbol.asyncDispose closes',
      peers,
      async run({ connect, sees, peers: { echo } }) {
        const socket = connect(echo!.address) as unknown as Record<symbol, (() => Promise<void>) | undefined>;
        const symbol = (Symbol as { asyncDispose?: symbol }).asyncDispose;
        const dispose = symbol === undefined ? undefined : socket[symbol];
        if (dispose === undefined) return 'none';
        await (socket as unknown as Socket).opened;
        return [await settle(dispose.call(socket)), await sees('echo', 'fin')];
      },
    },
    {
      name: 'structuredClone() is refused',
      peers,
      run: ({ connect, peers: { echo } }) =>
        attempt(() => structuredClone(connect(echo!.address))).startsWith('threw DataCloneError'),
    },
    {
      name: 'opened: remoteAddress',
      peers,
      async run({ connect, peers: { echo } }) {
        const { remoteAddress } = await connect(`localhost:${echo!.port}`).opened;
        return show(remoteAddress);
      },
    },
    {
      name: 'opened: localAddress',
      peers,
      async run({ connect, peers: { echo } }) {
        const { localAddress } = await connect(echo!.address).opened;
        return show(localAddress).replace(/:\d+/, ':<local>');
      },
    },
    {
      name: 'opened: IPv6 addresses',
      peers: { six: { kind: 'echo', host: '::1' } },
      async run({ connect, peers: { six } }) {
        const { remoteAddress, localAddress } = await connect(six!.address).opened;
        return [show(remoteAddress), show(localAddress).replace(/\]:\d+/, ']:<local>')];
      },
    },
    {
      name: 'opened: members of a SocketInfo',
      peers,
      async run({ connect, peers: { echo } }) {
        const info = await connect(echo!.address).opened;
        return [Object.keys(info).sort(), Object.getPrototypeOf(info) === Object.prototype];
      },
    },
    {
      name: 'tls:// addresses mean TLS',
      peers: { tls: { kind: 'echo', tls: { certificate: 'good' } } },
      async run({ connect, peers: { tls } }) {
        let socket: Socket | undefined;
        const sync = tries(() => {
          socket = connect(`tls://localhost:${tls!.port}`);
        });
        if (socket === undefined) return sync;
        return [socket.secureTransport, await settle(socket.opened.then(() => {}))];
      },
    },
    {
      name: "tls:// and secureTransport 'off' contradict each other",
      run: ({ connect }) => tries(() => connect('tls://localhost:1', { secureTransport: 'off' })),
    },
  ],
};
