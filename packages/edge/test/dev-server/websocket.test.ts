// WebSockets into a Worker through the front, and out of it through the gateway.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startRefusing, use } from '@sallyport/testkit';
import { startBench } from '../support/dev-bench.ts';
import { startWebSocketServer, talkTo } from '../support/websocket.ts';

const echo = `export default { fetch(request) {
  if (request.headers.get('upgrade') !== 'websocket') return new Response('no websocket', { status: 426 });
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.send('from ' + request.headers.get('cf-connecting-ip'));
  server.addEventListener('message', ({ data }) => data === 'bye' ? server.close(4001, 'bye') : server.send('echo ' + data));
  server.addEventListener('close', ({ code }) => console.log('closed ' + code));
  return new Response(null, { status: 101, webSocket: client });
} };`;

test('a WebSocket into the Worker talks both ways and closes with its code', async (t) => {
  const bench = await startBench(t, echo);
  const talk = await talkTo(t, bench.server.url, { 'cf-connecting-ip': '6.6.6.6' });
  assert.equal(await talk.hear(), 'from 127.0.0.1');
  talk.say('one');
  assert.equal(await talk.hear(), 'echo one');
  const request = await bench.requests.next(() => true);
  assert.deepEqual([request.method, request.status], ['GET', 101]);
  talk.say('bye');
  assert.equal(await talk.hear(), 'close 4001');
});

test('a client that vanishes closes the WebSocket in the Worker', async (t) => {
  const bench = await startBench(t, echo);
  const talk = await talkTo(t, bench.server.url);
  await talk.hear();
  talk.stream.destroy();
  await bench.log('closed 1006');
});

test('an upgrade the Worker refuses is an answer, and nothing gets behind the front with it', async (t) => {
  const bench = await startBench(
    t,
    `export default { fetch: (request) => new Response(request.url, { status: 403 }) };`,
  );
  await assert.rejects(talkTo(t, bench.server.url), /answered 403/);
  const raw = connect(Number(new URL(bench.server.url).port), '127.0.0.1');
  t.after(() => void raw.destroy());
  const head =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  raw.write(`GET /first HTTP/1.1\r\n${head}GET /second HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: 6.6.6.6\r\n\r\n`);
  let heard = '';
  for await (const chunk of raw) heard += String(chunk);
  assert.match(heard, /^HTTP\/1\.1 403 [\s\S]*\/first/);
  assert.ok(!heard.includes('/second'), heard);
});

test('an open WebSocket does not hold a reload up, and ends with the old version', async (t) => {
  const bench = await startBench(t, echo);
  await bench.event('ready');
  const talk = await talkTo(t, bench.server.url);
  await talk.hear();
  await bench.write({ 'src/index.js': `export default { fetch: () => new Response('new') };` });
  const { took } = await bench.event('ready');
  assert.ok(took < 900, `the reload took ${took.toFixed(0)} ms`);
  assert.equal(await bench.text('/'), 'new');
  const last = await talk.hear();
  assert.ok(last === undefined || last.startsWith('close '), last);
});

test('closing the server ends open WebSockets at once', async (t) => {
  const bench = await startBench(t, echo);
  const talk = await talkTo(t, bench.server.url);
  await talk.hear();
  const ended = talk.hear();
  await bench.server.close();
  assert.equal(await ended, undefined);
});

const outward = `export default { async fetch(request, env) {
  const response = await fetch(env.TO, { headers: { upgrade: 'websocket' } });
  const { webSocket } = response;
  if (!webSocket) return new Response('no: ' + response.status + ' ' + await response.text(), { status: 502 });
  webSocket.accept();
  const heard = new Promise((resolve) => webSocket.addEventListener('message', ({ data }) => resolve(data), { once: true }));
  const closed = new Promise((resolve) => webSocket.addEventListener('close', ({ code }) => resolve(code)));
  webSocket.send('hello from a Worker');
  const first = await heard;
  webSocket.send('bye');
  return Response.json([first, await closed]);
} };`;

test('a WebSocket out of the Worker goes through the gateway', async (t) => {
  const url = await startWebSocketServer(t, async (talk) => {
    talk.say(`you said ${await talk.hear()}`);
    if ((await talk.hear()) === 'bye') talk.close(4002);
  });
  const bench = await startBench(t, outward, { vars: { TO: `${url}/chat` } });
  assert.deepEqual(JSON.parse(await bench.text('/')), ['you said hello from a Worker', 4002]);
  const event = await bench.gateway.next(() => true);
  assert.deepEqual([event.kind, event.destination, event.status], ['websocket', new URL(url).host, 101]);
});

test('a WebSocket out of the Worker that is not agreed to is an answer', async (t) => {
  const refusing = await use(t, startRefusing());
  const bench = await startBench(t, outward, { vars: { TO: `http://${refusing.address}/` } });
  const response = await bench.ask('/');
  assert.match(await response.text(), /^no: 521 error code: 521/);
  const event = await bench.gateway.next(() => true);
  assert.deepEqual([event.kind, event.code], ['websocket', 'connection_refused']);
});
