import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, json, nat, oneof, property, record, uint8Array } from 'fast-check';
import { FrameError, FrameParser } from '../src/wire/frame-parser.ts';
import {
  encodeControl,
  encodeFrame,
  type FrameType,
  frameType,
  maxControlLength,
  maxRequestLength,
  writeHeader,
} from '../src/wire/frames.ts';
import { fromFailed, parseOpen, parseTls, toFailed } from '../src/wire/messages.ts';
import { SocketError } from '../src/socket-error.ts';

type Seen = [FrameType, string];

/** What a parser reports, with neighbouring data pieces joined. */
function parse(pieces: Uint8Array<ArrayBuffer>[]): { seen: Seen[]; atBoundary: boolean } {
  const seen: Seen[] = [];
  const parser = new FrameParser({
    data: (piece) => {
      const text = Buffer.from(piece).toString('hex');
      const last = seen.at(-1);
      if (last?.[0] === frameType.data) last[1] += text;
      else seen.push([frameType.data, text]);
    },
    control: (type, value) => seen.push([type, JSON.stringify(value) ?? '']),
  });
  for (const piece of pieces) parser.push(piece);
  return { seen, atBoundary: parser.atBoundary };
}

const frame = oneof(
  uint8Array({ maxLength: 300 }).map((payload) => encodeFrame(frameType.data, payload)),
  record({ type: constantFrom(frameType.open, frameType.failed, frameType.startTls), value: json() })
    .filter(({ value }) => value.length < maxControlLength)
    .map(({ type, value }) => encodeFrame(type, new TextEncoder().encode(value))),
  constantFrom(frameType.end, frameType.secured).map((type) => encodeFrame(type)),
);

test('frames parse the same however they are cut', () => {
  check(
    property(array(frame, { maxLength: 12 }), array(nat(3_000), { maxLength: 20 }), (frames, cuts) => {
      const whole = new Uint8Array(Buffer.concat(frames));
      const at = [...new Set([0, ...cuts.filter((cut) => cut < whole.byteLength), whole.byteLength])].sort(
        (a, b) => a - b,
      );
      const pieces = at.slice(1).map((end, index) => whole.slice(at[index], end));
      const expected = parse(frames);
      assert.deepEqual(parse(pieces), expected);
      assert.deepEqual(parse([...whole].map((byte) => new Uint8Array([byte]))), expected);
      assert.equal(expected.atBoundary, true);
    }),
  );
});

test('any garbage either parses or is a FrameError', () => {
  check(
    property(array(uint8Array({ maxLength: 400 }), { maxLength: 6 }), (pieces) => {
      try {
        parse(pieces as Uint8Array<ArrayBuffer>[]);
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a data frame of any length is passed on, a control frame has a bound', () => {
  const header = new Uint8Array(4);
  writeHeader(header, frameType.data, 0xff_ff_ff);
  const parser = new FrameParser({ data: () => {}, control: () => {} });
  parser.push(header);
  for (let sent = 0; sent < 0xff_ff_ff; sent += 0xffff)
    parser.push(new Uint8Array(Math.min(0xffff, 0xff_ff_ff - sent)));
  assert.equal(parser.atBoundary, true);
  for (const type of Object.values(frameType)) {
    if (type === frameType.data) continue;
    // What asks for a connection or for TLS may bring authorities and a key.
    const isRequest = type === frameType.open || type === frameType.startTls;
    writeHeader(header, type, (isRequest ? maxRequestLength : maxControlLength) + 1);
    assert.throws(() => parse([header]), FrameError);
  }
});

test('messages are read or are a FrameError, whatever JSON they are', () => {
  check(
    property(json(), (text) => {
      for (const read of [parseOpen, parseTls, fromFailed]) {
        try {
          read(JSON.parse(text));
        } catch (error) {
          assert.ok(error instanceof FrameError, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
  const hostile = JSON.parse(
    '{"__proto__":{"polluted":1},"hostname":"h","port":1,"secureTransport":"off","connectTimeout":1,"tls":{}}',
  );
  assert.deepEqual(Object.keys(parseOpen(hostile)), ['hostname', 'port', 'secureTransport', 'connectTimeout', 'tls']);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('an error survives the way through a frame', () => {
  const error = new SocketError('tls_expired', { message: 'm', remedy: 'r', retryable: true, cause: new Error('why') });
  const [sent] = parse([encodeControl(frameType.failed, toFailed(error))]).seen;
  const received = fromFailed(JSON.parse(sent![1]));
  assert.deepEqual({ ...received }, { ...error });
  assert.equal(received.message, 'm');
  assert.equal((received.cause as Error).message, 'why');
  assert.equal(fromFailed({ code: 'from_the_future' }).code, 'connection_failed');
});
