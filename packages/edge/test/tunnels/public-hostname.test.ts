// Public host names: HTTP from the edge's listener to a service beside a connector.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startOrigin, startTunnelBench, type TunnelBench } from '../support/tunnel-bench.ts';

const worker = `export default { fetch: () => new Response('the Worker') };`;

async function serve(t: TestContext, handler: Parameters<typeof startOrigin>[1]) {
  const { port, server } = await startOrigin(t, handler);
  const bench = await startTunnelBench(t, worker);
  const { tunnelId, agent } = await bench.join(
    'office',
    `ingress:
  - hostname: app.example.com
    service: http://127.0.0.1:${port}
  - service: http_status:404`,
  );
  await bench.tunnels.control.routes.publicHostnames.create({ hostname: '*.example.com', tunnel_id: tunnelId });
  return { bench, server, agent, tunnelId };
}

function ask(bench: TunnelBench, options: RequestOptions = {}): ReturnType<typeof request> {
  return request(bench.server.url, { ...options, headers: { host: 'app.example.com', ...options.headers } });
}

async function answerOf(asked: ReturnType<typeof request>): Promise<{ answer: IncomingMessage; body: string }> {
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  return { answer, body };
}

test('the host decides: the tunnel, its other rules, or the Worker', async (t) => {
  const { bench } = await serve(t, (incoming, response) => response.end(`${incoming.headers.host} ${incoming.url}`));
  assert.equal((await answerOf(ask(bench, { path: '/a?b' }).end())).body, 'app.example.com /a?b');
  const other = await answerOf(ask(bench, { headers: { host: 'other.example.com' } }).end());
  assert.equal(other.answer.statusCode, 404);
  assert.equal(await bench.text('/'), 'the Worker');
});

test('a host name has no case, and may end in a dot', async (t) => {
  const { bench } = await serve(t, (incoming, response) => response.end(incoming.headers.host));
  for (const host of ['APP.example.com', 'app.example.com.', 'App.Example.Com:80']) {
    const { answer, body } = await answerOf(ask(bench, { headers: { host } }).end());
    assert.deepEqual([answer.statusCode, body], [200, host]);
  }
});

test('a WebSocket whose client goes leaves nothing behind, also when the origin keeps its half open', async (t) => {
  const { bench, server, tunnelId } = await serve(t, (_incoming, response) => response.end());
  server.on('upgrade', (_incoming, socket: Socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.resume();
  });
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const asked = ask(bench, { headers: { ...headers, 'sec-websocket-version': '13' } }).end();
  const [, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, Socket];
  const [link] = bench.tunnels.registry.links(tunnelId);
  assert.equal(link?.streams, 1);
  const closed = once(socket, 'close');
  socket.end();
  socket.resume();
  await closed;
  while (link.streams > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a body of 16 MiB arrives whole, and so does its echo with trailers', async (t) => {
  const { bench } = await serve(t, (incoming, response) => {
    response.writeHead(200, { trailer: 'x-hash' });
    const hash = createHash('sha256');
    incoming.on('data', (chunk: Buffer) => hash.update(chunk));
    incoming.on('end', () => response.addTrailers({ 'x-hash': hash.digest('hex') }));
    incoming.pipe(response);
  });
  const chunk = Buffer.alloc(64 * 1024, 'abc');
  const sent = createHash('sha256');
  const asked = ask(bench, { method: 'POST' });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  const upload = (async () => {
    for (let count = 0; count < 256; count += 1) {
      sent.update(chunk);
      if (!asked.write(chunk)) await once(asked, 'drain');
    }
    asked.end();
  })();
  const [answer] = await answered;
  const received = createHash('sha256');
  for await (const part of answer) received.update(part as Buffer);
  await upload;
  const expected = sent.digest('hex');
  assert.equal(received.digest('hex'), expected);
  assert.equal(answer.trailers['x-hash'], expected);
});

test('events of a stream arrive one by one', async (t) => {
  const more = new EventEmitter();
  const { bench } = await serve(t, (_incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    more.once('wanted', () => response.end('data: 2\n\n'));
  });
  const [answer] = (await once(ask(bench).end(), 'response')) as [IncomingMessage];
  const [first] = (await once(answer, 'data')) as [Buffer];
  assert.equal(String(first), 'data: 1\n\n');
  more.emit('wanted');
  const [second] = (await once(answer, 'data')) as [Buffer];
  assert.equal(String(second), 'data: 2\n\n');
});

test('a WebSocket is joined, and bytes go both ways', async (t) => {
  const { bench, server } = await serve(t, (_incoming, response) => response.end());
  server.on('upgrade', (incoming, socket: Socket) => {
    const accept = createHash('sha1')
      .update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const key = Buffer.alloc(16, 1).toString('base64');
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
  };
  const [answer, socket] = (await once(ask(bench, { headers }).end(), 'upgrade')) as [IncomingMessage, Socket];
  assert.equal(answer.statusCode, 101);
  assert.ok(answer.headers['sec-websocket-accept']);
  socket.write('frames');
  const [echo] = (await once(socket, 'data')) as [Buffer];
  assert.equal(String(echo), 'frames');
  socket.destroy();
});

test('a client that goes ends the request at the origin', async (t) => {
  let gone: () => void;
  const ended = new Promise<void>((resolve) => (gone = resolve));
  const { bench } = await serve(t, (_incoming, response) => {
    response.on('close', () => gone());
    response.write('begun');
  });
  const asked = ask(bench).end();
  asked.on('error', () => {});
  await once(asked, 'response');
  asked.destroy();
  await ended;
});

test('without a connector the answer says so', async (t) => {
  const { bench, agent } = await serve(t, (_incoming, response) => response.end());
  await agent.close(0);
  await bench.tunnelEvents.next((event) => event.type === 'link-closed');
  const { answer, body } = await answerOf(ask(bench).end());
  assert.equal(answer.statusCode, 502);
  assert.match(body, /No connector of this tunnel is connected[\s\S]*sallyport tunnel run/);
});

test('invented names below a wildcard share the connections of the tunnel', async (t) => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const { bench, tunnelId } = await serve(t, (incoming, response) => response.end(incoming.headers.host));
  for (let index = 0; index < 50; index += 1) {
    const { answer } = await answerOf(ask(bench, { headers: { host: `${index}.example.com` } }).end());
    assert.equal(answer.statusCode, 404);
    assert.equal((await answerOf(ask(bench).end())).body, 'app.example.com');
  }
  assert.deepEqual(
    bench.tunnels.registry.links(tunnelId).map((link) => link.streams),
    [1],
  );
  assert.deepEqual(warnings, [], 'a connection that is used again gathers no listeners');
});

test('an origin is told who asked, behind what proxies in front of the edge have said', async (t) => {
  const { bench } = await serve(t, ({ headers }, response) => {
    response.end([headers['x-forwarded-for'], headers['cf-connecting-ip']].join(' | '));
  });
  assert.equal((await answerOf(ask(bench).end())).body, '127.0.0.1 | 127.0.0.1');
  const headers = { 'x-forwarded-for': '192.0.2.7', 'cf-connecting-ip': '192.0.2.8' };
  assert.equal((await answerOf(ask(bench, { headers }).end())).body, '192.0.2.7, 127.0.0.1 | 127.0.0.1');
});
