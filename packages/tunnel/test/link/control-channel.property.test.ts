// Whatever bytes come on the control stream, however they are cut: no crash, one verdict, bounded memory.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import {
  array,
  assert as check,
  asyncProperty,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  oneof,
  property,
} from 'fast-check';
import { string, uint8Array } from 'fast-check';
import { ControlChannel, type Message, parseMessage } from '../../src/link/control-channel.ts';
import type { TunnelError } from '../../src/index.ts';

const maxMessage = 256;
const maxMessages = 20;

/** Feeds the pieces; what was heard, how it ended, and the most that was held. */
async function feed(pieces: readonly Uint8Array[]) {
  const stream = new PassThrough();
  const messages: Message[] = [];
  const endings: TunnelError[] = [];
  let held = 0;
  const channel = new ControlChannel(
    stream,
    { message: (message) => messages.push(message), ended: (error) => endings.push(error) },
    { maxMessage, maxMessages },
  );
  for (const piece of pieces) {
    stream.write(piece);
    held = Math.max(held, channel.held);
  }
  stream.end();
  if (endings.length === 0) await once(stream, 'end');
  return { messages, endings, held };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

const sizes = array(integer({ min: 1, max: 300 }), { maxLength: 50 });

test('arbitrary bytes end in one verdict, with at most one message held', async () => {
  const bytes = oneof(
    uint8Array({ maxLength: 2_000 }),
    array(constantFrom('{"type":"x"}', '\n', '{', '"', 'é', '\u0000', 'null'), { maxLength: 300 }).map((parts) =>
      Buffer.from(parts.join('')),
    ),
  );
  await check(
    asyncProperty(bytes, sizes, async (input, cuts) => {
      const { messages, endings, held } = await feed(cut(input, cuts));
      assert.equal(endings.length, 1);
      assert.ok(held <= maxMessage);
      assert.ok(messages.length <= maxMessages);
      for (const message of messages) assert.equal(typeof message.type, 'string');
    }),
  );
});

test('messages arrive whole and in order, however they are cut', async () => {
  const message = dictionary(string({ maxLength: 5 }), string({ maxLength: 10 }), { maxKeys: 4 }).map((extra) => ({
    ...extra,
    type: 'x',
  }));
  await check(
    asyncProperty(array(message, { maxLength: maxMessages }), sizes, async (sent, cuts) => {
      const lines = sent.map((each) => `${JSON.stringify(each)}\n`);
      const { messages, endings } = await feed(cut(Buffer.from(lines.join('')), cuts));
      assert.deepEqual(
        messages.map((each) => JSON.stringify(each)),
        sent.map((each) => JSON.stringify(each)),
      );
      assert.equal(endings[0]?.code, 'link_lost');
    }),
  );
});

test('a line is a message exactly when it is a JSON object with a type', () => {
  check(
    property(
      oneof(jsonValue(), dictionary(constantFrom('type', 'x', '__proto__'), oneof(string(), integer()))),
      (value) => {
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const text = JSON.stringify(value);
        const own = isObject && typeof (JSON.parse(text) as Record<string, unknown>)['type'] === 'string';
        assert.equal(parseMessage(Buffer.from(text)) !== undefined, own);
      },
    ),
  );
});

test('a message of the greatest length is taken, one byte more is not', async () => {
  const text = `{"type":"x","y":"${'z'.repeat(maxMessage - 19)}"}`;
  assert.equal(text.length, maxMessage);
  assert.equal((await feed([Buffer.from(`${text}\n`)])).messages.length, 1);
  assert.equal((await feed([Buffer.from(`${text} \n`)])).endings[0]?.code, 'protocol_error');
  assert.equal(
    (
      await feed(
        cut(
          Buffer.from(`${text} `),
          Array.from({ length: maxMessage }, () => 1),
        ),
      )
    ).endings[0]?.code,
    'protocol_error',
  );
});
