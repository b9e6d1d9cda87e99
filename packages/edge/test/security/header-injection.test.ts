// Line ends and other syntax inside addresses, paths and names, by every door that a Worker or an operator has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { startTestGateway } from '../gateway/support/client.ts';
import { config, startBench } from '../support/dev-bench.ts';
import { startTunnelBench } from '../support/tunnel-bench.ts';
import { startVpcBench } from '../support/vpc-bench.ts';

const flags = { compatibility_flags: ['nodejs_compat'] };

/** What an attacker would have in a host name: syntax of HTTP, of URLs, of C, of a log. */
const payloads = [
  'a\r\nX-Injected: 1',
  'a\nX-Injected: 1',
  'a\rX-Injected: 1',
  'a X-Injected:1',
  'a:80 HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET /smuggled',
  'a\0X-Injected',
  'a\u2028X-Injected: 1',
  'a\u010d\u010aX-Injected: 1',
  'a%0d%0aX-Injected: 1',
  'a/../X-Injected',
  'a?X-Injected',
  'a#X-Injected',
  'X-Injected@127.0.0.1',
  'a\u001b]0;X-Injected\u0007',
  '${X-Injected}',
];

const worker = `import { connect } from 'cloudflare:sockets';
import net from 'node:net'; import tls from 'node:tls'; import http from 'node:http'; import dns from 'node:dns/promises';
const once = (stream, names) => new Promise((resolve) => { for (const name of names) stream.on(name, (value) => resolve(name === 'error' ? 'refused' : name)); });
const doors = {
  socket: ({ host, port }) => connect({ hostname: host, port }).opened,
  text: ({ host, port }) => connect(host + ':' + port).opened,
  sni: async ({ host, port }) => { await connect({ hostname: '127.0.0.1', port }, { secureTransport: 'on', sni: host }).opened; },
  fetch: ({ host, port }) => fetch('http://' + host + ':' + port + '/'),
  net: ({ host, port }) => once(net.connect({ host, port }), ['connect', 'error']),
  tls: ({ host, port }) => once(tls.connect({ host: '127.0.0.1', port, servername: host }), ['secureConnect', 'error']),
  http: ({ host, port }) => once(http.get({ host, port }), ['response', 'error']),
  dns: ({ host }) => dns.lookup(host),
};
export default { async fetch(request, env) {
  const { door, ...asked } = await request.json();
  const silence = new Promise((resolve) => setTimeout(resolve, 2000, 'silence'));
  try { return Response.json((await Promise.race([doors[door](asked), silence])) ?? 'open'); }
  catch (error) { return Response.json('refused'); }
} };`;

test('no host name holds a line or a field, whichever way it is connected to', { timeout: 60_000 }, async (t) => {
  const peer = await use(t, startPeer('silent'));
  const bench = await startBench(t, { 'wrangler.json': config(flags), 'src/index.js': worker });
  for (const door of ['socket', 'text', 'fetch', 'net', 'http', 'dns', 'sni', 'tls']) {
    for (const host of payloads) {
      // Where nothing is in front of the payload, a URL's user name and a path are those of the right server.
      if (/^(?:text|fetch)$/.test(door) && /[@/?#%]/.test(host)) continue;
      const body = JSON.stringify({ door, host, port: peer.port });
      const told = await (await bench.ask('/', { method: 'POST', body })).json();
      if (door !== 'sni' && door !== 'tls') assert.equal(told, 'refused', `${door} ${JSON.stringify(host)}`);
    }
  }
  assert.doesNotMatch(peer.received.toString('latin1'), /X-Injected:|smuggled/);
});

test('a host of node:http is no URL: what a program has checked about its end is so', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const bench = await startBench(t, { 'wrangler.json': config(flags), 'src/index.js': worker });
  for (const end of ['#', '/', '?', '\\\\', `:${peer.port}/`, ':80#', '/@', '%23']) {
    for (const host of [`127.0.0.1${end}.allowed.example`, `allowed.example@127.0.0.1`]) {
      const body = JSON.stringify({ door: 'http', host, port: peer.port });
      assert.equal(await (await bench.ask('/', { method: 'POST', body })).json(), 'refused', host);
    }
  }
  assert.equal(peer.connections, 0);
});

test('paths, methods and fields of node:http hold one line each', { timeout: 60_000 }, async (t) => {
  const heard = await use(
    t,
    startPeer((socket) => void socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))),
  );
  const bench = await startBench(t, {
    'wrangler.json': config(flags),
    'src/index.js': `import http from 'node:http';
export default { async fetch(request) {
  const { options, fields } = await request.json();
  return new Response(await new Promise((resolve) => {
    try {
      const asked = http.request({ host: '127.0.0.1', port: ${heard.port}, ...options }, (answer) => { answer.resume(); resolve('answered'); });
      asked.on('error', () => resolve('refused'));
      for (const [name, value] of Object.entries(fields ?? {})) asked.setHeader(name, value);
      asked.end();
    } catch { resolve('refused'); }
  }));
} };`,
  });
  const line = '\r\nX-Injected: 1\r\n\r\nGET /smuggled HTTP/1.1\r\n';
  for (const asked of [
    { options: { path: `/a${line}` } },
    { options: { path: `/a HTTP/1.1${line}` } },
    { options: { method: `GET / HTTP/1.1${line}` } },
    { options: { headers: { 'x-a': `b${line}` } } },
    { options: { headers: { [`x-a${line}`]: 'b' } } },
    { options: { headers: { host: `b${line}` } } },
    { options: { auth: `user${line}:b` } },
    { fields: { 'x-a': `b${line}` } },
    { fields: { 'x-a': 'b\u010d\u010aX-Injected: 1' } },
  ]) {
    await bench.ask('/', { method: 'POST', body: JSON.stringify(asked) });
  }
  assert.doesNotMatch(heard.received.toString('latin1'), /\nX-Injected|\n?GET \/smuggled/i);
});

