import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloudflareRanges } from '../src/cloudflare-ranges.table.ts';
import { parseIp } from '../src/ip.ts';
import { type NamedSet, namedSets } from '../src/named-sets.table.ts';
import { isLocalhostName, matchesName, namedAddresses, parseRange } from '../src/ranges.ts';

const names = Object.keys(namedSets) as NamedSet[];
const ip = (text: string) => parseIp(text) ?? assert.fail(`${text} is no address`);
const setsOf = (text: string): NamedSet[] => names.filter((name) => namedAddresses(name)(ip(text)));

test('an address is in the sets its registry says', () => {
  const cases: [NamedSet[], string[]][] = [
    [['loopback'], ['127.0.0.1', '127.255.255.255', '0.0.0.0', '0.1.2.3', '::', '::1']],
    [['private'], ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12::1', 'fec0::1']],
    [['link-local'], ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1']],
    [
      ['metadata'],
      [
        '169.254.169.254',
        '169.254.170.2',
        '100.100.100.200',
        '168.63.129.16',
        '192.0.0.192',
        'fd00:ec2::254',
        'fd20:ce::254',
      ],
    ],
    [['cgnat'], ['100.64.0.1', '100.127.255.255', '100.100.100.100']],
    [['multicast'], ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    [
      ['reserved'],
      [
        '192.0.2.1',
        '198.51.100.1',
        '203.0.113.1',
        '198.18.0.1',
        '240.0.0.1',
        '255.255.255.255',
        '192.0.0.1',
        '192.88.99.1',
      ],
    ],
    [
      ['reserved'],
      [
        '2001:db8::1',
        '2002::1',
        '2001::1',
        '3fff::1',
        '100::1',
        '4000::1',
        '5f00::1',
        'fe00::1',
        '::2',
        '64:ff9b:1::1',
        '64:ff9a::1',
      ],
    ],
    [
      ['public'],
      [
        '8.8.8.8',
        '1.0.0.0',
        '11.0.0.0',
        '172.32.0.1',
        '223.255.255.255',
        '2a00::1',
        '2001:4860::1',
        '64:ff9b::808:808',
      ],
    ],
    [
      ['cloudflare', 'public'],
      ['104.16.0.1', '172.64.0.1', '2606:4700::1111', '2a06:98c7::1'],
    ],
  ];
  for (const [sets, texts] of cases) for (const text of texts) assert.deepEqual(setsOf(text), sets, text);
});

test('the cloudflare set holds the published 15 IPv4 and 7 IPv6 prefixes', () => {
  assert.equal(cloudflareRanges.filter((range) => !range.includes(':')).length, 15);
  assert.equal(cloudflareRanges.filter((range) => range.includes(':')).length, 7);
  for (const range of cloudflareRanges) assert.ok('set' in parseRange(range), range);
});

test('parseRange() reads addresses and CIDRs of both families', () => {
  for (const [text, inside, outside] of [
    ['10.0.0.0/8', '10.255.0.1', '11.0.0.0'],
    ['10.1.2.3', '10.1.2.3', '10.1.2.4'],
    ['fd00::/8', 'fd12::1', 'fc00::1'],
    ['[fd00::1]', 'fd00::1', 'fd00::2'],
    ['::ffff:10.0.0.0/104', '10.2.3.4', '11.0.0.0'],
    ['0.0.0.0/0', '255.255.255.255', '::1'],
    ['::/0', 'ffff::', '0.0.0.0'],
  ] as const) {
    const range = parseRange(text);
    assert.ok('set' in range, text);
    assert.equal(range.set(ip(inside)), true, `${inside} in ${text}`);
    assert.equal(range.set(ip(outside)), false, `${outside} in ${text}`);
    assert.equal(range.everything, text.endsWith('/0'));
  }
});

test('parseRange() says what is wrong', () => {
  for (const [text, problem] of [
    ['10.0.0.1/8', /write 10\.0\.0\.0\/8/],
    ['fd00::1/8', /write fd00::\/8/],
    ['10.0.0.0/33', /prefix length/],
    ['10.0.0.0/', /prefix length/],
    ['10.0.0.0/08', /prefix length/],
    ['10.0.0.0/-1', /prefix length/],
    ['::/129', /prefix length/],
    ['::ffff:10.0.0.0/8', /mapped/],
    ['127.1', /plain notation/],
    ['0x7f.0.0.0/8', /plain notation/],
    ['fe80::1%eth0', /plain notation/],
  ] as const) {
    const range = parseRange(text);
    assert.ok('problem' in range, text);
    assert.match(range.problem, problem);
  }
});

test('a pattern with *. stands for the names below, not for the name itself', () => {
  assert.equal(matchesName('*.example.com', 'a.example.com'), true);
  assert.equal(matchesName('*.example.com', 'a.b.example.com'), true);
  assert.equal(matchesName('*.example.com', 'example.com'), false);
  assert.equal(matchesName('*.example.com', 'badexample.com'), false);
  assert.equal(matchesName('example.com', 'example.com'), true);
  assert.equal(isLocalhostName('localhost'), true);
  assert.equal(isLocalhostName('a.localhost'), true);
  assert.equal(isLocalhostName('notlocalhost'), false);
});
