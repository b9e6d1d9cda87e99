import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../src/address.ts';
import { connect } from '../src/index.ts';
import { failureOf } from './support/sockets.ts';

const unparsable = 'Specified address could not be parsed.';
const noHost = 'Specified address is missing hostname.';
const noPort = 'Specified address is missing port.';
const characters = 'Specified address is empty string, contains unsupported characters or is too long.';
const notInteger = 'The value cannot be converted because it is not an integer.';

const refused: [unknown, string][] = [
  ['', noHost],
  ...[
    '127.0.0.1',
    'localhost',
    '127.0.0.1:',
    '[::1]',
    'unix:/tmp/x',
    'unix:/tmp/x:1',
    'http://h:1',
    'https://h:1/',
  ].map((text): [unknown, string] => [text, noPort]),
  ...['tcp://h', 'tls://h/', 'tcp://h:1/path', '123'].map((text): [unknown, string] => [text, noPort]),
  ...[':4001', '::1:4041', 'h:-1', 'h:abc', 'h:65536', 'h:99999', 'exa mple:1', ' 127.0.0.1:1', '[::1%25lo]:1'].map(
    (text): [unknown, string] => [text, unparsable],
  ),
  ...['[fe80::1%eth0]:1', 'h:40:01', '[::1]:4041:5'].map((text): [unknown, string] => [text, unparsable]),
  ...['h:1/', 'h:1/p', 'h:1?x', 'h:1#x', 'u:p@h:1', 'u@h:1', 'h:1 ', 'h:1\n', 'h:1\0', 'exämple.com:1', '*:1'].map(
    (text): [unknown, string] => [text, characters],
  ),
  ...['%6cocalhost:1', 'a,b:1', 'tcp://u:p@h:1', `${'a'.repeat(254)}:1`].map((text): [unknown, string] => [
    text,
    characters,
  ]),
  [123, noPort],
  [true, noPort],
  [['127.0.0.1:1'], notInteger],
  [new String('h:1'), notInteger],
  [{ hostname: 'h', port: 'abc' }, notInteger],
  [{ hostname: 'h', port: Number.NaN }, notInteger],
  [{ hostname: 'h', port: Infinity }, notInteger],
  [{ hostname: 'h' }, notInteger],
  [
    { hostname: 'h', port: -1 },
    'The value cannot be converted because it is negative and this API expects a positive number.',
  ],
  [{ hostname: 'h', port: 65536 }, 'Value out of range. Must be less than or equal to 65535.'],
  [{ hostname: 'a b', port: 1 }, characters],
  [{ hostname: 'a/b', port: 1 }, characters],
  [{ hostname: 'a'.repeat(254), port: 1 }, characters],
];

test('addresses that are refused are refused at once, with the documented text', () => {
  for (const [address, message] of refused) {
    assert.throws(() => connect(address as string), { name: 'TypeError', message }, JSON.stringify(address));
  }
  for (const missing of [null, undefined]) assert.throws(() => connect(missing as never), /required members/);
  assert.throws(() => connect(Symbol('x') as never), { message: 'Cannot convert a Symbol value to a string' });
  assert.throws(() => connect({ hostname: 'h', port: 1n as never }), {
    message: 'Cannot convert a BigInt value to a number',
  });
});

test('every accepted spelling means one host and port, and is kept as it was written', () => {
  const accepted: [unknown, string, number, string?][] = [
    ['127.0.0.1:4001', '127.0.0.1', 4001],
    ['LOCALHOST:4001', 'LOCALHOST', 4001],
    ['[::1]:4041', '[::1]', 4041],
    ['[::ffff:127.0.0.1]:4001', '[::ffff:127.0.0.1]', 4001],
    ['0x7f000001:4001', '0x7f000001', 4001],
    ['2130706433:4001', '2130706433', 4001],
    ['127.1:4001', '127.1', 4001],
    ['127.0.0.1:04001', '127.0.0.1', 4001],
    ['h:0', 'h', 0],
    ['-:1', '-', 1],
    ['a..b:1', 'a..b', 1],
    ['localhost.:1', 'localhost.', 1],
    ['foo_bar.localhost:1', 'foo_bar.localhost', 1],
    [`${'a'.repeat(253)}:1`, 'a'.repeat(253), 1],
    ['tcp://h:1', 'h', 1, 'tcp'],
    ['TLS://h:1/', 'h', 1, 'tls'],
    ['tls://[::1]:1', '[::1]', 1, 'tls'],
    [new URL('tls://h:1'), 'h', 1, 'tls'],
    [new URL('tcp://h:1/x'), 'h', 1, 'tcp'],
    [new URL('http://h:1/x'), 'h', 1],
    [new URL('http://h/x'), 'h', 0],
    [{ hostname: 'h', port: '4001' }, 'h', 4001],
    [{ hostname: 'h', port: 4001.7, extra: 1 }, 'h', 4001],
    [{ hostname: 'h', port: null }, 'h', 0],
    [{ hostname: 'h', port: true }, 'h', 1],
    [{ hostname: '', port: 1 }, '', 1],
    [{ port: 1 }, 'undefined', 1],
    [{ hostname: '127.0.0.1:9', port: 1 }, '127.0.0.1:9', 1],
  ];
  for (const [address, hostname, port, scheme] of accepted) {
    const parsed = parseAddress(address);
    assert.deepEqual([parsed.hostname, parsed.port, parsed.scheme], [hostname, port, scheme], String(address));
  }
  assert.equal(parseAddress('[::FFFF:1]:04001').authority, '[::FFFF:1]:04001');
});

test('addresses that only look right fail as connections do', async () => {
  for (const address of ['127.0.0.1:0', 'a..b:1', { hostname: '', port: 1 }, { hostname: '127.0.0.1:9', port: 1 }]) {
    const socket = connect(address);
    const error = await failureOf(socket.opened);
    assert.match(error.message, /^proxy request failed, cannot connect to the specified address/);
    assert.equal(await failureOf(socket.closed), error);
  }
});
