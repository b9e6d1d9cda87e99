import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definePolicy, devPolicy, type Policy, type PolicyEntry, workerPolicy } from '../src/index.ts';
import { parseIp } from '../src/ip.ts';

const ip = (text: string) => parseIp(text) ?? assert.fail(`${text} is no address`);
const rule = (policy: Policy, address: string, options: { name?: string; port?: number } = {}): string =>
  policy.judge(ip(address), { name: options.name, port: options.port ?? 5432 }).rule;
const isAllowed = (policy: Policy, address: string, name?: string): boolean =>
  policy.judge(ip(address), { name, port: 5432 }).verdict === 'allow';

test('the first matching entry decides, and no match is a denial', () => {
  const policy = definePolicy([
    { action: 'allow', to: '10.0.0.5' },
    { action: 'deny', to: '10.0.0.0/8', ports: [22, '5000-5999'] },
    { action: 'allow', to: 'private' },
  ]);
  assert.equal(rule(policy, '10.0.0.5'), 'allow 10.0.0.5');
  assert.equal(rule(policy, '10.0.0.6'), 'deny 10.0.0.0/8 ports 22, 5000-5999');
  assert.equal(rule(policy, '10.0.0.6', { port: 22 }), 'deny 10.0.0.0/8 ports 22, 5000-5999');
  assert.equal(rule(policy, '10.0.0.6', { port: 6000 }), 'allow private');
  assert.deepEqual(policy.judge(ip('8.8.8.8'), { port: 1 }), { verdict: 'deny', rule: 'no entry allows it' });
});

