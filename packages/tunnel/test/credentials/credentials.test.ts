// Tokens and credentials files: what is written is read again, and whatever was changed on the way is a clear error that
// shows nothing of the secret.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { before, test } from 'node:test';
import { testAuthority } from '@sallyport/testkit';
import * as fc from 'fast-check';
import {
  decodeToken,
  encodeToken,
  parseCredentialsFile,
  toCredentialsFile,
  TunnelError,
  type TunnelCredentials,
} from '../../src/index.ts';

let ca = '';
before(async () => {
  ca = (await testAuthority()).ca;
});

const secret = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
const credentials = (): TunnelCredentials => ({
  accountTag: 'acc',
  tunnelId: '6ff42ae2-765d-4adf-8112-31c55c1551ef',
  tunnelName: 'home',
  secret,
  ca,
  edges: ['edge.example:7844', '192.0.2.1:7844', '[2001:db8::1]:7844'],
});
const token = (fields: Record<string, unknown>): string => Buffer.from(JSON.stringify(fields)).toString('base64');
const letters = (): Record<string, unknown> =>
  JSON.parse(Buffer.from(encodeToken(credentials()), 'base64').toString()) as Record<string, unknown>;

/** The error of a reading that must fail; nothing of it may hold the secret in any encoding. */
function refusal(read: () => unknown): TunnelError {
  let failure: unknown;
  try {
    read();
  } catch (error) {
    failure = error;
  }
  assert.ok(failure instanceof TunnelError, `no TunnelError: ${inspect(failure)}`);
  assert.equal(failure.code, 'invalid_credentials');
  const said = [inspect(failure, { depth: 9 }), failure.detail, String(failure.cause)].join('\n');
  const encodings = ['latin1', 'base64', 'base64url', 'hex'] as const;
  for (const encoding of encodings) assert.ok(!said.includes(secret.toString(encoding).slice(0, 20)), said);
  return failure;
}

function survives(read: () => TunnelCredentials): void {
  try {
    assert.ok(read().secret.length >= 32);
  } catch (error) {
    if (!(error instanceof TunnelError)) throw error;
    refusal(read);
  }
}

test('what is written is read again, as token and as file', () => {
  const original = credentials();
  assert.deepEqual(decodeToken(encodeToken(original)), original);
  assert.deepEqual(parseCredentialsFile(toCredentialsFile(original), 'f.json'), original);
  const { tunnelName: _, ...unnamed } = original;
  assert.deepEqual(decodeToken(encodeToken(unnamed)), unnamed);
  assert.deepEqual(parseCredentialsFile(toCredentialsFile(unnamed), 'f.json'), unnamed);
});

test("the token has cloudflared's letters, the file its names", () => {
  assert.deepEqual(Object.keys(letters()).sort(), ['a', 'ca', 'e', 'n', 's', 't']);
  const file = JSON.parse(toCredentialsFile(credentials())) as Record<string, unknown>;
  assert.deepEqual(Object.keys(file), ['AccountTag', 'TunnelSecret', 'TunnelID', 'TunnelName', 'EdgeCA', 'Edges']);
  assert.equal(file['TunnelSecret'], secret.toString('base64'));
});

test('a token broken over lines is read', () => {
  const text = encodeToken(credentials()).replace(/.{60}/g, '$&\r\n  ');
  assert.deepEqual(decodeToken(`${text}\n`), credentials());
});

test('each thing that can be wrong is named', () => {
  const cases: [fields: Record<string, unknown>, expected: RegExp][] = [
    [{ ca: undefined, e: undefined }, /names no edge .*another service/],
    [{ t: 'home' }, /no UUID of a tunnel \(t\)/],
    [{ t: 7 }, /no UUID/],
    [{ a: undefined }, /no account \(a\)/],
    [{ n: 1 }, /tunnel name/],
    [{ s: undefined }, /no secret in base64 \(s\)/],
    [{ s: 'not base64!' }, /no secret in base64/],
    [{ s: secret.subarray(0, 31).toString('base64') }, /a secret of 31 bytes/],
    [{ s: Buffer.alloc(600).toString('base64') }, /a secret of 600 bytes/],
    [{ ca: 'nonsense' }, /no certificate of the edge in PEM \(ca\)/],
    [{ ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, /no certificate/],
    [{ e: [] }, /names no edge/],
    [{ e: 'a:1' }, /names no edge/],
    [{ e: ['a'] }, /not host:port \(e\)/],
    [{ e: ['a:0'] }, /not host:port/],
    [{ e: ['a:70000'] }, /not host:port/],
    [{ e: ['u@a:1'] }, /not host:port/],
    [{ e: Array.from({ length: 65 }, () => 'a:1') }, /more than 64/],
  ];
  for (const [fields, expected] of cases) {
    const { detail, remedy } = refusal(() => decodeToken(token({ ...letters(), ...fields })));
    assert.match(detail, expected);
    assert.match(remedy, /sallyport tunnel token/);
  }
  assert.match(refusal(() => decodeToken(' ')).detail, /empty/);
  assert.match(refusal(() => decodeToken('a'.repeat(70_000))).detail, /longer than/);
  assert.match(refusal(() => decodeToken('{"a":1}')).detail, /base64/);
  assert.match(refusal(() => decodeToken(token([] as never))).detail, /no JSON object/);
  assert.match(refusal(() => parseCredentialsFile('', '/etc/x.json')).detail, /\/etc\/x\.json is empty/);
  assert.match(refusal(() => parseCredentialsFile('{"TunnelID":"x"}', 'x.json')).detail, /x\.json .*TunnelID/);
});

test('a token or file cut off anywhere is an error, and the secret stays out of it', () => {
  const whole = encodeToken(credentials()).replace(/=+$/, '');
  for (let length = 0; length < whole.length - 4; length += 7) refusal(() => decodeToken(whole.slice(0, length)));
  const file = toCredentialsFile(credentials());
  for (let length = 0; length < file.length - 2; length += 7) {
    refusal(() => parseCredentialsFile(file.slice(0, length), 'f.json'));
  }
});

test('garbage and changed bytes give credentials or that error, never anything else', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => survives(() => decodeToken(text))));
  fc.assert(fc.property(fc.base64String(), (text) => survives(() => decodeToken(text))));
  fc.assert(fc.property(fc.json(), (text) => survives(() => parseCredentialsFile(text, 'f.json'))));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 't', 's', 'n', 'ca', 'e'), fc.jsonValue()), (fields) =>
      survives(() => decodeToken(token({ ...letters(), ...fields }))),
    ),
  );
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 255 }), (place, byte) => {
      for (const [text, read] of [
        [encodeToken(credentials()), decodeToken],
        [toCredentialsFile(credentials()), (changed: string) => parseCredentialsFile(changed, 'f.json')],
      ] as const) {
        const bytes = Buffer.from(text);
        bytes[place % bytes.length] = byte;
        survives(() => read(bytes.toString('latin1')));
      }
    }),
  );
});
