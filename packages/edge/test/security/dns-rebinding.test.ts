// DNS rebinding: names that lead elsewhere the second time they are asked for, for Workers on their way out and for web
// pages on their way in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { createEgress, type Resolve, workerPolicy } from '@sallyport/egress';
import { startPeer, use } from '@sallyport/testkit';
import { startMetricsServer } from '../../src/metrics/metrics-server.ts';
import { startTestGateway } from '../gateway/support/client.ts';
import { startBench } from '../support/dev-bench.ts';
import { read } from '../support/origin.ts';
import { startTunnelBench } from '../support/tunnel-bench.ts';

/** What a browser sends for a page of this name, whatever address the name has by now. */
const pages = ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', '169.254.1.1'];

async function ask(
  port: number,
  headers: Record<string, string>,
  path = '/',
): Promise<{ status: number; text: string }> {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [AsyncIterable<Uint8Array> & { statusCode: number }];
  return { status: answer.statusCode, text: String(await read(answer)) };
}

/** The status that an attempt to open a WebSocket is answered with. */
async function upgrade(port: number, path: string, headers: Record<string, string>): Promise<number> {
  const key = { 'sec-websocket-key': 'AQIDBAUGBwgJCgsMDQ4PEA==', 'sec-websocket-version': '13' };
  const fields = { connection: 'Upgrade', upgrade: 'websocket', ...key, ...headers };
  const asked = request({ host: '127.0.0.1', port, path, headers: fields, agent: false }).end();
  return new Promise((resolve, reject) => {
    asked.on('error', reject);
    asked.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(101);
    });
  });
}

test('no page reads the inspector of a Worker or talks to it; programs and debuggers do', async (t) => {
  const bench = await startBench(t, 'export default { fetch: () => new Response("hello") };', { inspectorPort: 0 });
  const port = bench.server.inspectorPort!;
  const own = `127.0.0.1:${port}`;
  for (const host of pages) assert.equal((await ask(port, { host }, '/json')).status, 403, host);
  const [target] = JSON.parse((await ask(port, { host: own }, '/json')).text) as { webSocketDebuggerUrl: string }[];
  const { pathname } = new URL(target!.webSocketDebuggerUrl);
  for (const host of pages) assert.equal(await upgrade(port, pathname, { host }), 403, host);
  for (const origin of ['https://evil.example', `http://${own}`, 'null', 'https://devtools.evil.example']) {
    assert.equal(await upgrade(port, pathname, { host: own, origin }), 403, origin);
  }
  assert.equal(await upgrade(port, pathname, { host: own }), 101);
  assert.equal(await upgrade(port, pathname, { host: own, origin: 'devtools://devtools' }), 101);
});

const script = (text: string): string => `import { connect } from 'cloudflare:sockets';
  export default { async fetch(request) {
    const to = new URL(request.url).searchParams.get('to');
    if (to === null) return new Response('${text}');
    return new Response((await connect(to).opened.catch((reason) => reason)).code ?? 'open');
  } };`;

test('an inspector keeps its port when its Worker changes, and the runtime has none that can be guessed', async (t) => {
  const bench = await startBench(t, script('one'), { inspectorPort: 0 });
  const { inspectorPort } = bench.server;
  await bench.write({ 'src/index.js': script('two') });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(await bench.text('/'), 'two');
  assert.equal(bench.server.inspectorPort, inspectorPort);
  const [target] = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as object[];
  assert.ok(target !== undefined);
  assert.equal(await bench.text(`/?to=127.0.0.1:${inspectorPort}`), 'tcp_loop');
});

test('no page reads metrics, of an edge or of a connector', async (t) => {
  const metrics = await startMetricsServer({ host: '127.0.0.1', port: 0 }, () => []);
  t.after(() => metrics.close());
  const bench = await startTunnelBench(t, 'export default { fetch: () => new Response() };');
  const { agent } = await bench.join('office', 'ingress: [{ service: "http://10.0.0.1" }]', {
    metrics: { host: '127.0.0.1', port: 0 },
  });
  const connector = agent.metricsAddress!.port;
  for (const [port, paths] of [
    [metrics.port, ['/metrics', '/healthcheck']],
    [connector, ['/metrics', '/config', '/ready', '/healthcheck']],
  ] as const) {
    for (const path of paths) {
      for (const host of pages)
        assert.deepEqual(await ask(port, { host }, path), { status: 403, text: '403 Forbidden\n' });
      for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:1']) {
        assert.equal((await ask(port, { host }, path)).status, 200, `${path} ${host}`);
      }
    }
  }
});

test('a control API says nothing to a page, which has no token', async (t) => {
  const bench = await startTunnelBench(t, 'export default { fetch: () => new Response() };');
  const port = Number(new URL(bench.tunnels.controlUrl).port);
  const origin = 'https://evil.example';
  const simple = await fetch(`${bench.tunnels.controlUrl}/accounts/default/cfd_tunnel`, {
    method: 'POST',
    headers: { origin, 'content-type': 'text/plain' },
    body: '{"name":"from a page"}',
  });
  assert.equal(simple.status, 401);
  assert.equal(simple.headers.get('access-control-allow-origin'), null);
  const preflight = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };
  const asked = await fetch(bench.tunnels.controlUrl, { method: 'OPTIONS', headers: preflight });
  assert.equal(asked.status, 401);
  assert.equal(asked.headers.get('access-control-allow-origin'), null);
  assert.equal((await ask(port, { host: 'evil.example' }, '/user/tokens/verify')).status, 401);
  assert.equal(bench.tunnels.control.tunnels.find('from a page'), undefined);
});

test('a name that changes between two look-ups opens nothing, by whichever door a Worker asks', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const inner = ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0', '169.254.169.254', '64:ff9b::7f00:1', '::'];
  let asked = 0;
  // Public for whoever looks, this machine for whoever connects.
  const resolve: Resolve = () => {
    asked += 1;
    const now = asked === 1 ? ['203.0.112.7'] : inner;
    return Promise.resolve(now.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  };
  const dialled: string[] = [];
  const egress = createEgress({
    policy: workerPolicy,
    resolve,
    dial: ({ address }) => {
      dialled.push(address);
      return Promise.reject(Object.assign(new Error('nobody there'), { code: 'EHOSTUNREACH' }));
    },
  });
  const gateway = await startTestGateway(t, { egress });
  const name = `rebind.example:${peer.port}`;
  for (const [text, status] of [
    [`GET http://${name}/ HTTP/1.1\r\nConnection: close\r\n\r\n`, 403],
    [`GET https://${name}/ HTTP/1.1\r\nConnection: close\r\n\r\n`, 403],
    [`GET http://${name}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 403],
    [`CONNECT ${name} HTTP/1.1\r\n\r\n`, 502],
  ] as const) {
    asked = 1;
    const client = await gateway.dial();
    client.say(text);
    await client.ended;
    assert.equal(client.status, status, text);
  }
  const socket = await gateway.dialSocket();
  socket.open(peer.port, { hostname: 'rebind.example' });
  assert.equal(((await socket.hears('failed')) as { code: string }).code, 'destination_denied');
  assert.deepEqual(dialled, []);
  // And the first answer, which is permitted, is what is dialled; nothing is asked again for it.
  asked = 0;
  const first = await gateway.dial();
  first.say(`CONNECT ${name} HTTP/1.1\r\n\r\n`);
  await first.ended;
  assert.deepEqual([dialled, asked], [['203.0.112.7'], 1]);
  assert.equal(peer.connections, 0);
});
