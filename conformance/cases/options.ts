// The second argument: its members, their coercions, and what is not an options bag.
import type { Area, Case } from '../case.ts';
import { attempt, settle, tries } from '../guest/observe.ts';

const peers = { echo: { kind: 'echo' } } as const;

/** What `connect()` makes of these options: the mode it took, and whether it opens. */
function given(name: string, options: unknown): Case {
  return {
    name,
    peers,
    async run({ connect, peers: { echo } }) {
      let socket: ReturnType<typeof connect> | undefined;
      const sync = tries(() => {
        socket = connect(echo!.address, options);
      });
      if (socket === undefined) return sync;
      return `${socket.secureTransport} ${await settle(socket.opened.then(() => {}))}`;
    },
  };
}

/** What `connect()` throws for these options, or nothing. */
function checked(name: string, options: unknown): Case {
  return {
    name,
    peers,
    run: ({ connect, peers: { echo } }) => tries(() => connect(echo!.address, options)),
  };
}

const throwing = {
  get secureTransport(): string {
    throw new RangeError('my getter');
  },
};

export const options: Area = {
  id: 'options',
  title: 'Options',
  cases: [
    given('no options', undefined),
    given('an empty bag', {}),
    given('a function is an empty bag', () => {}),
    given('members that are undefined', {
      secureTransport: undefined,
      allowHalfOpen: undefined,
      highWaterMark: undefined,
    }),
    given("secureTransport 'off'", { secureTransport: 'off' }),
    given("secureTransport 'starttls'", { secureTransport: 'starttls' }),
    given('unknown members are ignored', { timeout: 1, tls: true, keepAlive: 'x' }),
    given('an array is a bag', []),
    given('highWaterMark 0', { highWaterMark: 0 }),
    given('highWaterMark 10n', { highWaterMark: 10n }),
    given('highWaterMark "10"', { highWaterMark: '10' }),
    given('highWaterMark 1.5', { highWaterMark: 1.5 }),
    given('highWaterMark null', { highWaterMark: null }),
    given('highWaterMark true', { highWaterMark: true }),
    given('allowHalfOpen "false"', { allowHalfOpen: 'false' }),
    given('a String object as secureTransport', { secureTransport: new String('starttls') }),
    checked("secureTransport 'ON'", { secureTransport: 'ON' }),
    checked("secureTransport 'use'", { secureTransport: 'use' }),
    checked("secureTransport ''", { secureTransport: '' }),
    checked('secureTransport null', { secureTransport: null }),
    checked('secureTransport true', { secureTransport: true }),
    checked('secureTransport 1', { secureTransport: 1 }),
    checked('secureTransport symbol', { secureTransport: Symbol('x') }),
    checked("secureTransport with a NUL ('off\\0x')", { secureTransport: 'off\0x' }),
    checked('highWaterMark -1', { highWaterMark: -1 }),
    checked('highWaterMark -1n', { highWaterMark: -1n }),
    checked("highWaterMark 'x'", { highWaterMark: 'x' }),
    checked('highWaterMark NaN', { highWaterMark: Number.NaN }),
    checked('highWaterMark Infinity', { highWaterMark: Number.POSITIVE_INFINITY }),
    checked('highWaterMark symbol', { highWaterMark: Symbol('x') }),
    checked('options null', null),
    checked('options a string', 'off'),
    checked('options a number', 1),
    checked('options true', true),
    checked('options a symbol', Symbol('x')),
    checked('a getter that throws', throwing),
    {
      name: 'the address is judged before the options',
      run: ({ connect }) => tries(() => connect('nowhere', { secureTransport: 'x' })),
    },
    {
      name: 'one argument too many is ignored',
      peers,
      run: ({ connect, peers: { echo } }) =>
        tries(() => (connect as (...args: unknown[]) => unknown)(echo!.address, {}, 'third')),
    },
    {
      name: 'no argument at all',
      run: ({ connect }) => attempt(() => connect()),
    },
    {
      name: 'signal: aborting refuses the connection with the reason as cause',
      peers: { silent: { kind: 'silent', tls: { certificate: 'good' } } },
      async run({ connect, peers: { silent } }) {
        const abort = new AbortController();
        const socket = connect(`localhost:${silent!.port}`, { signal: abort.signal });
        abort.abort(new RangeError('enough'));
        const cause = await socket.opened.then(
          () => 'opened',
          (error: Error) => String(error.cause),
        );
        return { opened: await settle(socket.opened.then(() => {})), cause, closed: await settle(socket.closed, 250) };
      },
    },
    {
      name: 'signal: something else is refused',
      run: ({ connect }) => tries(() => connect('127.0.0.1:1', { signal: 'x' })),
    },
    {
      name: 'connectTimeout: a peer that does not answer',
      peers: { hole: { kind: 'black-hole' } },
      async run({ connect, peers: { hole } }) {
        const socket = connect(hole!.address, { connectTimeout: 100 });
        return { opened: await settle(socket.opened, 1_000), closed: await settle(socket.closed, 250) };
      },
    },
    {
      name: 'connectTimeout: a TLS handshake that does not end',
      peers: { silent: { kind: 'silent' } },
      async run({ connect, peers: { silent } }) {
        const socket = connect(silent!.address, { secureTransport: 'on', connectTimeout: 200 });
        return settle(socket.opened, 2_000);
      },
    },
    checked('connectTimeout -1', { connectTimeout: -1 }),
  ],
};
