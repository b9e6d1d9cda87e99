// Where a Worker's connect() ends up: ingress rules that name the host, else the connector's policy on resolved addresses.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Resolve, systemClock } from '@sallyport/egress';
import { startDnsServer, startPeer, use } from '@sallyport/testkit';
import { createConnectorMetrics } from '../../src/agent/connector-metrics.ts';
import { noLog } from '../../src/agent/log.ts';
import { PrivateDial } from '../../src/agent/private-dial.ts';
import { type AnnouncedRoutes, parseTunnelConfig } from '../../src/index.ts';

interface Setup {
  ingress?: object[];
  privateNetwork?: object;
  warpRouting?: object;
  announced?: Partial<AnnouncedRoutes>;
  resolve?: Resolve;
  ownPort?: number;
}

function create(setup: Setup): { dial: PrivateDial; metrics: () => string } {
  const { ingress = [], privateNetwork = {}, warpRouting = {}, announced = {}, resolve, ownPort } = setup;
  const text = JSON.stringify({
    ingress: [...ingress, { service: 'http_status:404' }],
    'private-network': privateNetwork,
    'warp-routing': warpRouting,
  });
  const { config, diagnostics } = parseTunnelConfig(text, { file: 'config.yml' });
  if (config === undefined) throw new Error(JSON.stringify(diagnostics));
  const metrics = createConnectorMetrics({ live: () => 1, version: '0' });
  const ownListeners = () => (ownPort === undefined ? [] : [{ address: '127.0.0.1', port: ownPort }]);
  const dial = new PrivateDial(config, { clock: systemClock, log: noLog, metrics, resolve, ownListeners });
  dial.announce({ cidrs: announced.cidrs ?? [], hostnames: announced.hostnames ?? [] });
  return { dial, metrics: () => metrics.registry.toText() };
}

/** `connected`, or the code it failed with. */
async function outcome(dial: PrivateDial, hostname: string, port: number): Promise<string> {
  try {
    const stream = await dial.dial({ hostname, port }, { signal: AbortSignal.timeout(5000) });
    const closed = once(stream, 'close');
    stream.destroy();
    await closed;
    return 'connected';
  } catch (error) {
    return String((error as { code: unknown }).code);
  }
}

const everything: AnnouncedRoutes = { cidrs: ['0.0.0.0/0', '::/0'], hostnames: ['*.internal', 'rebind.test'] };

/** Spellings of this machine and of metadata services that a wide route must not open. */
const forbidden = [
  '127.0.0.1',
  '127.1',
  '0x7f.1',
  '2130706433',
  '0.0.0.0',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::7f00:1',
  '2002:7f00:1::',
  'localhost',
  'LOCALHOST.',
  'x.localhost',
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '169.254.1.1',
  'fe80::1',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  'metadata.google.internal',
  '224.0.0.1',
  'ff02::1',
  '240.0.0.1',
  '255.255.255.255',
];

test('no announced route, however wide, leads to loopback, metadata, link-local, multicast or reserved addresses', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dial } = create({ announced: everything, resolve: async () => [{ address: '127.0.0.1' }] });
  for (const host of forbidden) assert.equal(await outcome(dial, host, peer.port), 'destination_denied', host);
});

test('announcing exactly those addresses opens them no more than a wide route does', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const cidrs = ['127.0.0.1/32', '127.0.0.0/8', '169.254.169.254', '::1/128', '64:ff9b::/96'];
  const { dial } = create({ announced: { cidrs, hostnames: ['localhost', 'loopback', 'metadata'] } });
  for (const host of forbidden) assert.equal(await outcome(dial, host, peer.port), 'destination_denied', host);
});

test('a wide allow list opens them no more either', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const privateNetwork = { allow: ['0.0.0.0/0', '::/0', '*.internal', 'rebind.test', '126.0.0.0/7', '100.64.0.0/10'] };
  const { dial } = create({ privateNetwork, resolve: async () => [{ address: '169.254.169.254' }] });
  for (const host of [...forbidden, 'rebind.test']) {
    assert.equal(await outcome(dial, host, peer.port), 'destination_denied', host);
  }
});

