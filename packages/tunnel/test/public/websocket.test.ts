// WebSockets through a public hostname: the handshake as it is, then bytes as they are.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { get, listen, ruleFor, startFront, startOrigin, startRawOrigin, talk } from './support.ts';

const handshake = (fields: string[] = []): string =>
  [
    'GET /chat HTTP/1.1',
    'Host: a.test',
    'Connection: Upgrade, X-Hop',
    'Upgrade: websocket',
    'X-Hop: 1',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...fields,
    '',
    '',
  ].join('\r\n');

/** An origin that agrees and then echoes bytes. */
async function startEcho(t: TestContext): Promise<{ url: string; heads: string[]; sockets: Socket[] }> {
  const heads: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer().on('upgrade', (request, socket, head) => {
    heads.push(`${request.url} ${request.rawHeaders.join('|')}`);
    sockets.push(socket as Socket);
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    socket.write(
      `HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\nfirst`,
    );
    socket.write(head);
    socket.pipe(socket);
  });
  const port = await listen(t, server);
  return { url: `ws://127.0.0.1:${port}`, heads, sockets };
}

/** A connection, and a reader that waits for exactly so many characters. */
async function dial(t: TestContext, port: number): Promise<{ socket: Socket; hear: (end: string) => Promise<string> }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1');
  t.after(() => void socket.destroy());
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (chunk: string) => {
    heard += chunk;
    socket.emit('heard');
  });
  return {
    socket,
    async hear(end) {
      while (!heard.endsWith(end)) await once(socket, 'heard');
      return heard;
    },
  };
}

test('the handshake and what follows it go through, early bytes included', async (t) => {
  const origin = await startEcho(t);
  const front = await startFront(t, ruleFor(origin.url));
  const { socket, hear } = await dial(t, front.port);
  socket.write(`${handshake(['Sec-WebSocket-Protocol: a, b'])}early`);
  const answer = await hear('firstearly');
  assert.match(
    answer,
    /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n\r\n/,
  );
  assert.match(origin.heads[0]!, /^\/chat Host\|a\.test\|Sec-WebSocket-Key\|/);
  assert.doesNotMatch(origin.heads[0]!, /X-Hop/);
  socket.write(Buffer.alloc(100_000, 'z'));
  await hear('z'.repeat(100_000));
  socket.end('bye');
  await hear('bye');
  await once(socket, 'end');
  assert.match(front.metrics(), /response_by_code\{status_code="101"\} 1/);
});

test('a reset of either end reaches the other', async (t) => {
  const origin = await startEcho(t);
  const front = await startFront(t, ruleFor(origin.url));
  const first = await dial(t, front.port);
  first.socket.write(handshake());
  await first.hear('first');
  const reset = once(first.socket, 'error');
  origin.sockets[0]!.resetAndDestroy();
  assert.equal(((await reset) as NodeJS.ErrnoException[])[0]?.code, 'ECONNRESET');

  const second = await dial(t, front.port);
  second.socket.write(handshake());
  await second.hear('first');
  const closed = once(origin.sockets[1]!, 'error');
  second.socket.resetAndDestroy();
  assert.equal(((await closed) as NodeJS.ErrnoException[])[0]?.code, 'ECONNRESET');
});

test('an origin that declines is heard in its own words', async (t) => {
  const origin = await startRawOrigin(
    t,
    'HTTP/1.1 426 Upgrade Required\r\nX-Why: old\r\nContent-Length: 4\r\n\r\nnope',
  );
  const front = await startFront(t, ruleFor(origin.url));
  const answer = await talk(front.port, handshake());
  assert.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\nX-Why: old\r\n[^]*\r\n\r\nnope$/);
});

test('an origin that cannot be reached is a 502, and a rule without origin answers as ever', async (t) => {
  const front = await startFront(t, ruleFor('http://nobody.invalid'));
  assert.match(await talk(front.port, handshake()), /^HTTP\/1\.1 502 [^]*dns_error/);
  const hello = await startFront(t, ruleFor('http_status:404'));
  assert.match(await talk(hello.port, handshake()), /^HTTP\/1\.1 404 /);
});

test('other upgrades are declined by ignoring them, so that nobody tunnels HTTP/2 past the rules', async (t) => {
  const origin = await startOrigin(t, (request, response) => response.end(`upgrade: ${request.headers.upgrade}`));
  const front = await startFront(t, ruleFor(origin.url));
  const h2c = get('/', ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']).replace(
    'close',
    'Upgrade, HTTP2-Settings',
  );
  assert.match(await talk(front.port, h2c), /^HTTP\/1\.1 200 [^]*upgrade: undefined$/);
  const withBody = h2c.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc');
  assert.match(await talk(front.port, withBody), /^HTTP\/1\.1 501 /);
});

test('a rule whose Host cannot be sent answers with an error, to a WebSocket too', async (t) => {
  const { url } = await startEcho(t);
  const front = await startFront(t, ruleFor(url, { httpHostHeader: 'two\nlines' }));
  assert.match(await talk(front.port, get('/')), /^HTTP\/1\.1 502 [\s\S]*Sallyport-Error: origin_protocol/);
  const { socket } = await dial(t, front.port);
  let answer = '';
  socket.on('data', (chunk: string) => (answer += chunk));
  socket.write(handshake());
  await once(socket, 'end');
  assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*Sallyport-Error: origin_protocol/);
});
