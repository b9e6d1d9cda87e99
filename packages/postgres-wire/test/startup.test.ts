// The start-up phase, and what pooler bugs of the past did to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  maxStartupLength,
  negotiateVersion,
  parseOptions,
  StartupReader,
  toCancelRequest,
  toGssRequest,
  toSslRequest,
  toStartupMessage,
} from '../src/index.ts';
import type { StartupRequest } from '../src/index.ts';
import { isWireError, splitAt } from './arbitraries.ts';

/** Everything a reader says of these bytes: requests, what is left, the error. */
function read(chunks: Buffer[]): { requests: StartupRequest[]; rest: Buffer; error?: string } {
  const reader = new StartupReader();
  const requests: StartupRequest[] = [];
  const late: Buffer[] = [];
  let over = false;
  try {
    for (const chunk of chunks) {
      if (over) {
        late.push(chunk);
        continue;
      }
      for (let request = reader.push(chunk); request !== undefined; request = over ? undefined : reader.push()) {
        requests.push(request);
        over = request.kind !== 'ssl' && request.kind !== 'gss';
      }
    }
  } catch (error) {
    assert.ok(isWireError(error), String(error));
    return { requests, rest: Buffer.alloc(0), error: error.code };
  }
  return { requests, rest: Buffer.concat([reader.rest(), ...late]) };
}

const startup = toStartupMessage({ user: 'ann', database: 'sales', options: '-c a=b' }, { minor: 2 });

test('Requests for encryption, then a StartupMessage, however cut, leave what follows untouched', () => {
  const packets = fc.constantFrom([toSslRequest()], [toGssRequest(), toSslRequest()], []);
  fc.assert(
    fc.property(packets, fc.array(fc.nat({ max: 120 })), (before, places) => {
      const { requests, rest } = read(splitAt(Buffer.concat([...before, startup, Buffer.from('rest')]), places));
      const last = requests.at(-1);
      assert.equal(requests.length, before.length + 1);
      assert.ok(last?.kind === 'startup');
      assert.deepEqual(
        [...last.parameters],
        [
          ['user', 'ann'],
          ['database', 'sales'],
          ['options', '-c a=b'],
        ],
      );
      assert.deepEqual([last.major, last.minor], [3, 2]);
      assert.equal(rest.toString(), 'rest');
    }),
  );
});

test('Any bytes at all end in requests or in a WireError, in any cutting the same', () => {
  const nearly = fc
    .tuple(
      fc.nat({ max: 60 }),
      fc.constantFrom(80877102, 80877103, 80877104, 196608, 196610, 131072),
      fc.uint8Array({ maxLength: 60 }),
    )
    .map(([length, code, body]) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(length, 0);
      head.writeUInt32BE(code, 4);
      return Buffer.concat([head, body]);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), nearly), fc.array(fc.nat({ max: 100 })), (raw, places) => {
      const bytes = Buffer.from(raw);
      assert.deepEqual(read(splitAt(bytes, places)), read([bytes]));
    }),
    { numRuns: 3_000 },
  );
});

test('A cancel request has the key of protocol 3.0 or a longer one of 3.2', () => {
  for (const length of [4, 32, 256]) {
    const [request] = read([toCancelRequest(-7, Buffer.alloc(length, 9))]).requests;
    assert.deepEqual(request, { kind: 'cancel', processId: -7, secretKey: Buffer.alloc(length, 9) });
  }
  for (const length of [0, 3, 257]) {
    assert.equal(read([toCancelRequest(1, Buffer.alloc(length))]).error, 'invalid_startup');
  }
});

test('A second StartupMessage is refused (CVE-2026-107350: one in the middle of SCRAM was taken)', () => {
  const reader = new StartupReader();
  assert.equal(reader.push(startup)?.kind, 'startup');
  assert.throws(() => reader.push(startup), { code: 'invalid_startup' });
});

