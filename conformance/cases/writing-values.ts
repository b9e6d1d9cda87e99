// What may be written: every kind of value, and whether the stream can still be used afterwards.
import type { Case } from '../case.ts';
import { bytes, settle } from '../guest/observe.ts';

const peers = { echo: { kind: 'echo' } } as const;

/** Writes one value, then `!`, and says what became of both and what arrived. */
function writes(name: string, make: () => unknown, arriving: number): Case {
  return {
    name: `write ${name}`,
    peers,
    async run(context) {
      const {
        connect,
        peers: { echo },
      } = context;
      const writer = connect(echo!.address).writable.getWriter() as WritableStreamDefaultWriter<unknown>;
      const first = await settle(writer.write(make()));
      const second = await settle(writer.write(bytes('!')));
      const expected = first === 'resolved' ? arriving + 1 : 1;
      return { first, second, received: second === 'resolved' ? await context.receives('echo', expected) : '' };
    },
  };
}

/** Writes one value that is not bytes and says what became of it; then `!`. */
function refuses(name: string, make: () => unknown): Case {
  return writes(name, make, 0);
}

export const values: readonly Case[] = [
  writes('a Uint8Array', () => bytes('abc'), 3),
  writes('a subarray', () => bytes('xabcx').subarray(1, 4), 3),
  writes('an ArrayBuffer', () => bytes('abc').buffer, 3),
  writes('a DataView', () => new DataView(bytes('xabc').buffer, 1), 3),
  writes('a Uint16Array', () => new Uint16Array(bytes('abcd').buffer), 4),
  writes('a Float64Array', () => new Float64Array(bytes('abcdefgh').buffer), 8),
  writes(
    'a SharedArrayBuffer',
    () => {
      const shared = new SharedArrayBuffer(3);
      new Uint8Array(shared).set(bytes('abc'));
      return shared;
    },
    3,
  ),
  writes(
    'a view of a SharedArrayBuffer',
    () => {
      const shared = new Uint8Array(new SharedArrayBuffer(3));
      shared.set(bytes('abc'));
      return shared;
    },
    3,
  ),
  writes('an empty view', () => new Uint8Array(0), 0),
  writes('undefined', () => undefined, 0),
  writes(
    'a detached view',
    () => {
      const view = bytes('abc');
      structuredClone(view.buffer, { transfer: [view.buffer] });
      return view;
    },
    0,
  ),
  writes('a string', () => 'abc', 0),
  writes("an empty string ''", () => '', 0),
  refuses('a number', () => 1),
  refuses('null', () => null),
  refuses('an object', () => ({})),
  refuses('an array', () => [1, 2]),
  refuses('a Blob', () => new Blob(['x'])),
  refuses('a symbol', () => Symbol('x')),
  refuses('a bigint', () => 1n),
  refuses('a boolean', () => true),
];
