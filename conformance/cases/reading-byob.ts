// Reading into buffers of one's own.
import type { Case } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { settle, show } from '../guest/observe.ts';

const greets = { peer: { kind: 'greets', data: 'hello\n' } } as const;
const brief = { peer: { kind: 'fin-after', data: 'hello\n' } } as const;

function byobOf(context: Context): ReadableStreamBYOBReader {
  const { connect, peers } = context;
  return connect(peers['peer']!.address).readable.getReader({ mode: 'byob' });
}

/** workerd's own addition to BYOB reads. */
type Minimal = (
  view: ArrayBufferView,
  options?: { min: number },
) => Promise<{ done: boolean; value?: ArrayBufferView }>;

function readMin(reader: ReadableStreamBYOBReader): Minimal {
  return (reader.read as Minimal).bind(reader);
}

export const byob: readonly Case[] = [
  {
    name: 'BYOB: read(view) fills the view and detaches it',
    peers: greets,
    async run(context) {
      const reader = byobOf(context);
      const view = new Uint8Array(32);
      const { value } = await reader.read(view);
      return [show(value), view.byteLength, value!.buffer.byteLength];
    },
  },
  {
    name: 'BYOB: a small view gets a part, the next the rest',
    peers: brief,
    async run(context) {
      const reader = byobOf(context);
      const chunks: string[] = [];
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(4));
        if (done) return chunks;
        chunks.push(show(value));
      }
    },
  },
  {
    name: 'BYOB: the type of view that comes back',
    peers: { peer: { kind: 'greets', data: 'abcd' } },
    async run(context) {
      const { value } = await byobOf(context).read(new Uint16Array(8));
      return [(value as ArrayBufferView).constructor.name, (value as ArrayBufferView).byteLength];
    },
  },
  {
    name: 'BYOB: a DataView',
    peers: greets,
    async run(context) {
      const { value } = await byobOf(context).read(new DataView(new ArrayBuffer(8)));
      return [(value as ArrayBufferView).constructor.name, (value as ArrayBufferView).byteLength];
    },
  },
  {
    name: 'BYOB: the end has an empty view',
    peers: { peer: { kind: 'fin-first' } },
    async run(context) {
      const { done, value } = await byobOf(context).read(new Uint8Array(8));
      return [done, value === undefined ? 'undefined' : value.byteLength];
    },
  },
  {
    name: 'BYOB: an empty view is refused',
    peers: greets,
    run: async (context) => (await settle(byobOf(context).read(new Uint8Array(0)))).replace(/:.*/, ''),
  },
  {
    name: 'BYOB: min waits for enough',
    peers: { peer: { kind: 'slow', data: 'abcdef', interval: 5 } },
    async run(context) {
      const { done, value } = await readMin(byobOf(context))(new Uint8Array(6), { min: 4 });
      return [done, value!.byteLength >= 4];
    },
  },
  {
    name: 'BYOB: min 0 and min beyond the view are refused',
    peers: greets,
    async run(context) {
      const read = readMin(byobOf(context));
      const outcomes = [
        await settle(read(new Uint8Array(4), { min: 0 })),
        await settle(read(new Uint8Array(4), { min: 5 })),
      ];
      return outcomes.map((outcome) => outcome.replace(/ \w+:.*/, ''));
    },
  },
];