test('Bytes behind an SSLRequest are not taken for what TLS protects (CVE-2021-23214)', () => {
  const reader = new StartupReader();
  assert.equal(reader.push(Buffer.concat([toSslRequest(), startup]))?.kind, 'ssl');
  assert.throws(() => reader.expectNothingHeld(), { code: 'data_before_tls' });
  const honest = new StartupReader();
  assert.equal(honest.push(toSslRequest())?.kind, 'ssl');
  honest.expectNothingHeld();
});

test('A client cannot ask for encryption for ever', () => {
  assert.equal(read([toSslRequest(), toSslRequest()]).error, 'invalid_startup');
  assert.equal(read([toGssRequest(), toSslRequest(), toGssRequest()]).error, 'invalid_startup');
});

test('TLS without asking is known by its first byte', () => {
  assert.deepEqual(read([Buffer.from([0x16, 3, 1, 0, 5])]).requests, [{ kind: 'direct-tls' }]);
});

test('HTTP is refused at its first byte, and a length that is too long before its bytes come', () => {
  assert.equal(read([Buffer.from('G')]).error, 'invalid_startup');
  const header = Buffer.alloc(4);
  header.writeUInt32BE(maxStartupLength + 1);
  assert.equal(read([header]).error, 'invalid_startup');
});

test('A packet that is not as it should be says why', () => {
  const broken: [Buffer, string][] = [
    [toStartupMessage({ database: 'no user' }), 'invalid_startup'],
    [toStartupMessage({ user: '' }), 'invalid_startup'],
    [Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0x75]), 'malformed_message'],
    [Buffer.concat([Buffer.from([0, 0, 0, 17, 0, 3, 0, 0]), Buffer.from('user\0a\0\0x')]), 'invalid_startup'],
    [Buffer.from([0, 0, 0, 9, 0, 2, 0, 0, 0]), 'unsupported_protocol'],
  ];
  for (const [packet, code] of broken) assert.equal(read([packet]).error, code);
});

test('Options are read as PostgreSQL reads them', () => {
  const cases: [string, Record<string, string>][] = [
    ['', {}],
    ['  ', {}],
    ['-c a=b', { a: 'b' }],
    ['-ca=b --c-d=e', { a: 'b', c_d: 'e' }],
    ['-c  search_path=a\\ b,c -c x=\\\\', { search_path: 'a b,c', x: '\\' }],
    ['-c a=', { a: '' }],
    ['-c a=b=c', { a: 'b=c' }],
    ['-c a=b\\', { a: 'b' }],
  ];
  for (const [text, settings] of cases) assert.deepEqual(Object.fromEntries(parseOptions(text)), settings, text);
});

test('Options with an empty name are refused (CVE-2026-107349: `-c=` was read for ever)', () => {
  for (const text of ['-c=', '-c =', '--=', '-c', '-', '--', '-c a', 'a=b', '-B 5']) {
    assert.throws(() => parseOptions(text), { code: 'invalid_options' }, text);
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('-', 'c', '=', ' ', '\\', 'a') }), (text) => {
      try {
        for (const name of parseOptions(text).keys()) assert.notEqual(name, '');
      } catch (error) {
        assert.ok(isWireError(error), String(error));
      }
    }),
  );
});

test('A version or an extension nobody here knows is negotiated', () => {
  const none = new Map([['user', 'u']]);
  const extended = new Map([
    ['user', 'u'],
    ['_pq_.compression', 'zstd'],
  ]);
  assert.deepEqual(negotiateVersion({ minor: 0, parameters: none }), { minor: 0, unrecognised: [], needed: false });
  assert.deepEqual(negotiateVersion({ minor: 2, parameters: none }), { minor: 2, unrecognised: [], needed: false });
  assert.deepEqual(negotiateVersion({ minor: 9999, parameters: none }), { minor: 2, unrecognised: [], needed: true });
  assert.deepEqual(negotiateVersion({ minor: 1, parameters: none }), { minor: 0, unrecognised: [], needed: true });
  assert.deepEqual(negotiateVersion({ minor: 2, parameters: none }, 0), { minor: 0, unrecognised: [], needed: true });
  assert.deepEqual(negotiateVersion({ minor: 0, parameters: extended }), {
    minor: 0,
    unrecognised: ['_pq_.compression'],
    needed: true,
  });
});
