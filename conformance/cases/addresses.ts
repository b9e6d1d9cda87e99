// Every row of the address grammar: which spellings are accepted, refused at once, or fail on the network.
import type { Area, Case } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { attempt, bytes, readChars, settle, tries } from '../guest/observe.ts';

/** An echo server of one address family; `{4}` and `{6}` in a spelling stand for its port. */
const v4 = { v4: { kind: 'echo' } } as const;
const v6 = { v6: { kind: 'echo', host: '::1' } } as const;

/** What `connect()` made of an address: an echo, a failure, or an exception. */
async function reach({ connect }: Context, address: unknown): Promise<string> {
  let socket: ReturnType<Context['connect']> | undefined;
  const sync = attempt(() => {
    socket = connect(address);
  });
  if (socket === undefined) return sync;
  const writer = socket.writable.getWriter();
  const reader = socket.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  writer.write(bytes('knock')).catch(() => {});
  const opened = await settle(socket.opened.then(() => {}));
  return opened === 'resolved' ? `echoes ${await readChars(reader, 5)}` : opened;
}

function text(spelling: string, name = JSON.stringify(spelling)): Case {
  return {
    name,
    peers: spelling.includes('{6}') ? v6 : v4,
    run: (context) => reach(context, spelling.replace(/\{[46]\}/, String(portOf(context)))),
  };
}

function object(name: string, make: (port: number) => unknown, peers: Case['peers'] = v4): Case {
  return { name, peers: peers ?? v4, run: (context) => reach(context, make(portOf(context))) };
}

function portOf({ peers }: Context): number {
  return (peers['v4'] ?? peers['v6'])!.port;
}

const spellings: Case[] = [
  '127.0.0.1:{4}',
  'LOCALHOST:{4}',
  '[::1]:{6}',
  '[::ffff:127.0.0.1]:{4}',
  '0x7f000001:{4}',
  '2130706433:{4}',
  '127.1:{4}',
  '0177.0.0.1:{4}',
  '127.0.0.1:0{4}',
  '0.0.0.0:{4}',
  '[::]:{6}',
  '',
  '127.0.0.1',
  'localhost',
  '127.0.0.1:',
  '[::1]',
  'unix:/tmp/x',
  'unix:/tmp/x:1',
  'http://127.0.0.1:{4}',
  'https://127.0.0.1:{4}/',
  ':{4}',
  '::1:{6}',
  '127.0.0.1:-1',
  '127.0.0.1:abc',
  '127.0.0.1:65536',
  '127.0.0.1:99999',
  'exa mple:1',
  ' 127.0.0.1:{4}',
  '[::1%25lo]:{6}',
  '[fe80::1%eth0]:1',
  '127.0.0.1:40:01',
  '[::1]:{6}:5',
  '127.0.0.1:{4}/',
  '127.0.0.1:{4}/p',
  '127.0.0.1:{4}?x',
  '127.0.0.1:{4}#x',
  'u:p@127.0.0.1:{4}',
  'u@127.0.0.1:{4}',
  '127.0.0.1:{4} ',
  '127.0.0.1:{4}\n',
  '127.0.0.1:{4}\0',
  'exämple.com:1',
  '*:1',
  '%6cocalhost:{4}',
  'a,b:1',
  '127.0.0.1:0',
  '-:1',
  'a..b:1',
  'localhost.:{4}',
  '127.0.0.1.:{4}',
  'foo_bar.invalid:1',
  'nobody.invalid:1',
].map((spelling) => text(spelling));

const others: Case[] = [
  text('tcp://127.0.0.1:{4}'),
  text('tcp://127.0.0.1'),
  text('tcp://127.0.0.1:{4}/path'),
  text(`${'a'.repeat(248)}:65535`, '254 characters'),
  text(`${'a'.repeat(249)}:65535`, '255 characters'),
  text(`${'a'.repeat(250)}:65535`, '256 characters'),
  object('the number 123', () => 123),
  object('true', () => true),
  object('a symbol', () => Symbol('x')),
  object('a String object', (port) => new String(`127.0.0.1:${port}`)),
  object('an array', (port) => [`127.0.0.1:${port}`]),
  object('null', () => null),
  object('undefined', () => undefined),
  object('a function', () => () => 'x'),
  object('{ hostname, port }', (port) => ({ hostname: '127.0.0.1', port })),
  object('extra members', (port) => ({ hostname: '127.0.0.1', port, path: '/', x: 1 })),
  object('a URL with a port', (port) => new URL(`http://127.0.0.1:${port}/`)),
  object('a URL without a port', () => new URL('http://127.0.0.1/')),
  object('port as text', (port) => ({ hostname: '127.0.0.1', port: String(port) })),
  object('port with a fraction', (port) => ({ hostname: '127.0.0.1', port: port + 0.7 })),
  object('port as an object with valueOf', (port) => ({
    hostname: '127.0.0.1',
    port: { valueOf: () => port },
  })),
  ...[0, null, 'abc', Number.NaN, Number.POSITIVE_INFINITY, undefined, -1, 65_536].map((port) =>
    object(`port ${String(port)}`, () => ({ hostname: '127.0.0.1', port })),
  ),
  object('port ""', () => ({ hostname: '127.0.0.1', port: '' })),
  object('port 4001n', () => ({ hostname: '127.0.0.1', port: 4001n })),
  object("hostname ''", () => ({ hostname: '', port: 1 })),
  object('hostname missing', () => ({ port: 1 })),
  object('hostname null', () => ({ hostname: null, port: 1 })),
  // Accepted; where 0.0.0.1 leads is the machine's affair.
  { name: 'hostname 1', run: ({ connect }) => tries(() => connect({ hostname: 1, port: 1 })) },
  object("hostname '[::1]'", (port) => ({ hostname: '[::1]', port }), v6),
  object("hostname '::1'", (port) => ({ hostname: '::1', port }), v6),
  object("hostname '127.0.0.1:9'", () => ({ hostname: '127.0.0.1:9', port: 1 })),
  object("hostname 'a b'", () => ({ hostname: 'a b', port: 1 })),
  object("hostname 'a/b'", () => ({ hostname: 'a/b', port: 1 })),
  object('hostname is read before port', () => ({
    get hostname() {
      throw new RangeError('hostname was read');
    },
    get port() {
      throw new RangeError('port was read');
    },
  })),
];

export const addresses: Area = { id: 'addresses', title: 'Addresses', cases: [...spellings, ...others] };
