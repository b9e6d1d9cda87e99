// Every message that can be written is read back as what it was, and no bytes at all break a parser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as wire from '../src/index.ts';
import { bytes, int16, int32, isWireError, name, oid, text, values } from './arbitraries.ts';

const kind = fc.constantFrom<wire.NamedKind>('statement', 'portal');
const int16s = fc.array(int16, { maxLength: 5 });

/** Bytes written, and what they must be read as. */
type Pair<Message> = fc.Arbitrary<[Buffer, Message]>;

const frontend: Record<string, Pair<wire.FrontendMessage>> = {
  Query: text.map((query) => [wire.toQuery(query), { type: 'Query', text: Buffer.from(query) }]),
  CopyFail: text.map((query) => [wire.toCopyFail(query), { type: 'CopyFail', text: Buffer.from(query) }]),
  Parse: fc
    .record({ name, query: text, parameterTypes: fc.array(oid, { maxLength: 5 }) })
    .map((fields) => [wire.toParse(fields), { type: 'Parse', ...fields, query: Buffer.from(fields.query) }]),
  Bind: fc
    .record({ portal: name, statement: name, parameterFormats: int16s, parameters: values, resultFormats: int16s })
    .map((fields) => [wire.toBind(fields), { type: 'Bind', ...fields }]),
  Describe: fc
    .record({ kind, name })
    .map((fields) => [wire.toDescribe(fields.kind, fields.name), { type: 'Describe', ...fields }]),
  Close: fc
    .record({ kind, name })
    .map((fields) => [wire.toClose(fields.kind, fields.name), { type: 'Close', ...fields }]),
  Execute: fc
    .record({ portal: name, maxRows: int32 })
    .map((fields) => [wire.toExecute(fields.portal, fields.maxRows), { type: 'Execute', ...fields }]),
  Sync: fc.constant([wire.toSync(), { type: 'Sync' }]),
  Flush: fc.constant([wire.toFlush(), { type: 'Flush' }]),
  Terminate: fc.constant([wire.toTerminate(), { type: 'Terminate' }]),
  CopyDone: fc.constant([wire.toCopyDone(), { type: 'CopyDone' }]),
  CopyData: bytes.map((data) => [wire.toCopyData(data), { type: 'CopyData', data }]),
  Password: text.map((data) => [wire.toPassword(data), { type: 'Password', data: Buffer.from(`${data}\0`) }]),
};

const column = fc.record(
  {
    name: text,
    tableOid: oid,
    columnNumber: int16,
    typeOid: oid,
    typeLength: int16,
    typeModifier: int32,
    format: fc.constantFrom(0, 1),
  },
  { noNullPrototype: true },
);
const report = fc.record(
  {
    sqlstate: fc.constantFrom('58000', '08P01'),
    message: text,
    severity: text,
    severityCode: text,
    detail: text,
    hint: text,
    where: text,
  },
  { requiredKeys: ['sqlstate', 'message', 'severity', 'severityCode'], noNullPrototype: true },
);
const status = fc.constantFrom<wire.TransactionStatus>('I', 'T', 'E');
const bare = fc.constantFrom(
  'ParseComplete',
  'BindComplete',
  'CloseComplete',
  'NoData',
  'PortalSuspended',
  'EmptyQueryResponse',
);
const mechanism = text.filter((value) => value !== '');

const backend: Record<string, Pair<wire.BackendMessage>> = {
  AuthenticationOk: fc.constant([wire.toAuthenticationOk(), { type: 'Authentication', method: 'ok' }]),
  AuthenticationCleartext: fc.constant([
    wire.toAuthenticationCleartext(),
    { type: 'Authentication', method: 'cleartext' },
  ]),
  AuthenticationMd5: fc
    .uint8Array({ minLength: 4, maxLength: 4 })
    .map((salt) => [
      wire.toAuthenticationMd5(salt),
      { type: 'Authentication', method: 'md5', salt: Buffer.from(salt) },
    ]),
  AuthenticationSasl: fc
    .array(mechanism, { maxLength: 4 })
    .map((mechanisms) => [
      wire.toAuthenticationSasl(mechanisms),
      { type: 'Authentication', method: 'sasl', mechanisms },
    ]),
  AuthenticationSaslContinue: text.map((data) => [
    wire.toAuthenticationSaslContinue(data),
    { type: 'Authentication', method: 'sasl-continue', data },
  ]),
  AuthenticationSaslFinal: text.map((data) => [
    wire.toAuthenticationSaslFinal(data),
    { type: 'Authentication', method: 'sasl-final', data },
  ]),
  BackendKeyData: fc
    .tuple(int32, fc.uint8Array({ minLength: 4, maxLength: 256 }))
    .map(([processId, key]) => [
      wire.toBackendKeyData(processId, key),
      { type: 'BackendKeyData', processId, secretKey: Buffer.from(key) },
    ]),
  ParameterStatus: fc
    .tuple(text, text)
    .map(([key, value]) => [wire.toParameterStatus(key, value), { type: 'ParameterStatus', name: key, value }]),
  ReadyForQuery: status.map((value) => [wire.toReadyForQuery(value), { type: 'ReadyForQuery', status: value }]),
  RowDescription: fc
    .array(column, { maxLength: 5 })
    .map((columns) => [wire.toRowDescription(columns), { type: 'RowDescription', columns }]),
  DataRow: values.map((row) => [wire.toDataRow(row), { type: 'DataRow', values: row }]),
  CommandComplete: text.map((tag) => [wire.toCommandComplete(tag), { type: 'CommandComplete', tag }]),
  ErrorResponse: report.map((fields) => [wire.toErrorResponse(fields), { type: 'ErrorResponse', report: fields }]),
  NoticeResponse: report.map((fields) => [wire.toNoticeResponse(fields), { type: 'NoticeResponse', report: fields }]),
  NegotiateProtocolVersion: fc
    .tuple(fc.nat({ max: 0xffff }), fc.array(text, { maxLength: 4 }))
    .map(([minor, unrecognised]) => [
      wire.toNegotiateProtocolVersion(minor, unrecognised),
      { type: 'NegotiateProtocolVersion', minor, unrecognised },
    ]),
  ParameterDescription: fc
    .array(oid, { maxLength: 5 })
    .map((types) => [wire.toParameterDescription(types), { type: 'ParameterDescription', types }]),
  bare: bare.map((type) => [wire.toBareReply(type as 'NoData'), { type: type as 'NoData' }]),
};

