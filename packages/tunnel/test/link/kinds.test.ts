// What a link says besides streams of bytes: who the connector is, which routes lead to it, and streams of another kind.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { testAuthority, type TestScope, use } from '@sallyport/testkit';
import { Connector, type ConnectorOptions, edgeServerName, type EdgeLink, TunnelListener } from '../../src/index.ts';
import { startConnector, startEdge, startPair, until } from './support/ends.ts';

const secret = Buffer.alloc(32, 7);

async function join(t: TestScope, options: Partial<ConnectorOptions> = {}) {
  const authority = await testAuthority();
  const certificate = await authority.issue('good', { names: [edgeServerName] });
  let tell: (link: EdgeLink) => void;
  const registered = new Promise<EdgeLink>((resolve) => (tell = resolve));
  const edge = await use(
    t,
    new TunnelListener({ ...certificate, findSecret: async () => secret, registered: (link) => tell(link) }).listen(),
  );
  const connector = new Connector({
    ca: authority.ca,
    tunnelId: 'home',
    secret,
    dial: () => Promise.reject(new Error('nothing is dialled here')),
    links: 1,
    edges: [{ host: '127.0.0.1', port: edge.port }],
    ...options,
  });
  t.after(() => connector.close(0));
  connector.start();
  return { edge, link: await registered, connector };
}

test('the edge knows who is at the other end, under whatever address it was dialled', async (t) => {
  const client = { version: '1.2.3', arch: 'linux_amd64' };
  const { link, connector } = await join(t, { client });
  assert.deepEqual([link.client, link.remoteAddress, link.connectorId], [client, '127.0.0.1', connector.connectorId]);
  assert.match(link.id, /^[\da-f-]{36}$/);
  assert.ok(link.openedAt.getTime() <= Date.now());
});

test('a claim that is no text, or long, or not printable, is cut to what can be shown', async (t) => {
  const client = { version: `1\u001b[31m${'x'.repeat(500)}`, arch: 7 as unknown as string };
  const { link } = await join(t, { client });
  assert.deepEqual(link.client, { version: `1[31m${'x'.repeat(58)}`, arch: '' });
});

test('announced routes arrive, also many of them', async (t) => {
  const heard = new EventEmitter();
  const { link } = await join(t, { announced: (routes) => heard.emit('routes', routes) });
  const cidrs = Array.from({ length: 5000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
  for (const routes of [
    { cidrs: ['10.0.0.0/8'], hostnames: ['db.internal'] },
    { cidrs, hostnames: [] },
  ]) {
    const arrived = once(heard, 'routes');
    link.announce(routes);
    assert.deepEqual(await arrived, [routes]);
  }
});

test('routes that fit into no announcement are refused at once, also while another is on its way', async (t) => {
  const heard = new EventEmitter();
  const { link } = await join(t, { announced: (routes) => heard.emit('routes', routes) });
  const first = once(heard, 'routes');
  link.announce({ cidrs: [], hostnames: ['first.internal'] });
  const many = { cidrs: [], hostnames: Array.from({ length: 30_000 }, (_, index) => `${index}.internal`) };
  assert.equal(link.announce(many)?.code, 'too_many_routes');
  assert.deepEqual(await first, [{ cidrs: [], hostnames: ['first.internal'] }]);
  const last = once(heard, 'routes');
  link.announce({ cidrs: [], hostnames: ['last.internal'] });
  assert.deepEqual(await last, [{ cidrs: [], hostnames: ['last.internal'] }]);
});

test('a stream of kind http carries HTTP/1.1 to the connector', async (t) => {
  const server = createServer((incoming, response) => response.end(`${incoming.headers.host} ${incoming.url}`));
  t.after(() => server.close());
  const names: string[] = [];
  const { edge } = await join(t, {
    http: (stream, hostname) => {
      names.push(hostname);
      server.emit('connection', stream);
    },
  });
  const { stream, link } = await edge.registry.open('home', { hostname: 'app.example', port: 80, kind: 'http' });
  assert.equal(link.streams, 1);
  stream.write('GET /x HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const chunk of stream) answer += String(chunk);
  assert.match(answer, /^HTTP\/1\.1 200 OK[\s\S]*app\.example \/x$/);
  assert.deepEqual(names, ['app.example']);
});

test('a kind that the connector does not serve is refused by name', async (t) => {
  const { edge } = await join(t);
  const open = (kind: string) => edge.registry.open('home', { hostname: 'a.example', port: 80, kind: kind as 'http' });
  await assert.rejects(open('http'), { code: 'unsupported_kind', detail: 'http' });
  await assert.rejects(open('carrier-pigeon'), { code: 'unsupported_kind', detail: 'carrier-pigeon' });
});

test(
  'what is announced when a link is registered arrives before its first connection',
  { timeout: 20_000 },
  async (t) => {
    const heard: string[] = [];
    const { listener } = await startEdge(t, {
      registered: (link) => link.announce({ cidrs: ['10.0.0.0/8'], hostnames: [] }),
    });
    await startConnector(t, {
      ports: [listener.port],
      announced: () => heard.push('routes'),
      dial: () => {
        heard.push('dial');
        return Promise.reject(new Error('no'));
      },
    });
    await until(() => listener.registry.all.length === 1);
    await assert.rejects(listener.registry.open('home', { hostname: 'db', port: 1 }), { code: 'connection_failed' });
    assert.deepEqual(heard, ['routes', 'dial']);
  },
);

test(
  'of announcements that come faster than they leave only the latest follows, and too many routes are refused',
  {
    timeout: 20_000,
  },
  async (t) => {
    const heard: string[][] = [];
    const { link } = await startPair(t, { connector: { announced: ({ hostnames }) => heard.push([...hostnames]) } });
    const last = 500;
    for (let count = 0; count <= last; count += 1) link.announce({ cidrs: [], hostnames: [`host-${count}`] });
    await until(() => heard.at(-1)?.[0] === `host-${last}`);
    assert.ok(heard.length < 10, String(heard.length));
    const cidrs = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
    assert.equal(link.announce({ cidrs, hostnames: [] })?.code, 'too_many_routes');
    link.announce({ cidrs: [], hostnames: ['after'] });
    await until(() => heard.at(-1)?.[0] === 'after');
  },
);
