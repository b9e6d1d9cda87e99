// The whole connector on real links: public hostnames, private destinations, reload, drain, status.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { leftOpenBy, startPeer, startRefusing, use } from '@sallyport/testkit';
import { parseTunnelConfig, startAgent, type TunnelConfig } from '../../src/index.ts';
import { Recorder } from '../../../edge/test/support/recorder.ts';
import { listen, startOrigin } from '../public/support.ts';
import { askThrough, joined, startEdge, temporary, text, toCredentials, tunnelId } from './support.ts';

function toConfig(value: object): TunnelConfig {
  return parseTunnelConfig(JSON.stringify(value), { file: 'config.yml' }).config!;
}

const rule = (service: string): TunnelConfig => toConfig({ ingress: [{ service }] });

test(
  'a request for a public hostname reaches the origin and its response comes back',
  { timeout: 20_000 },
  async (t) => {
    const origin = await startOrigin(t, async (request, response) => {
      response.writeHead(201, { 'x-host': request.headers.host, trailer: 'x-sum' });
      response.write(await text(request));
      response.addTrailers({ 'x-sum': '1' });
      response.end();
    });
    const { edge } = await joined(t, { config: rule(origin.url) });
    const incoming = await askThrough(edge, { host: 'shop.test', method: 'POST', path: '/x' }, 'hello');
    assert.equal(incoming.statusCode, 201);
    assert.equal(incoming.headers['x-host'], 'shop.test');
    assert.equal(await text(incoming), 'hello');
    assert.equal(incoming.trailers['x-sum'], '1');
  },
);

test('16 MiB stream through a public hostname', { timeout: 20_000 }, async (t) => {
  const block = Buffer.alloc(1024 * 1024, 'x');
  const origin = await startOrigin(t, async (_request, response) => {
    for (let index = 0; index < 16; index += 1) if (!response.write(block)) await once(response, 'drain');
    response.end();
  });
  const { edge } = await joined(t, { config: rule(origin.url), links: 1 });
  let bytes = 0;
  for await (const chunk of await askThrough(edge)) bytes += (chunk as Buffer).length;
  assert.equal(bytes, 16 * 1024 * 1024);
});

test('a WebSocket opens through a public hostname and each end can end it', { timeout: 20_000 }, async (t) => {
  const server = createServer().on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  const port = await listen(t, server);
  const { edge } = await joined(t, { config: rule(`http://127.0.0.1:${port}`), links: 1 });
  const { stream } = await edge.registry.open(tunnelId, { hostname: 'a.test', port: 80, kind: 'http' });
  stream.write(
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\nping',
  );
  stream.setEncoding('latin1');
  let heard = '';
  stream.on('data', (chunk: string) => {
    heard += chunk;
    if (heard.endsWith('\r\n\r\nping')) stream.end('bye');
  });
  await once(stream, 'end');
  assert.match(heard, /^HTTP\/1\.1 101 [^]*\r\n\r\npingbye$/);
});

test(
  'an origin that breaks off resets the stream at the edge; a client that leaves ends the request',
  { timeout: 20_000 },
  async (t) => {
    let left: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (left = resolve));
    const origin = await startOrigin(t, (request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half');
      if (request.url === '/break') setImmediate(() => request.socket.resetAndDestroy());
      else response.once('close', () => left?.());
    });
    const { edge, log } = await joined(t, { config: rule(origin.url), links: 1 });
    await assert.rejects(askThrough(edge, { path: '/break' }).then(text));
    await log.next(({ fields }) => fields['code'] === 'connection_reset');
    const incoming = await askThrough(edge, { path: '/leave' });
    incoming.on('error', () => {}).destroy();
    await gone;
  },
);

