// Every spelling here means a place a Worker must not reach. Each goes through `open()` as a whole under the Worker's
// default policy; the dialer records what it is asked for, and that must be nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEgress, EgressError, type EgressTarget, type Resolve, workerPolicy } from '../src/index.ts';
import { addresses, fakeDial, fakeResolve } from './support/fakes.ts';
import { forbiddenByHand } from './support/forbidden.table.ts';
import { listen } from './support/servers.ts';

const places = [
  '127.0.0.1',
  '127.255.0.3',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.5.4',
  '192.168.1.1',
  '169.254.169.254',
  '169.254.170.2',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '224.0.0.251',
  '255.255.255.255',
  '198.18.0.1',
  '192.0.2.7',
];

const hex = (value: number, width = 0): string => value.toString(16).padStart(width, '0');
const octal = (value: number): string => `0${value.toString(8)}`;

/** Ways to write one IPv4 address. */
function spellings(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const pair = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  const inverted = `${hex((a * 256 + b) ^ 0xffff)}:${hex((c * 256 + d) ^ 0xffff)}`;
  const wide = [...address].map((character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0)).join('');
  const ipv4 = [
    address,
    `${address}.`,
    String(whole),
    octal(whole),
    `0x${hex(whole)}`,
    `0X${hex(whole, 8).toUpperCase()}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    [a, b, c, d].map(octal).join('.'),
    [a, b, c, d].map((part) => `0x${hex(part)}`).join('.'),
    `${octal(a)}.0x${hex(b)}.${c}.${d}`,
    wide,
    address.replaceAll('.', '。'),
  ];
  const ipv6 = [
    `::ffff:${address}`,
    `::ffff:${pair}`,
    `0:0:0:0:0:FFFF:${pair}`,
    `::${address}`,
    `::ffff:0:${pair}`,
    `64:ff9b::${pair}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${pair}`,
    `2002:${pair}::1`,
    `2001:0:808:808:0:0:${inverted}`,
    `2001:0:${pair}::f7f7:f7f7`,
    `2a00::5efe:${address}`,
    `64:ff9b:1:${hex(a * 256 + b)}:${hex(c)}:${hex(d * 256)}::`,
  ];
  return [...ipv4, ...ipv6, ...ipv6.map((text) => `[${text.toUpperCase()}]`)];
}

const forbidden = [...new Set([...forbiddenByHand, ...places.flatMap(spellings)])];

async function tryToReach(target: EgressTarget, resolve: Resolve): Promise<{ code: string; dialled: string[] }> {
  const fake = fakeDial({ settle: (attempt) => attempt.succeed() });
  try {
    await createEgress({ policy: workerPolicy, resolve, dial: fake.dial }).open(target);
    return { code: 'connected', dialled: fake.dialled };
  } catch (error) {
    assert.ok(error instanceof EgressError, String(error));
    return { code: error.code, dialled: fake.dialled };
  }
}

test(`none of ${forbidden.length} forbidden spellings is dialled`, async () => {
  assert.ok(forbidden.length >= 300);
  for (const hostname of forbidden) {
    // A resolver that, like getaddrinfo, would turn whatever still looks like an address or localhost into loopback.
    const outcome = await tryToReach({ hostname, port: 5432 }, async () => addresses('127.0.0.1'));
    assert.deepEqual(outcome.dialled, [], JSON.stringify(hostname));
    assert.match(outcome.code, /^(destination_denied|invalid_destination)$/, JSON.stringify(hostname));
  }
});

test('only host names that merely look like addresses reach the resolver', async () => {
  const { resolve, asked } = fakeResolve({});
  for (const hostname of forbidden) await tryToReach({ hostname, port: 5432 }, resolve);
  // Node 24 no longer checks Punycode labels; they go to DNS as they are.
  const names = new Set(['127.0.0.1e0', '1e9', 'xn--localhost-', 'xn--', 'xn--a']);
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  );
});

test('no name that resolves to a forbidden address, in any form a resolver may return, is dialled', async () => {
  for (const address of [
    ...places.flatMap(spellings),
    '::1',
    '::',
    'fe80::1%eth0',
    'fe80::1',
    'fd00:ec2::254',
    '',
    'localhost',
    'a.com',
    '8.8.8.8%eth0',
  ]) {
    const outcome = await tryToReach({ hostname: 'rebind.example.com', port: 80 }, async () => addresses(address));
    assert.deepEqual(outcome, { code: 'destination_denied', dialled: [] }, address);
  }
});

test('of a mixed answer only the public addresses are dialled', async () => {
  for (const address of places) {
    const fake = fakeDial({ settle: (attempt) => attempt.fail('ECONNREFUSED') });
    const resolve: Resolve = async () =>
      addresses(address, '8.8.8.8', `::ffff:${address}`, '2a00::1', `64:ff9b::${address}`);
    const egress = createEgress({ policy: workerPolicy, resolve, dial: fake.dial });
    await assert.rejects(egress.open({ hostname: 'mixed.example.com', port: 80 }), { code: 'connection_refused' });
    assert.deepEqual(fake.dialled, ['8.8.8.8:80', '2a00::1:80']);
  }
});

test('a resolver that changes its mind between look-up and dial is asked once, and its first answer is dialled', async () => {
  for (const address of places) {
    const { resolve, asked } = fakeResolve({ 'rebind.com': [['8.8.8.8'], [address]] });
    const first = await tryToReach({ hostname: 'rebind.com', port: 80 }, resolve);
    assert.deepEqual(first, { code: 'connected', dialled: ['8.8.8.8:80'] });
    assert.deepEqual(asked, ['rebind.com']);
    const second = await tryToReach({ hostname: 'rebind.com', port: 80 }, resolve);
    assert.deepEqual(second, { code: 'destination_denied', dialled: [] });
  }
});

test('port 25 is refused in every spelling of host', async () => {
  for (const hostname of [
    '8.8.8.8',
    '134744072',
    '[::ffff:8.8.8.8]',
    'smtp.example.com',
    'SMTP.example.com.',
    ...forbidden,
  ]) {
    const outcome = await tryToReach({ hostname, port: 25 }, async () => addresses('8.8.8.8'));
    assert.deepEqual(outcome, { code: 'port_25', dialled: [] }, JSON.stringify(hostname));
  }
});

test('a real server on loopback and on the wildcard sees none of them', async (t) => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const running = await listen(t, { host });
    const egress = createEgress({ policy: workerPolicy, resolve: async () => addresses('127.0.0.1') });
    const loopback = [...spellings('127.0.0.1'), ...spellings('0.0.0.0'), ...forbiddenByHand.slice(0, 120)];
    const outcomes = await Promise.allSettled(
      loopback.map((hostname) => egress.open({ hostname, port: running.port })),
    );
    assert.deepEqual(
      outcomes.filter(({ status }) => status === 'fulfilled'),
      [],
    );
    assert.equal(running.accepted, 0);
  }
});