test('the URL of a private service is its Host, never a line of its own', { timeout: 60_000 }, async (t) => {
  const peer = await use(
    t,
    startPeer((socket) => void socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))),
  );
  const source = `export default { async fetch(request, env) {
  try { return await env.API.fetch(await request.text()); } catch { return new Response('refused'); }
} };`;
  const bench = await startVpcBench(t, source, { http_port: peer.port });
  for (const payload of payloads) await (await bench.ask('/', { method: 'POST', body: `http://${payload}/p` })).text();
  for (const payload of payloads) {
    await (await bench.ask('/', { method: 'POST', body: `http://api/${payload}` })).text();
  }
  const lines = peer.received.toString('latin1').split('\r\n');
  assert.ok(lines.length > 10);
  for (const line of lines) assert.match(line, /^(?:GET \/[!-~]* HTTP\/1\.1|Host: [!-~]+|[\w-]+: [ -~]*)?$/i, line);
  assert.doesNotMatch(lines.join('\n'), /^(?:x-injected:|get \/smuggled)/im);
});

test('a CONNECT and a URL at the gateway hold one authority', async (t) => {
  const peer = await use(t, startPeer('silent'));
  const gateway = await startTestGateway(t);
  for (const authority of [
    `127.0.0.1:${peer.port}@elsewhere.example:80`,
    `elsewhere.example:80@127.0.0.1:${peer.port}`,
    `127.0.0.1:${peer.port}#:80`,
    `127.0.0.1%0d%0a:${peer.port}`,
    `127.0.0.1\t:${peer.port}`,
    `127.0.0.1,a:${peer.port}`,
  ]) {
    const client = await gateway.dial();
    client.say(`CONNECT ${authority} HTTP/1.1\r\n\r\n`);
    await client.ended;
    assert.ok(client.status >= 400, authority);
  }
  assert.equal(peer.connections, 0);
});

test('what an operator calls things cannot become part of a request', async (t) => {
  const bench = await startTunnelBench(t, 'export default { fetch: () => new Response() };');
  const { controlUrl, controlToken } = bench.tunnels;
  const post = async (path: string, body: object): Promise<number> => {
    const authorization = `Bearer ${controlToken}`;
    const answer = await fetch(`${controlUrl}/accounts/default/${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await answer.text();
    return answer.status;
  };
  const { id } = await bench.tunnels.control.tunnels.create({ name: 'office' });
  for (const host of payloads) {
    const service = {
      name: 'x',
      type: 'http',
      http_port: 80,
      host: { hostname: host, resolver_network: { tunnel_id: id } },
    };
    assert.equal(await post('connectivity/directory/services', service), 400, `service ${JSON.stringify(host)}`);
    const origin = { scheme: 'postgresql', host, port: 5432, user: 'u', password: 'p', database: 'd' };
    assert.equal(await post('hyperdrive/configs', { name: 'x', origin }), 400, `database ${JSON.stringify(host)}`);
    assert.equal(
      await post('zerotrust/routes/hostname', { hostname: host, tunnel_id: id }),
      400,
      `route ${JSON.stringify(host)}`,
    );
  }
});