test(
  'private destinations follow the announced routes; rules that name a host lead to this machine',
  { timeout: 20_000 },
  async (t) => {
    const peer = await use(t, startPeer('echo'));
    const config = toConfig({
      ingress: [{ hostname: 'db.internal', service: `tcp://127.0.0.1:${peer.port}` }, { service: 'http_status:404' }],
    });
    const { edge, log } = await joined(t, { config, links: 1, resolve: async () => [{ address: '127.0.0.1' }] });
    const [link] = edge.registry.links(tunnelId);
    link!.announce({ cidrs: ['0.0.0.0/0'], hostnames: ['rebind.internal'] });
    await log.next(({ message }) => message === 'Routes announced');
    const { stream } = await edge.registry.open(tunnelId, { hostname: 'db.internal', port: peer.port });
    stream.end('ping');
    assert.equal(await text(stream), 'ping');
    for (const hostname of ['127.0.0.1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'rebind.internal', '169.254.169.254']) {
      await assert.rejects(edge.registry.open(tunnelId, { hostname, port: peer.port }), { code: 'destination_denied' });
    }
    const refused = await log.next(({ message }) => message === 'Request failed');
    assert.deepEqual([refused.level, refused.fields['code']], ['warn', 'destination_denied']);
    assert.match(String(refused.fields['remedy']), /Add a route .* or allow it/);
  },
);

test('why a private destination cannot be reached arrives at the edge', { timeout: 20_000 }, async (t) => {
  const refusing = await use(t, startRefusing());
  const config = toConfig({
    ingress: [{ service: 'hello_world' }],
    'private-network': { allow: ['127.0.0.1', 'nobody.invalid'] },
  });
  const { edge } = await joined(t, { config, links: 1 });
  const open = (hostname: string): Promise<unknown> => edge.registry.open(tunnelId, { hostname, port: refusing.port });
  await assert.rejects(open('127.0.0.1'), { code: 'connection_refused' });
  await assert.rejects(open('nobody.invalid'), { code: 'dns_error' });
  await assert.rejects(open('10.0.0.1'), { code: 'destination_denied' });
});

test(
  'a valid new file holds for new streams and drops none; an invalid one changes nothing',
  { timeout: 20_000 },
  async (t) => {
    const one = await startOrigin(t, (_request, response) => response.end('one'));
    const two = await startOrigin(t, (_request, response) => response.end('two'));
    const peer = await use(t, startPeer('echo'));
    const configFile = join(await temporary(t), 'config.yml');
    const write = (service: string, more = ''): Promise<void> =>
      writeFile(
        configFile,
        `ingress:\n  - hostname: db.internal\n    service: tcp://127.0.0.1:${peer.port}\n  - service: ${service}\n${more}`,
      );
    await write(one.url);
    const { edge, agent, log } = await joined(t, { configFile, links: 1 });
    const { stream } = await edge.registry.open(tunnelId, { hostname: 'db.internal', port: peer.port });
    assert.equal(await text(await askThrough(edge)), 'one');

    await write(two.url);
    agent.reload();
    assert.equal(await text(await askThrough(edge)), 'two');

    for (const broken of ['ingress: [', 'nonsense', '', 'ingress:\n  - service: nope\n']) {
      await writeFile(configFile, broken);
      agent.reload();
      const complaint = await log.next(({ message }) => message.includes('not used'));
      assert.match(String(complaint.fields['error']), /config\.yml/);
      assert.match(String(complaint.fields['remedy']), /ingress validate/);
      assert.equal(await text(await askThrough(edge)), 'two');
    }
    await write(one.url, 'originRequest:\n  caPool: /nowhere\n');
    agent.reload();
    await log.next(
      ({ message, fields }) => message.includes('not used') && String(fields['error']).includes('/nowhere'),
    );
    assert.equal(await text(await askThrough(edge)), 'two');

    stream.end('still here');
    assert.equal(await text(stream), 'still here');
    assert.equal(agent.live, 1);
  },
);

test('/ready, /metrics, /config and /healthcheck say how it is', { timeout: 20_000 }, async (t) => {
  const config = rule('http://user:password@127.0.0.1:1');
  const { agent, edge } = await joined(t, { config, links: 2 });
  const { host, port } = agent.metricsAddress!;
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(`http://${host}:${port}${path}`);
    return { status: response.status, body: await response.text() };
  };
  const ready = await get('/ready');
  assert.equal(ready.status, 200);
  assert.deepEqual(JSON.parse(ready.body), { status: 200, readyConnections: 2, connectorId: agent.connectorId });
  assert.deepEqual(await get('/healthcheck'), { status: 200, body: 'OK\n' });
  const { body } = await get('/metrics');
  assert.match(body, /^sallyport_tunnel_ha_connections 2$/m);
  assert.match(body, /^sallyport_tunnel_tunnel_register_success 2$/m);
  assert.match(body, /^# TYPE sallyport_proxy_connect_latency histogram$/m);
  const shown = await get('/config');
  assert.match(shown.body, /127\.0\.0\.1:1/);
  assert.doesNotMatch(shown.body, /password/);
  assert.equal((await get('/other')).status, 404);
  assert.equal((await fetch(`http://${host}:${port}/ready`, { method: 'POST' })).status, 405);

  await edge.close();
  while ((await get('/ready')).status !== 503);
  assert.equal(agent.live, 0);
});

test(
  'a metrics address that is taken is an error with a remedy; without one, the next port is taken',
  { timeout: 20_000 },
  async (t) => {
    const { agent } = await joined(t, { links: 1 });
    const { port } = agent.metricsAddress!;
    const edge = await startEdge(t);
    const credentials = await toCredentials(edge);
    const failed = startAgent({ credentials, metrics: { host: '127.0.0.1', port } });
    await assert.rejects(failed, { code: 'status_address', remedy: /--metrics/ });
    const first = await use(t, startAgent({ credentials, links: 1 }));
    const second = await use(t, startAgent({ credentials, links: 1 }));
    assert.notEqual(first.metricsAddress?.port, second.metricsAddress?.port);
  },
);

test(
  'closing lets running connections finish, takes no new ones, and leaves nothing open',
  { timeout: 20_000 },
  async (t) => {
    const peer = await use(t, startPeer('echo'));
    const edge = await startEdge(t);
    const credentials = await toCredentials(edge);
    const origin = await startOrigin(t, (_request, response) => response.end('ok'));
    const left = await leftOpenBy(async () => {
      const log = new Recorder<string>();
      const agent = await startAgent({
        credentials,
        links: 1,
        config: toConfig({ ingress: [{ service: origin.url }], 'private-network': { allow: ['127.0.0.1'] } }),
        metrics: { host: '127.0.0.1', port: 0 },
        log: (_level, message) => log.add(message),
      });
      await log.next((message) => message.startsWith('Registered'));
      const { stream } = await edge.registry.open(tunnelId, { hostname: '127.0.0.1', port: peer.port });
      assert.equal(await text(await askThrough(edge, { headers: { connection: 'close' } })), 'ok');
      const closed = agent.close();
      stream.write('one more');
      await once(stream, 'readable');
      await assert.rejects(edge.registry.open(tunnelId, { hostname: '127.0.0.1', port: peer.port }), {
        code: 'no_link',
      });
      stream.end();
      assert.equal(await text(stream), 'one more');
      await closed;
    });
    assert.deepEqual(left, []);
  },
);

test(
  'requests that come while the connector drains are answered, and no connection is used again',
  { timeout: 20_000 },
  async (t) => {
    const origin = await startOrigin(t, (_request, response) => response.end('ok'));
    const peer = await use(t, startPeer('echo'));
    const config = toConfig({
      ingress: [{ hostname: 'db.internal', service: `tcp://127.0.0.1:${peer.port}` }, { service: origin.url }],
    });
    const { edge, agent } = await joined(t, { config, links: 1 });
    const { stream } = await edge.registry.open(tunnelId, { hostname: 'a.test', port: 80, kind: 'http' });
    stream.setEncoding('latin1').on('error', () => {});
    const ask = async (): Promise<string> => {
      stream.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const [chunk] = (await once(stream, 'data')) as [string];
      return chunk;
    };
    assert.match(await ask(), /^HTTP\/1\.1 200 OK\r\n(?=[^]*Connection: keep-alive)/);
    const { stream: idle } = await edge.registry.open(tunnelId, { hostname: 'a.test', port: 80, kind: 'http' });
    const ended = once(idle.resume(), 'end');
    const closed = agent.close();
    assert.match(await ask(), /^HTTP\/1\.1 200 OK\r\n(?=[^]*Connection: close)/);
    await once(stream.resume(), 'end');
    stream.end();
    await ended;
    idle.end();
    await closed;
  },
);