test('workerPolicy allows public addresses, Cloudflare among them, and nothing else', () => {
  for (const address of ['8.8.8.8', '104.16.0.1', '2606:4700::1', '64:ff9b::8.8.8.8'])
    assert.ok(isAllowed(workerPolicy, address), address);
  for (const [address, set] of [
    ['127.0.0.1', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['::', 'loopback'],
    ['10.0.0.1', 'private'],
    ['fd00::1', 'private'],
    ['169.254.1.1', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['100.64.0.1', 'cgnat'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
  ] as const) {
    assert.equal(rule(workerPolicy, address), `deny ${set}`);
  }
});

test('devPolicy allows loopback and private as well, never link-local and metadata', () => {
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', '192.168.1.1', 'fd00::1', '8.8.8.8'])
    assert.ok(isAllowed(devPolicy, address), address);
  for (const address of [
    '169.254.1.1',
    '169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '168.63.129.16',
    '100.64.0.1',
    '240.0.0.1',
  ]) {
    assert.ok(!isAllowed(devPolicy, address), address);
  }
});

test('an operator can deny the Cloudflare ranges in front of the default', () => {
  const policy = definePolicy([{ action: 'deny', to: 'cloudflare' }, ...workerPolicy.entries]);
  assert.equal(rule(policy, '104.16.0.1'), 'deny cloudflare');
  assert.equal(rule(policy, '8.8.8.8'), 'allow public');
});

test('allow private and allow public never open the metadata service', () => {
  const policy = definePolicy([
    { action: 'allow', to: 'private' },
    { action: 'allow', to: 'link-local' },
    { action: 'allow', to: 'public' },
  ]);
  for (const address of ['169.254.169.254', 'fd00:ec2::254', '168.63.129.16'])
    assert.ok(!isAllowed(policy, address), address);
});

test('an allowed name is allowed at public addresses only', () => {
  const policy = definePolicy([{ action: 'allow', to: '*.example.com' }]);
  assert.ok(isAllowed(policy, '8.8.8.8', 'a.example.com'));
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '64:ff9b::10.0.0.1']) {
    assert.ok(!isAllowed(policy, address, 'a.example.com'), address);
  }
  assert.ok(!isAllowed(policy, '8.8.8.8', 'example.com'));
  assert.ok(!isAllowed(policy, '8.8.8.8'));
});

test('an allowed name gives way to a denial by address, wherever that stands', () => {
  const policy = definePolicy([
    { action: 'allow', to: 'a.com' },
    { action: 'deny', to: '8.8.8.0/24', ports: 5432 },
  ]);
  assert.equal(rule(policy, '8.8.8.8', { name: 'a.com' }), 'deny 8.8.8.0/24 ports 5432');
  assert.equal(rule(policy, '8.8.8.8', { name: 'a.com', port: 80 }), 'allow a.com');
  assert.equal(rule(policy, '9.9.9.9', { name: 'a.com' }), 'allow a.com');
});

test('an allowed name does not give way to what only ends the list', () => {
  for (const to of ['0.0.0.0/0', '::/0', 'public']) {
    const policy = definePolicy([
      { action: 'allow', to: 'a.com' },
      { action: 'deny', to },
    ]);
    assert.equal(rule(policy, '8.8.8.8', { name: 'a.com' }), 'allow a.com');
  }
});

test('resolvesTo says where an allowed name may point, over later denials', () => {
  const entry: PolicyEntry = { action: 'allow', to: 'db.corp', ports: 5432, resolvesTo: ['10.1.0.0/16', 'cgnat'] };
  const policy = definePolicy([entry, ...workerPolicy.entries]);
  assert.equal(rule(policy, '10.1.2.3', { name: 'db.corp' }), 'allow db.corp ports 5432');
  assert.equal(rule(policy, '100.64.0.1', { name: 'db.corp' }), 'allow db.corp ports 5432');
  assert.equal(rule(policy, '10.2.0.1', { name: 'db.corp' }), 'deny private');
  assert.equal(rule(policy, '169.254.169.254', { name: 'db.corp' }), 'deny metadata');
  assert.equal(rule(policy, '10.1.2.3', { name: 'other.corp' }), 'deny private');
  assert.equal(rule(policy, '10.1.2.3', { name: 'db.corp', port: 22 }), 'deny private');
  assert.equal(rule(policy, '10.1.2.3'), 'deny private');
});

test('localhost may be allowed by its name', () => {
  const policy = definePolicy([{ action: 'allow', to: 'localhost' }, ...workerPolicy.entries]);
  assert.equal(rule(policy, '127.0.0.1', { name: 'localhost' }), 'allow localhost');
  assert.equal(rule(policy, '127.0.0.1'), 'deny loopback');
  assert.ok(!isAllowed(policy, '10.0.0.1', 'localhost'));
});

test('a denied name is denied wherever it points', () => {
  const policy = definePolicy([
    { action: 'deny', to: '*.evil.com' },
    { action: 'allow', to: 'public' },
  ]);
  assert.equal(rule(policy, '8.8.8.8', { name: 'a.evil.com' }), 'deny *.evil.com');
  assert.equal(rule(workerPolicy, '8.8.8.8', { name: 'metadata.google.internal' }), 'deny metadata');
});

test('judgeName() denies before DNS only what no address could change', () => {
  assert.equal(workerPolicy.judgeName('localhost', 80)?.rule, 'deny loopback');
  assert.equal(workerPolicy.judgeName('metadata.google.internal', 80)?.rule, 'deny metadata');
  assert.equal(workerPolicy.judgeName('example.com', 80), undefined);
  assert.equal(devPolicy.judgeName('localhost', 80), undefined);
  const list = definePolicy([{ action: 'allow', to: 'a.com', ports: 443 }]);
  assert.equal(list.judgeName('a.com', 443), undefined);
  assert.equal(list.judgeName('a.com', 80)?.rule, 'no entry allows it');
  assert.equal(list.judgeName('b.com', 443)?.rule, 'no entry allows it');
  const later = definePolicy([
    { action: 'allow', to: '10.0.0.0/8' },
    { action: 'deny', to: 'a.com' },
  ]);
  assert.equal(later.judgeName('a.com', 80), undefined);
});

test('an address that carries another is allowed only when both are', () => {
  const policy = definePolicy([
    { action: 'allow', to: '2002::/16' },
    { action: 'allow', to: 'public' },
  ]);
  assert.equal(rule(policy, '2002:808:808::1'), 'allow 2002::/16');
  assert.equal(rule(policy, '2002:7f00:1::1'), 'no entry allows it (127.0.0.1, carried by 2002:7f00:1::1)');
  assert.equal(rule(workerPolicy, '64:ff9b::10.0.0.1'), 'deny private (10.0.0.1, carried by 64:ff9b::a00:1)');
});

test('a policy keeps its entries for building another one', () => {
  const entries: PolicyEntry[] = [{ action: 'allow', to: 'public' }];
  const policy = definePolicy(entries);
  entries.push({ action: 'allow', to: 'private' });
  assert.deepEqual(policy.entries, [{ action: 'allow', to: 'public' }]);
  assert.throws(() => (policy.entries as PolicyEntry[]).push({ action: 'allow', to: 'private' }), TypeError);
});
