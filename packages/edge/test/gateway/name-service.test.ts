// What a Worker's node:dns is told: the names and addresses it may connect to, and stand-ins for names that only a
// connector can resolve.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test, type TestContext } from 'node:test';
import { createEgress, definePolicy, devPolicy, directRoutes, type Routes, workerPolicy } from '@sallyport/egress';
import { SocketError } from '@sallyport/sockets/internal';
import { type DnsAnswer, type DnsQuestion, startDnsServer, use } from '@sallyport/testkit';
import { maxPendingQuestions, NameService, portsOf } from '../../src/gateway/name-service.ts';
import { maxStandIns, StandIns } from '../../src/gateway/stand-ins.ts';

const label = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const domain = (...labels: string[]): Buffer => Buffer.concat([...labels.map((text) => label(text)), Buffer.from([0])]);

const zone: Record<string, DnsAnswer> = {
  'A public.test': ['93.184.215.14'],
  'A mixed.test': ['10.1.2.3', '93.184.215.14'],
  'A inside.test': ['10.1.2.3'],
  'MX public.test': [Buffer.concat([Buffer.from([0, 10]), domain('mail', 'public', 'test')])],
  'TXT public.test': [Buffer.concat([label('one'), label('two')])],
  'SRV _db._tcp.public.test': [Buffer.concat([Buffer.from([0, 1, 0, 2, 0x15, 0x38]), domain('db', 'public', 'test')])],
  'PTR 14.215.184.93.in-addr.arpa': [domain('public', 'test')],
  'PTR 3.2.1.10.in-addr.arpa': [domain('inside', 'test')],
};

async function startNames(
  t: TestContext,
  { policy = devPolicy, routes = directRoutes }: { policy?: typeof devPolicy; routes?: Routes } = {},
): Promise<{ names: NameService; standIns: StandIns; questions: readonly DnsQuestion[] }> {
  const server = await use(
    t,
    startDnsServer(({ type, name }) => zone[`${type} ${name}`] ?? 'NXDOMAIN'),
  );
  const resolver = new Resolver();
  resolver.setServers([server.address]);
  const resolve = async (name: string): Promise<{ address: string }[]> =>
    (await resolver.resolve4(name)).map((address) => ({ address }));
  const standIns = new StandIns();
  const egress = standIns.wrap(createEgress({ policy, resolve, routes }));
  const names = new NameService({ egress, standIns, ports: portsOf(policy.entries), servers: [server.address] });
  return { names, standIns, questions: server.questions };
}

const address = (name: string): { name: string; type: 'address' } => ({ name, type: 'address' });
const coded =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SocketError && error.code === code;

test('a name is answered with the addresses that policy allows, and with none where it allows none', async (t) => {
  const { names, questions } = await startNames(t, { policy: workerPolicy });
  assert.deepEqual(await names.answer(address('public.test')), [{ address: '93.184.215.14', family: 4 }]);
  assert.deepEqual(await names.answer(address('mixed.test')), [{ address: '93.184.215.14', family: 4 }]);
  await assert.rejects(names.answer(address('inside.test')), coded('destination_denied'));
  await assert.rejects(names.answer(address('localhost')), coded('destination_denied'));
  await assert.rejects(names.answer(address('nobody.test')), (error: SocketError) => {
    assert.equal(error.code, 'dns_error');
    return true;
  });
  assert.ok(questions.length > 0);
});

test('an address allowed on one port alone is told, and a name denied as such is not even asked for', async (t) => {
  const policy = definePolicy([
    { action: 'deny', to: 'public.test' },
    { action: 'allow', to: '10.1.2.3', ports: '5000-6000' },
  ]);
  const { names, questions } = await startNames(t, { policy });
  assert.deepEqual(await names.answer(address('inside.test')), [{ address: '10.1.2.3', family: 4 }]);
  await assert.rejects(names.answer(address('public.test')), coded('destination_denied'));
  await assert.rejects(names.answer({ name: 'public.test', type: 'TXT' }), coded('destination_denied'));
  assert.deepEqual(
    questions.filter(({ name }) => name === 'public.test'),
    [],
  );
});

/** Newer versions of Node say the type of a record in it. */
const withoutType = (records: unknown[]): object[] =>
  records.map((record) => Object.fromEntries(Object.entries(record as object).filter(([name]) => name !== 'type')));

