// Asked by c-ares, through Node's own Resolver.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startDnsServer, use } from '../src/index.ts';
import type { DnsAnswer, DnsQuestion, DnsServer } from '../src/index.ts';

async function dns(
  t: TestContext,
  answer: (question: DnsQuestion) => DnsAnswer | Promise<DnsAnswer>,
): Promise<[Resolver, DnsServer]> {
  const server = await use(t, startDnsServer(answer));
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([server.address]);
  return [resolver, server];
}

test('A and AAAA are answered with the addresses of that family', async (t) => {
  const addresses = ['10.1.2.3', '192.0.2.255', '2001:db8::1', '::', '::ffff:10.0.0.1', '1:2:3:4:5:6:7:8', 'fe80::'];
  const [resolver, server] = await dns(t, () => addresses);
  assert.deepEqual(await resolver.resolve4('db.Internal'), ['10.1.2.3', '192.0.2.255']);
  assert.deepEqual(await resolver.resolve6('db.internal'), [
    '2001:db8::1',
    '::',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    'fe80::',
  ]);
  assert.deepEqual(server.questions, [
    { name: 'db.internal', type: 'A' },
    { name: 'db.internal', type: 'AAAA' },
  ]);
});

test('a name may change its mind between two look-ups', async (t) => {
  const answers = [['93.184.215.14'], ['127.0.0.1']];
  const [resolver] = await dns(t, () => answers.shift()!);
  assert.deepEqual(await resolver.resolve4('rebind.test'), ['93.184.215.14']);
  assert.deepEqual(await resolver.resolve4('rebind.test'), ['127.0.0.1']);
});

const failures: [DnsAnswer, string][] = [
  ['NXDOMAIN', 'ENOTFOUND'],
  ['SERVFAIL', 'ESERVFAIL'],
  ['REFUSED', 'EREFUSED'],
  [[], 'ENODATA'],
  ['timeout', 'ETIMEOUT'],
];
for (const [answer, code] of failures) {
  test(`the answer ${JSON.stringify(answer)} is ${code} to a resolver`, async (t) => {
    const [resolver] = await dns(t, () => answer);
    await assert.rejects(resolver.resolve4('missing.test'), { code });
  });
}

test('other record types are refused as not implemented', async (t) => {
  const [resolver] = await dns(t, () => ['10.0.0.1']);
  await assert.rejects(resolver.resolveNaptr('sip.test'), { code: 'ENOTIMP' });
});
