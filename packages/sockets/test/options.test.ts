import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from '../src/options.ts';
import { connect, type SocketOptions } from '../src/index.ts';

const refused: [unknown, string | RegExp][] = [
  [null, /required members/],
  ['x', /not of type 'SocketOptions'/],
  [1, /not of type 'SocketOptions'/],
  [{ secureTransport: 'ON' }, 'Unsupported value in secureTransport socket option: ON'],
  [{ secureTransport: 'use' }, 'Unsupported value in secureTransport socket option: use'],
  [{ secureTransport: '' }, 'Unsupported value in secureTransport socket option: '],
  [{ secureTransport: null }, 'Unsupported value in secureTransport socket option: null'],
  [{ secureTransport: true }, 'Unsupported value in secureTransport socket option: true'],
  [{ highWaterMark: -1 }, /negative and this API expects a positive bigint/],
  [{ highWaterMark: 'x' }, /not an integer/],
  [{ highWaterMark: Number.NaN }, /not an integer/],
  [{ highWaterMark: Infinity }, /not an integer/],
  [{ signal: {} }, 'signal must be an AbortSignal.'],
  [{ signal: null }, 'signal must be an AbortSignal.'],
  [{ connectTimeout: -1 }, /connectTimeout must be/],
  [{ connectTimeout: '1' }, /connectTimeout must be/],
  [{ connectTimeout: Infinity }, /connectTimeout must be/],
  [{ sni: 'a\0b' }, 'sni must be a host name or an IP address.'],
  [{ sni: 'a b' }, 'sni must be a host name or an IP address.'],
  [{ sni: 'a'.repeat(256) }, 'sni must be a host name or an IP address.'],
  [{ expectedServerHostname: 'a\nb' }, 'expectedServerHostname must be a host name or an IP address.'],
  [{ alpn: 'h2' }, /alpn must be/],
  [{ alpn: [''] }, /alpn must be/],
  [{ alpn: [1] }, /alpn must be/],
  [{ alpn: ['é'.repeat(200)] }, /alpn must be/],
  [{ alpn: Array.from({ length: 10_000 }, () => 'h2') }, /alpn must be/],
];

test('options that are wrong are refused at once, naming the option', () => {
  for (const [options, message] of refused) {
    assert.throws(
      () => connect('h:1', options as SocketOptions),
      { name: 'TypeError', message },
      JSON.stringify(options),
    );
  }
});

test('options have their defaults and conversions', () => {
  const plain = checkOptions(undefined, undefined);
  assert.deepEqual(plain, {
    secureTransport: 'off',
    allowHalfOpen: false,
    highWaterMark: 65_536,
    signal: undefined,
    connectTimeout: 30_000,
    tls: {},
  });
  assert.deepEqual(
    checkOptions(() => {}, undefined),
    plain,
  );
  for (const [value, expected] of [
    [1, true],
    ['false', true],
    [null, false],
    [0, false],
  ] as const) {
    assert.equal(checkOptions({ allowHalfOpen: value }, undefined).allowHalfOpen, expected);
  }
  for (const [value, expected] of [
    [10n, 10],
    [1.5, 1],
    ['7', 7],
    [0, 1],
  ] as const) {
    assert.equal(checkOptions({ highWaterMark: value }, undefined).highWaterMark, expected);
  }
  assert.deepEqual(checkOptions({ sni: '', expectedServerHostname: '' }, undefined).tls, {});
  assert.equal(checkOptions({ unknown: 1 }, undefined).secureTransport, 'off');
});

test('a tls: address means TLS, and an option that says otherwise is an error', () => {
  assert.equal(checkOptions({}, 'tls').secureTransport, 'on');
  assert.equal(checkOptions({}, 'tcp').secureTransport, 'off');
  assert.equal(checkOptions({ secureTransport: 'starttls' }, 'tcp').secureTransport, 'starttls');
  assert.throws(() => connect('tls://h:1', { secureTransport: 'off' }), TypeError);
  assert.throws(() => connect(new URL('tls://h:1'), { secureTransport: 'starttls' }), TypeError);
});