test('a name whose DNS turns to this machine is refused, at every look-up', async (t) => {
  const peer = await use(t, startPeer('echo'));
  let answer: string[] = ['10.255.255.1'];
  const dns = await use(
    t,
    startDnsServer(() => answer),
  );
  const privateNetwork = { resolver: dns.address };
  const { dial } = create({ announced: everything, privateNetwork, warpRouting: { connectTimeout: '2s' } });
  assert.notEqual(await outcome(dial, 'rebind.test', peer.port), 'destination_denied');
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '169.254.169.254']) {
    answer = [address];
    assert.equal(await outcome(dial, 'rebind.test', peer.port), 'destination_denied', address);
  }
  assert.ok(dns.questions.some(({ name, type }) => name === 'rebind.test' && type === 'AAAA'));
});

test('only announced routes are dialled, and names only when they lead where names may', async () => {
  const { dial } = create({
    announced: { cidrs: ['10.0.0.0/8', 'nonsense', 'fd00::/8'], hostnames: ['db.internal', '*.apps.internal'] },
    warpRouting: { connectTimeout: '20ms' },
    resolve: async (name) => [{ address: name === 'loop.apps.internal' ? '127.0.0.1' : '192.168.255.254' }],
  });
  const denied = async (host: string): Promise<boolean> => (await outcome(dial, host, 9)) === 'destination_denied';
  assert.equal(await denied('10.255.255.1'), false);
  assert.equal(await denied('db.internal'), false);
  assert.equal(await denied('x.apps.internal'), false);
  for (const host of [
    '192.168.255.254',
    '11.0.0.1',
    'other.internal',
    'apps.internal',
    'loop.apps.internal',
    '8.8.8.8',
  ]) {
    assert.equal(await denied(host), true, host);
  }
});

test('what the operator wrote down may be this machine: an address, a range of loopback, localhost', async (t) => {
  const peer = await use(t, startPeer('echo'));
  for (const entry of ['127.0.0.1', '127.0.0.0/8', 'localhost', 'loopback', `127.0.0.1:${peer.port}`, '127.0.0.0/30']) {
    const host = entry === 'localhost' ? entry : '127.0.0.1';
    const { dial } = create({ privateNetwork: { allow: [entry] }, announced: { cidrs: ['10.0.0.0/8'] } });
    assert.equal(await outcome(dial, host, peer.port), 'connected', entry);
    // With a list, announced routes count for nothing.
    assert.equal(await outcome(dial, '10.0.0.1', peer.port), 'destination_denied', entry);
  }
  const { dial } = create({ privateNetwork: { allow: [`127.0.0.1:${peer.port === 1 ? 2 : 1}`] } });
  assert.equal(await outcome(dial, '127.0.0.1', peer.port), 'destination_denied');
});

test('denials of the operator come first, also before what was written down', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dial } = create({
    privateNetwork: { allow: ['127.0.0.1', 'localhost'], deny: [`127.0.0.0/8:${peer.port}`, '::1'] },
  });
  assert.equal(await outcome(dial, '127.0.0.1', peer.port), 'destination_denied');
  assert.equal(await outcome(dial, 'localhost', peer.port), 'destination_denied');
  const byName = create({
    announced: everything,
    privateNetwork: { deny: ['*.internal'] },
    resolve: async () => [{ address: '10.0.0.1' }],
  });
  assert.equal(await outcome(byName.dial, 'db.internal', peer.port), 'destination_denied');
});

test('an empty allow list allows nothing', async () => {
  const { dial } = create({ announced: everything, privateNetwork: { allow: [] } });
  assert.equal(await outcome(dial, '10.0.0.1', 9), 'destination_denied');
});