test('records of other types are answered as node:dns has them', async (t) => {
  const { names } = await startNames(t);
  assert.deepEqual(withoutType(await names.answer({ name: 'public.test', type: 'MX' })), [
    { exchange: 'mail.public.test', priority: 10 },
  ]);
  assert.deepEqual(await names.answer({ name: 'public.test', type: 'TXT' }), [['one', 'two']]);
  assert.deepEqual(withoutType(await names.answer({ name: '_db._tcp.public.test', type: 'SRV' })), [
    { name: 'db.public.test', port: 5432, priority: 1, weight: 2 },
  ]);
  for (const name of ['93.184.215.14', '14.215.184.93.in-addr.arpa', '14.215.184.93.IN-ADDR.ARPA.']) {
    assert.deepEqual(await names.answer({ name, type: 'PTR' }), ['public.test']);
  }
  await assert.rejects(names.answer({ name: 'nobody.test', type: 'TXT' }), (error: SocketError) => {
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOTFOUND');
    return true;
  });
});

test('an address that policy denies has no name to tell', async (t) => {
  const { names, questions } = await startNames(t, { policy: workerPolicy });
  const zeros = '0.'.repeat(16);
  for (const name of [
    '10.1.2.3',
    '3.2.1.10.in-addr.arpa',
    '3.2.1.10.IN-ADDR.ARPA.',
    '2.1.10.in-addr.arpa',
    'a.3.2.1.10.in-addr.arpa',
    '03.2.1.10.in-addr.arpa',
    `1.${'0.'.repeat(15)}${zeros.slice(0, 24)}0.8.e.f.ip6.arpa`,
    `3.0.2.0.1.0.a.0.f.f.f.f.${zeros}0.0.0.0.ip6.arpa`,
    // Of somebody's own name, which may be an alias of any of these.
    'alias.test',
    'in-addr.arpa',
  ]) {
    await assert.rejects(names.answer({ name, type: 'PTR' }), coded('destination_denied'), name);
  }
  await assert.rejects(names.answer({ name: '3.2.1.10.in-addr.arpa', type: 'TXT' }), coded('destination_denied'));
  await assert.rejects(names.answer({ name: '2.1.10.in-addr.arpa', type: 'NS' }), coded('destination_denied'));
  assert.deepEqual(questions, []);
});

test('a name behind a tunnel has a stand-in, which leads to the name', async (t) => {
  const routes: Routes = {
    forName: (name) =>
      name.endsWith('.corp')
        ? { kind: 'tunnel', tunnelId: 'id', tunnelName: 'office', network: 'default', match: '*.corp' }
        : undefined,
    forAddress: () => undefined,
  };
  const { names, standIns, questions } = await startNames(t, { routes, policy: workerPolicy });
  const [first] = (await names.answer(address('DB.corp'))) as { address: string; family: number }[];
  assert.deepEqual(first, { address: '240.2.0.1', family: 4 });
  assert.deepEqual(await names.answer(address('db.corp')), [first]);
  assert.equal(standIns.resolve('240.2.0.1'), 'db.corp');
  assert.equal(standIns.resolve('240.2.0.2'), '240.2.0.2');
  const seen: string[] = [];
  const wrapped = standIns.wrap({
    decide: () => Promise.reject(new Error('not asked')),
    open: (target) => Promise.reject(new Error(`asked for ${target.hostname}:${target.port}`)),
  });
  await wrapped.open({ hostname: '240.2.0.1', port: 5432 }).catch((error: Error) => seen.push(error.message));
  assert.deepEqual(seen, ['asked for db.corp:5432']);
  await assert.rejects(names.answer({ name: 'db.corp', type: 'TXT' }), coded('destination_denied'));
  assert.deepEqual(questions, []);
  for (let count = 1; count < maxStandIns; count += 1) assert.ok(standIns.addressOf(`name-${count}.corp`));
  await assert.rejects(names.answer(address('one-more.corp')), coded('dns_busy'));
});

test('more questions at once than the bound are refused', async (t) => {
  const { names } = await startNames(t);
  const many = Array.from({ length: maxPendingQuestions }, () => names.answer(address('public.test')));
  await assert.rejects(names.answer(address('public.test')), coded('dns_busy'));
  await Promise.all(many);
  assert.equal((await names.answer(address('public.test'))).length, 1);
});

test('one port of each group that a policy treats alike is judged', () => {
  assert.deepEqual(portsOf(devPolicy.entries), [1]);
  const to = '10.0.0.1';
  assert.deepEqual(
    portsOf([
      { action: 'allow', to, ports: [443, '5000-6000'] },
      { action: 'deny', to, ports: 25 },
      { action: 'deny', to, ports: '60000-65535' },
    ]),
    [1, 443, 444, 5000, 6001, 26, 60_000],
  );
});