for (const [title, pair] of Object.entries(frontend)) {
  test(`${title} is read back as it was written`, () => {
    fc.assert(
      fc.property(pair, ([message, expected]) => {
        assert.equal(message.readUInt32BE(1), message.length - 1);
        assert.deepEqual(wire.parseFrontend(message), expected);
      }),
    );
  });
}

for (const [title, pair] of Object.entries(backend)) {
  test(`${title} is read back as it was written`, () => {
    fc.assert(
      fc.property(pair, ([message, expected]) => {
        assert.equal(message.readUInt32BE(1), message.length - 1);
        assert.deepEqual(wire.parseBackend(message), expected);
      }),
    );
  });
}

const all = fc.oneof(...Object.values(frontend), ...Object.values(backend)).map(([message]) => message);

test('A message with any byte changed, cut or added is read or refused with a WireError', () => {
  const hurt = fc
    .tuple(all, fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('change', 'cut', 'add'))
    .map(([message, place, byte, how]) => {
      const at = place % message.length;
      if (how === 'cut') return message.subarray(0, Math.max(1, at));
      if (how === 'add') return Buffer.concat([message, Buffer.of(byte)]);
      const changed = Buffer.from(message);
      changed[at] = byte;
      return changed;
    });
  fc.assert(
    fc.property(hurt, (message) => {
      for (const parse of [wire.parseFrontend, wire.parseBackend]) {
        try {
          parse(message);
        } catch (error) {
          assert.ok(isWireError(error), String(error));
          assert.ok(['malformed_message', 'unknown_message'].includes(error.code), error.code);
        }
      }
    }),
    { numRuns: 5_000 },
  );
});

test('A count that its message cannot hold makes no array', () => {
  const row = Buffer.from([wire.Backend.DataRow, 0, 0, 0, 6, 0xff, 0xff]);
  assert.throws(() => wire.parseBackend(row), { code: 'malformed_message' });
});

test('A statement name is replaced in Parse, Bind, Describe and Close, whatever else the message holds', () => {
  const named = fc.oneof(
    frontend['Parse']!,
    frontend['Bind']!,
    fc
      .record({ name })
      .map((f): [Buffer, wire.FrontendMessage] => [
        wire.toDescribe('statement', f.name),
        { type: 'Describe', kind: 'statement', ...f },
      ]),
    fc
      .record({ name })
      .map((f): [Buffer, wire.FrontendMessage] => [
        wire.toClose('statement', f.name),
        { type: 'Close', kind: 'statement', ...f },
      ]),
  );
  fc.assert(
    fc.property(named, name, bytes, ([message, expected], other, before) => {
      const buffer = Buffer.concat([before, message, before]);
      const start = before.length;
      const end = start + message.length;
      const place = wire.placeOfStatementName(buffer, start, end)!;
      const replaced = wire.replaceStatementName(buffer, start, end, { place, name: Buffer.from(other, 'latin1') });
      const key = expected.type === 'Bind' ? 'statement' : 'name';
      assert.deepEqual(wire.parseFrontend(replaced), { ...expected, [key]: other });
    }),
  );
});

test('A name in the beginning of a long Bind is replaced, and the length is right for all of it', () => {
  const bind = wire.toBind({ statement: 'first', parameters: [Buffer.alloc(100_000, 7)] });
  const prefix = bind.subarray(0, 50);
  const place = wire.placeOfStatementName(prefix, 0, prefix.length)!;
  const head = wire.replaceStatementName(prefix, 0, prefix.length, { place, name: Buffer.from('a longer name') });
  const whole = Buffer.concat([head, bind.subarray(50)]);
  assert.equal(whole.readUInt32BE(1), whole.length - 1);
  assert.deepEqual(wire.parseFrontend(whole), { ...wire.parseFrontend(bind), statement: 'a longer name' });
});

test('A name whose end is in the next message is refused', () => {
  const bind = Buffer.from([wire.Frontend.Bind, 0, 0, 0, 8, 0x61, 0, 0x62, 0x63, 0, 0]);
  assert.throws(() => wire.placeOfStatementName(bind, 0, 9), { code: 'malformed_message' });
});

test('No text in an error can end its message early', () => {
  const error = wire.toErrorResponse({ sqlstate: '58000', message: 'one\0Mtwo', detail: '\0' });
  assert.deepEqual(wire.parseReport(error).message, 'oneMtwo');
  assert.equal(wire.sqlstateOf(error), '58000');
  assert.equal(wire.sqlstateOf(error.subarray(0, 8)), undefined);
  assert.throws(() => wire.toQuery('select 1\0; drop table t'), TypeError);
});