test('an ingress rule that names the host dials its service, also on this machine, on its port only', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const service = `tcp://127.0.0.1:${peer.port}`;
  const { dial } = create({
    ingress: [
      { hostname: 'with-path.internal', path: '/x', service },
      { hostname: 'db.internal', service },
      { hostname: '*.dbs.internal', service: `postgres://localhost:${peer.port}` },
      { hostname: 'web.internal', service: `http://127.0.0.1:${peer.port}` },
      { hostname: 'portless.internal', service: 'ftp://127.0.0.1' },
    ],
  });
  assert.equal(await outcome(dial, 'db.internal', peer.port), 'connected');
  assert.equal(await outcome(dial, 'DB.internal.', peer.port), 'connected');
  assert.equal(await outcome(dial, 'a.dbs.internal', peer.port), 'connected');
  assert.equal(await outcome(dial, 'db.internal', peer.port === 5432 ? 5433 : 5432), 'rule_port');
  assert.equal(await outcome(dial, 'portless.internal', peer.port), 'rule_port');
  for (const host of ['web.internal', 'with-path.internal', 'other.internal']) {
    assert.equal(await outcome(dial, host, peer.port), 'destination_denied', host);
  }
});

test('a rule that catches every host is for HTTP: it opens nothing for connect()', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const service = `tcp://127.0.0.1:${peer.port}`;
  const { dial } = create({ ingress: [{ hostname: '*', path: '/x', service }] });
  assert.equal(await outcome(dial, 'anything.test', peer.port), 'destination_denied');
  const { config } = parseTunnelConfig(`ingress: [{service: "${service}"}]`, { file: 'config.yml' });
  dial.configure(config!);
  assert.equal(await outcome(dial, 'anything.test', peer.port), 'destination_denied');
});

test('a unix socket of a named rule is dialled as a byte stream', async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'db.sock');
  const server = createServer((socket) => void socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => void server.close());
  const { dial } = create({ ingress: [{ hostname: 'db.internal', service: `unix:${path}` }] });
  const stream = await dial.dial({ hostname: 'db.internal', port: 5432 }, { signal: AbortSignal.timeout(5000) });
  stream.end('ping');
  let heard = '';
  for await (const chunk of stream) heard += String(chunk);
  assert.equal(heard, 'ping');
});

test('maxActiveFlows bounds what is open at once', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dial, metrics } = create({ privateNetwork: { allow: ['127.0.0.1'] }, warpRouting: { maxActiveFlows: 1 } });
  const first = await dial.dial({ hostname: '127.0.0.1', port: peer.port }, { signal: AbortSignal.timeout(5000) });
  assert.equal(await outcome(dial, '127.0.0.1', peer.port), 'link_busy');
  assert.match(metrics(), /^sallyport_tcp_active_sessions 1$/m);
  const closed = once(first, 'close');
  first.destroy();
  await closed;
  assert.equal(await outcome(dial, '127.0.0.1', peer.port), 'connected');
  assert.match(metrics(), /^sallyport_proxy_connect_streams_errors\{code="link_busy"\} 1$/m);
});

test("the connector's own metrics port is a loop, even when its address was written down", async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { dial } = create({ privateNetwork: { allow: ['127.0.0.1'] }, ownPort: peer.port });
  assert.equal(await outcome(dial, '127.0.0.1', peer.port), 'tcp_loop');
});

test('a resolver that does not know the name, or does not answer, is a DNS error', async (t) => {
  const dns = await use(
    t,
    startDnsServer(({ name, type }) => (name === 'v6.internal' && type === 'AAAA' ? ['fd00::1'] : 'NXDOMAIN')),
  );
  const warpRouting = { connectTimeout: '300ms' };
  const { dial } = create({ announced: everything, privateNetwork: { resolver: [dns.address] }, warpRouting });
  assert.equal(await outcome(dial, 'nobody.internal', 9), 'dns_error');
  assert.notEqual(await outcome(dial, 'v6.internal', 9), 'dns_error');
});
