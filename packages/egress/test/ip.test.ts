import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formsOf, parseIp, toHostPort } from '../src/ip.ts';

const forms = (text: string): string[] =>
  formsOf(parseIp(text) ?? assert.fail(`${text} is no address`)).map((ip) => ip.text);

test('parseIp() writes an address in one way', () => {
  for (const [written, text] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::FFFF:127.0.0.1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ] as const) {
    assert.equal(parseIp(written)?.text, text);
  }
});

test('parseIp() takes no legacy spelling, zone, bracket, prefix or name', () => {
  for (const text of [
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '::1%lo',
    '[::1]',
    '10.0.0.0/8',
    'a',
    '',
    ' ::1',
    '1.2.3.4.',
  ]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test('an IPv6 address lists the IPv4 addresses it carries', () => {
  for (const [text, ...carried] of [
    ['::127.0.0.1', '127.0.0.1'],
    ['::ffff:0:10.0.0.1', '10.0.0.1'],
    ['64:ff9b::a9fe:a9fe', '169.254.169.254'],
    ['2002:7f00:1::', '127.0.0.1'],
    ['2001:0:7f00:1:0:0:f5ff:fffe', '10.0.0.1', '127.0.0.1'],
    ['fd00::5efe:10.0.0.1', '10.0.0.1'],
    ['2a00::200:5efe:10.0.0.1', '10.0.0.1'],
    ['64:ff9b:1::10.0.0.1', '10.0.0.1'],
    ['64:ff9b:1:a9fe:a9:fe00::', '169.254.169.254'],
    ['64:ff9b:1::', '0.0.0.0'],
  ] as const) {
    assert.deepEqual(
      forms(text)
        .slice(1)
        .filter((form) => carried.includes(form as never)),
      [...carried],
      text,
    );
  }
});

test('local NAT64 is read at every prefix length a site may use [RFC 6052 2.2]', () => {
  for (const text of [
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1::a9:fea9:fe00:0',
    '64:ff9b:1::a9fe:a9fe',
  ]) {
    assert.ok(forms(text).includes('169.254.169.254'), text);
  }
});

test('::, ::1 and ordinary addresses carry nothing', () => {
  for (const text of ['::', '::1', '2606:4700::1', 'fe80::1', '8.8.8.8']) assert.equal(forms(text).length, 1, text);
});

test('toHostPort() brackets IPv6 only', () => {
  assert.equal(toHostPort('::1', 80), '[::1]:80');
  assert.equal(toHostPort('127.0.0.1', 80), '127.0.0.1:80');
});
