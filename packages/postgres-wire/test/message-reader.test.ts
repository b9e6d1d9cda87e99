// Framing: what comes out does not depend on how the bytes were cut, and what is held has a bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  Backend,
  defineInspection,
  Frontend,
  MessageReader,
  toBind,
  toCopyData,
  toDataRow,
  toQuery,
  toSync,
  WireError,
} from '../src/index.ts';
import type { Side, Verdict } from '../src/index.ts';
import { isWireError, splitAt } from './arbitraries.ts';

interface Seen {
  events: string[];
  passed: Buffer;
  error: string | undefined;
}

interface ReadOptions {
  side?: Side;
  inspect?: number[];
  wholeUpTo?: number;
  decide?: (bytes: Buffer) => Verdict;
}

function read(chunks: Buffer[], options: ReadOptions = {}): Seen & { reader: MessageReader; mostHeld: number } {
  const { side = 'frontend', inspect = Object.values(Frontend), wholeUpTo = 64, decide = () => true } = options;
  const events: string[] = [];
  const passed: Buffer[] = [];
  const reader = new MessageReader(
    {
      message(type, bytes, start, end) {
        const message = bytes.subarray(start, end);
        assert.equal(message[0], type);
        events.push(message.toString('hex'));
        return decide(message);
      },
      large(type, prefix, length) {
        assert.equal(prefix[0], type);
        assert.equal(prefix.length, wholeUpTo);
        events.push(`large ${length} ${prefix.toString('hex')}`);
        return decide(prefix);
      },
      pass: (bytes) => void passed.push(bytes),
    },
    defineInspection({ side, inspect, wholeUpTo }),
  );
  let error: string | undefined;
  let mostHeld = 0;
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      mostHeld = Math.max(mostHeld, reader.heldBytes);
    }
  } catch (thrown) {
    assert.ok(isWireError(thrown), String(thrown));
    error = thrown.code;
  }
  return { events, passed: Buffer.concat(passed), error, reader, mostHeld };
}

const frontendMessage = fc.oneof(
  fc.string({ maxLength: 200 }).map((text) => toQuery(text.replaceAll('\0', ''))),
  fc.constant(toSync()),
  fc.uint8Array({ maxLength: 300 }).map(toCopyData),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => toBind({ parameters: [Buffer.from(bytes)] })),
);

test('A reader sees the same messages however the bytes are cut', () => {
  const cuts = fc.array(fc.nat({ max: 2_000 }), { maxLength: 30 });
  const messages = fc.array(frontendMessage, { maxLength: 12 });
  const subset = fc.subarray([Frontend.Query, Frontend.Sync, Frontend.CopyData, Frontend.Bind]);
  const verdicts = fc.array(fc.constantFrom<Verdict>(true, false, Buffer.from('instead')), {
    minLength: 1,
    maxLength: 5,
  });
  const whole = fc.integer({ min: 5, max: 120 });
  fc.assert(
    fc.property(messages, cuts, subset, verdicts, whole, (all, places, inspect, decisions, wholeUpTo) => {
      const bytes = Buffer.concat(all);
      const options = (): ReadOptions => {
        let turn = 0;
        return { inspect, wholeUpTo, decide: () => decisions[(turn += 1) % decisions.length]! };
      };
      const once = read([bytes], options());
      const cut = read(splitAt(bytes, places), options());
      const single = read(
        [...bytes].map((byte) => Buffer.of(byte)),
        options(),
      );
      for (const other of [cut, single]) {
        assert.deepEqual(other.events, once.events);
        assert.deepEqual(other.passed, once.passed);
        assert.ok(other.mostHeld <= Math.max(5, wholeUpTo));
        assert.ok(other.reader.atBoundary);
      }
      assert.equal(once.error, undefined);
    }),
    { numRuns: 1_000 },
  );
});

test('Bytes that no handler changes come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(frontendMessage), fc.array(fc.nat({ max: 2_000 })), (all, places) => {
      const bytes = Buffer.concat(all);
      assert.deepEqual(read(splitAt(bytes, places)).passed, bytes);
    }),
  );
});

