import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EgressError, maxHostnameLength, parseDestination } from '../src/index.ts';

const invalid = (hostname: unknown, port: unknown, detail: RegExp): void => {
  assert.throws(
    () => parseDestination({ hostname: hostname as string, port: port as number }),
    (error: unknown) =>
      error instanceof EgressError && error.code === 'invalid_destination' && detail.test(error.detail),
    `${String(hostname).slice(0, 40)}:${String(port)}`,
  );
};

test('parseDestination() reads every spelling of an address as that address', () => {
  for (const hostname of [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '0x7f000001',
    '0X7F.1',
    '2130706433',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '[::ffff:127.0.0.1]',
    '::ffff:7f00:1',
    '[::FFFF:7F00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '１２７.０.０.１',
    '127。0。0。1',
  ]) {
    const expected = { kind: 'address', host: '127.0.0.1', port: 5432, original: hostname };
    assert.deepEqual(parseDestination({ hostname, port: 5432 }), expected);
  }
});

test('parseDestination() takes IPv6 with and without brackets and returns it without', () => {
  for (const hostname of ['::1', '[::1]', '[0:0:0:0:0:0:0:1]', '0::0001']) {
    assert.equal(parseDestination({ hostname, port: 1 }).host, '::1');
  }
});

test('parseDestination() reads names in lower-case ASCII without trailing dot', () => {
  for (const [hostname, host] of [
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['EXÄMPLE.com', 'xn--exmple-cua.com'],
    ['ｌｏｃａｌｈｏｓｔ', 'localhost'],
    ['LOCALHOST.', 'localhost'],
    ['my_db.corp', 'my_db.corp'],
    ['loc\u00ADalhost', 'localhost'],
    ['faß.de', 'xn--fa-hia.de'],
    ['db', 'db'],
    ['a-.-b', 'a-.-b'],
  ] as const) {
    assert.deepEqual(parseDestination({ hostname, port: 1 }), { kind: 'name', host, port: 1, original: hostname });
  }
});

test('parseDestination() refuses what is no host name', () => {
  const cases: [unknown, RegExp][] = [
    ['', /empty/],
    ['fe80::1%eth0', /zone/],
    ['[fe80::1%25eth0]', /zone/],
    ['%6cocalhost', /percent/],
    ['a b', /character/],
    ['a\tb', /character/],
    ['127.0.0.1\n', /character/],
    ['\0', /character/],
    ['u@h', /character/],
    ['h/p', /character/],
    ['h?q', /character/],
    ['h#f', /character/],
    ['h\\p', /character/],
    ['h:80', /neither/],
    ['[::1', /neither/],
    ['::1]', /neither/],
    ['[::1]x', /neither/],
    ['1.2.3.4.5', /neither/],
    ['256.1.1.1', /neither/],
    ['4294967296', /neither/],
    ['09.1.1.1', /neither/],
    ['a..b', /empty label/],
    ['.a', /empty label/],
    ['.', /empty label/],
    ['localhost..', /empty label/],
    ['*.example.com', /character/],
    ['a,b', /character/],
    ["o'b", /character/],
    [`${'a'.repeat(64)}.com`, /label longer/],
    ['a'.repeat(maxHostnameLength + 1), /longer/],
    [`${'ä.'.repeat(120)}de`, /in ASCII form/],
    [undefined, /not a string/],
    [null, /not a string/],
    [1, /not a string/],
  ];
  for (const [hostname, detail] of cases) invalid(hostname, 80, detail);
});

test('parseDestination() refuses ports that are not whole numbers from 1 to 65535', () => {
  for (const port of [0, -1, 65_536, 1.5, NaN, Infinity, '80', null, undefined, 80n])
    invalid('example.com', port, /port/);
});
