import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEgress, definePolicy, maxAddresses, resolveTimeout, workerPolicy } from '../src/index.ts';
import { fakeResolve, manualClock } from './support/fakes.ts';

const { resolve, asked } = fakeResolve({
  'a.com': ['8.8.8.8'],
  'inner.com': ['10.0.0.1', '192.168.0.1'],
  'empty.com': [],
  'many.com': Array.from({ length: 500 }, (_, index) => `8.8.${Math.floor(index / 256)}.${index % 256}`),
});
const egress = createEgress({ policy: workerPolicy, resolve });

test('decide() says all about an allowed destination', async () => {
  assert.deepEqual(await egress.decide({ hostname: 'A.com.', port: 443 }), {
    verdict: 'allow',
    destination: { kind: 'name', host: 'a.com', port: 443, original: 'A.com.' },
    rule: 'allow public',
    resolver: 'edge',
    addresses: ['8.8.8.8'],
    refused: [],
    route: { kind: 'direct' },
    code: 'allowed',
    message: 'allowed',
    detail: 'a.com:443 at 8.8.8.8: allow public',
    remedy: '',
  });
});

test('decide() says all about a denied destination', async () => {
  const { remedy, ...decision } = await egress.decide({ hostname: 'inner.com', port: 5432 });
  assert.deepEqual(decision, {
    verdict: 'deny',
    destination: { kind: 'name', host: 'inner.com', port: 5432, original: 'inner.com' },
    rule: 'deny private',
    resolver: 'edge',
    addresses: [],
    refused: [
      { address: '10.0.0.1', rule: 'deny private' },
      { address: '192.168.0.1', rule: 'deny private' },
    ],
    route: { kind: 'direct' },
    code: 'destination_denied',
    message: 'proxy request failed, cannot connect to the specified address',
    detail: 'inner.com:5432 is at 10.0.0.1, refused: deny private',
  });
  assert.match(remedy, /inner\.com at 10\.0\.0\.1 .* deny private|inner\.com at 10\.0\.0\.1/);
});

test('decide() never rejects for a denial', async () => {
  for (const [hostname, port, code] of [
    ['a b', 80, 'invalid_destination'],
    ['a.com', 0, 'invalid_destination'],
    ['nowhere.com', 80, 'dns_error'],
    ['empty.com', 80, 'dns_error'],
    ['127.0.0.1', 80, 'destination_denied'],
    ['localhost', 80, 'destination_denied'],
  ] as const) {
    const decision = await egress.decide({ hostname, port });
    assert.equal(decision.verdict, 'deny');
    assert.equal(decision.code, code, hostname);
    assert.deepEqual(decision.addresses, []);
    assert.equal(decision.destination === undefined, code === 'invalid_destination');
  }
});

test('port 25 comes first, whatever the host and the policy', async () => {
  const open = createEgress({ policy: definePolicy([{ action: 'allow', to: 'public', ports: 25 }]), resolve });
  for (const hostname of ['a.com', '8.8.8.8', '127.0.0.1', 'localhost', 'nowhere.com', 'a b', '']) {
    const decision = await open.decide({ hostname, port: 25 });
    assert.equal(decision.code, 'port_25', hostname);
    assert.equal(decision.message, 'Connections to port 25 are prohibited');
  }
});

test('a name that is denied as such, and localhost, are not looked up', async () => {
  const before = asked.length;
  await egress.decide({ hostname: 'metadata.google.internal', port: 80 });
  await egress.decide({ hostname: 'x.localhost', port: 80 });
  const local = createEgress({ policy: definePolicy([{ action: 'allow', to: 'loopback' }]), resolve });
  assert.deepEqual((await local.decide({ hostname: 'x.localhost', port: 80 })).addresses, ['127.0.0.1', '::1']);
  assert.equal(asked.length, before);
});

test('an endless answer is cut at maxAddresses', async () => {
  assert.equal((await egress.decide({ hostname: 'many.com', port: 80 })).addresses.length, maxAddresses);
});

test('decide() gives up on a silent resolver after resolveTimeout', async () => {
  const clock = manualClock();
  const silent = createEgress({ policy: workerPolicy, resolve: () => new Promise(() => {}), clock });
  const outcome = silent.decide({ hostname: 'a.com', port: 80 });
  clock.advance(resolveTimeout);
  assert.equal((await outcome).code, 'dns_timeout');
  assert.deepEqual(clock.waiting, []);
});
