// What HTTP has, through a service: bodies both ways, WebSockets, abort, redirects; and what nobody may do with it.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startOrigin } from '../support/tunnel-bench.ts';
import { startVpcBench } from '../support/vpc-bench.ts';
import { startWebSocketServer } from '../support/websocket.ts';

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('bodies stream both ways, whole and with backpressure', async (t) => {
  const { port } = await startOrigin(t, (request, response) => void request.pipe(response));
  const bench = await startVpcBench(
    t,
    `export default { fetch: (request, env) => env.API.fetch('http://x/', { method: 'POST', body: request.body }) };`,
    { http_port: port },
  );
  const sent = randomBytes(5_000_000);
  const response = await bench.ask('/', { method: 'POST', body: sent });
  const received = Buffer.from(await response.arrayBuffer());
  assert.equal(sum(received), sum(sent));
});

test('a chunk arrives before the body is over, and an aborted request ends at the service', async (t) => {
  const { server, port } = await startOrigin(t, (_, response) => void response.write('first'));
  const bench = await startVpcBench(
    t,
    `export default { async fetch(request, env) {
      const controller = new AbortController();
      const response = await env.API.fetch('http://x/', { signal: controller.signal });
      const { value } = await response.body.getReader().read();
      controller.abort();
      return new Response(value);
    } };`,
    { http_port: port },
  );
  const ended = new Promise((resolve) =>
    server.once('request', (request) => request.once('close', () => resolve('ended'))),
  );
  assert.equal(await bench.text('/'), 'first');
  assert.equal(await ended, 'ended');
});

test('a request whose signal fires before the answer is in the log', async (t) => {
  const { server, port } = await startOrigin(t, () => {});
  const bench = await startVpcBench(
    t,
    `export default { async fetch(request, env) {
      const controller = new AbortController();
      const upgrade = new URL(request.url).pathname === '/socket' ? { upgrade: 'websocket' } : {};
      const asked = env.API.fetch('http://x/', { signal: controller.signal, headers: upgrade });
      // Until the service has the request.
      await fetch('http://127.0.0.1:' + request.headers.get('port') + '/');
      controller.abort();
      return asked.then(() => new Response('answered'), (error) => new Response(error.name));
    } };`,
    { http_port: port },
  );
  const came: (() => void)[] = [];
  const { port: gate } = await startOrigin(t, (_, response) => void came.push(() => response.end()));
  const onRequest = (): void => {
    const open = setInterval(() => {
      if (came.length === 0) return;
      clearInterval(open);
      came.pop()!();
    }, 5);
  };
  server.on('request', onRequest).on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    onRequest();
  });
  for (const [path, kind] of [
    ['/', 'fetch'],
    ['/socket', 'websocket'],
  ] as const) {
    const response = await bench.ask(path, { headers: { port: String(gate) } });
    assert.equal(await response.text(), 'AbortError');
    const event = await bench.gateway.next((each) => each.binding === 'API' && each.kind === kind);
    assert.deepEqual([event.code, event.destination], ['aborted', `api.internal:${port}`]);
    assert.match(event.remedy ?? '', /signal/);
  }
});

test('a WebSocket talks to the service', async (t) => {
  const url = await startWebSocketServer(t, (talk) => {
    talk.say(`hello ${talk.handshake.headers.host} ${talk.handshake.url}`);
  });
  const bench = await startVpcBench(
    t,
    `export default { async fetch(request, env) {
      const { webSocket } = await env.API.fetch('http://chat.example/room', { headers: { upgrade: 'websocket' } });
      webSocket.accept();
      const { data } = await new Promise((resolve) => webSocket.addEventListener('message', resolve));
      webSocket.close();
      return new Response(data);
    } };`,
    { http_port: Number(new URL(url).port) },
  );
  assert.equal(await bench.text('/'), 'hello chat.example /room');
  const event = await bench.gateway.next(({ kind }) => kind === 'websocket');
  assert.deepEqual([event.binding, event.status], ['API', 101]);
});

test('a redirect is followed by the binding it came by, to the same service', async (t) => {
  const seen: string[] = [];
  const { port } = await startOrigin(t, (request, response) => {
    seen.push(`${request.headers.host}${request.url}`);
    const location = request.url === '/start' ? 'http://169.254.169.254/latest/meta-data' : undefined;
    response
      .writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location })
      .end('the service');
  });
  const bench = await startVpcBench(
    t,
    `export default { async fetch(request, env) {
      const followed = await (await env.API.fetch('http://x/start')).text();
      const manual = await env.API.fetch('http://x/start', { redirect: 'manual' });
      return Response.json([followed, manual.status]);
    } };`,
    { http_port: port },
  );
  assert.deepEqual(JSON.parse(await bench.text('/')), ['the service', 302]);
  assert.deepEqual(seen, ['x/start', '169.254.169.254/latest/meta-data', 'x/start']);
});

test('headers cannot frame another request, nor change where this one goes', async (t) => {
  const seen: { url: string; host: string; names: string[]; body: string }[] = [];
  const { port } = await startOrigin(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { host = '', ...rest } = request.headers;
    seen.push({ url: request.url!, host, names: Object.keys(rest), body });
    response.end();
  });
  const bench = await startVpcBench(
    t,
    `export default { async fetch(request, env) {
      const tries = [
        () => env.API.fetch('http://a/1', { headers: { host: 'evil', 'x-forwarded-host': 'evil' } }),
        () => env.API.fetch('http://a/2', { method: 'POST', body: 'abc', headers: { 'transfer-encoding': 'chunked', connection: 'x-hop', 'x-hop': '1' } }),
        () => env.API.fetch('http://a/3', { headers: { 'x-long': 'a'.repeat(60000) } }),
        () => env.API.fetch('http://a/4', { headers: { 'x-split': 'a\\r\\nHost: evil' } }),
        () => env.API.fetch('http://a/5 HTTP/1.1\\r\\nHost: evil\\r\\n\\r\\nGET /6', {}),
        () => env.API.fetch('http://a@b:1\\\\@c/7'),
        () => env.API.fetch('ftp://a/8'),
      ];
      const out = [];
      for (const one of tries) out.push(await one().then(async (r) => r.status + ' ' + await r.text(), (e) => e.name));
      return Response.json(out);
    } };`,
    { http_port: port },
  );
  const outcomes = JSON.parse(await bench.text('/')) as string[];
  assert.deepEqual(outcomes, ['200 ', '200 ', '431 ', 'TypeError', '200 ', '200 ', 'TypeError']);
  assert.deepEqual(
    seen.map(({ url, host, body }) => `${host} ${url} ${body}`),
    ['a /1 ', 'a /2 abc', 'a /5%20HTTP/1.1Host:%20evilGET%20/6 ', 'b:1 /@c/7 '],
  );
  assert.deepEqual(seen[0]!.names, ['x-forwarded-host', 'connection']);
});