test('Any bytes at all end in messages or in a WireError, in any cutting the same', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    // Nearly right: a real type, a length that is small or enormous.
    fc
      .array(
        fc.tuple(
          fc.constantFrom(...Object.values(Frontend)),
          fc.oneof(fc.nat(40), fc.nat()),
          fc.uint8Array({ maxLength: 40 }),
        ),
      )
      .map((parts) =>
        Buffer.concat(
          parts.map(([type, length, body]) => {
            const header = Buffer.alloc(5);
            header[0] = type;
            header.writeUInt32BE(length, 1);
            return Buffer.concat([header, body]);
          }),
        ),
      ),
  );
  fc.assert(
    fc.property(
      anything,
      fc.array(fc.nat({ max: 400 })),
      fc.constantFrom<Side>('frontend', 'backend'),
      (raw, places, side) => {
        const bytes = Buffer.from(raw);
        const once = read([bytes], { side });
        const cut = read(splitAt(bytes, places), { side });
        assert.deepEqual(cut.events, once.events);
        assert.deepEqual(cut.passed, once.passed);
        assert.equal(cut.error, once.error);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('A row of 1 GB passes, and nothing of it is held or copied', () => {
  const size = 2 ** 30;
  const header = Buffer.alloc(5);
  header[0] = Backend.DataRow;
  header.writeUInt32BE(size + 4, 1);
  const chunk = Buffer.alloc(65_536);
  let passed = 0;
  let copies = 0;
  const reader = new MessageReader(
    {
      message: () => true,
      large: () => true,
      pass(bytes) {
        passed += bytes.length;
        if (bytes.length > 5 && bytes.buffer !== chunk.buffer) copies += 1;
      },
    },
    defineInspection({ side: 'backend', inspect: [Backend.ReadyForQuery] }),
  );
  reader.push(header);
  for (let sent = 0; sent < size; sent += chunk.length) {
    reader.push(chunk);
    assert.equal(reader.heldBytes, 0);
  }
  assert.ok(reader.atBoundary);
  assert.equal(passed, size + 5);
  assert.equal(copies, 0);
});

test('An announced length takes no memory before its bytes come', () => {
  const header = Buffer.from([Frontend.Query, 0x3f, 0xff, 0xff, 0xfe, 0x41]);
  const handler = { message: () => true, large: () => true, pass: () => {} };
  const inspection = defineInspection({ side: 'frontend', inspect: [Frontend.Query], wholeUpTo: 2 ** 20 });
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1_000 }, () => new MessageReader(handler, inspection));
  for (const reader of readers) reader.push(header);
  assert.ok(readers.every((reader) => reader.heldBytes === header.length));
  assert.ok(process.memoryUsage().arrayBuffers - before < 100_000);
});

test('A message that comes byte by byte costs time in proportion to its length', () => {
  const query = toQuery('x'.repeat(300_000));
  const { events, reader } = read(
    [...query].map((byte) => Buffer.of(byte)),
    { wholeUpTo: 2 ** 20 },
  );
  assert.equal(events[0], query.toString('hex'));
  assert.equal(reader.heldBytes, 0);
});

test('Many rows that arrive in one chunk leave in one piece', () => {
  const rows = Buffer.concat(Array.from({ length: 1_000 }, (_, row) => toDataRow([Buffer.from(String(row))])));
  const pieces: Buffer[] = [];
  const reader = new MessageReader(
    { message: () => true, large: () => true, pass: (bytes) => void pieces.push(bytes) },
    defineInspection({ side: 'backend', inspect: [Backend.ReadyForQuery] }),
  );
  reader.push(rows);
  assert.equal(pieces.length, 1);
  assert.equal(pieces[0], rows);
});

for (const [title, length] of [
  ['zero', 0],
  ['three', 3],
  ['more than a Sync may have', 10_001],
  // CVE-2026-107348 and CVE-2026-6668 of PgBouncer: the sum of length and header overflows, and the reader spins.
  ['the largest signed number', 0x7fff_ffff],
  ['minus one', 0xffff_ffff],
  ['minus five', 0xffff_fffb],
] as const) {
  test(`A length field of ${title} is refused at once, and for good`, () => {
    const header = Buffer.alloc(5);
    header[0] = Frontend.Sync;
    header.writeUInt32BE(length, 1);
    for (const chunks of [[header], [...header].map((byte) => Buffer.of(byte))]) {
      const { error, reader, passed } = read([toSync(), ...chunks]);
      assert.equal(error, 'invalid_length');
      assert.deepEqual(passed, toSync());
      assert.throws(() => reader.push(toSync()), { code: 'invalid_length' });
    }
  });
}

test('A type that does not exist is refused, and what came before it still passes', () => {
  const { error, passed } = read([Buffer.concat([toSync(), Buffer.from([0x7e, 0, 0, 0, 4]), toSync()])]);
  assert.equal(error, 'unknown_message');
  assert.deepEqual(passed, toSync());
});

test('What a handler throws ends the reader', () => {
  const reader = new MessageReader(
    {
      message() {
        throw new WireError('malformed_message', 'as the handler found');
      },
      large: () => true,
      pass: () => {},
    },
    defineInspection({ side: 'frontend', inspect: [Frontend.Sync] }),
  );
  assert.throws(() => reader.push(toSync()), { code: 'malformed_message' });
  assert.throws(() => reader.push(toSync()), { message: 'as the handler found' });
});
