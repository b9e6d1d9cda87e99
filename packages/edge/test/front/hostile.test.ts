// Clients that mean harm, or do not know better: the front answers or hangs up, and the Worker never sees it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { deferred } from '../support/deferred.ts';
import { startFront } from '../support/front-bench.ts';

const close = 'Connection: close\r\n';

test('heads that are not HTTP, or that two readers could understand differently, are refused', async (t) => {
  const bench = await startFront(t);
  bench.use();
  const cases: Record<string, string> = {
    garbage: 'hello?\r\n\r\n',
    'TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'no host': 'GET / HTTP/1.1\r\n\r\n',
    'empty host': 'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'a path in the host': 'GET / HTTP/1.1\r\nHost: a/admin?\r\n\r\n',
    'a user in the host': 'GET / HTTP/1.1\r\nHost: user@a\r\n\r\n',
    'a user in the target': 'GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'another scheme': 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'an asterisk': 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    'no slash': 'GET path HTTP/1.1\r\nHost: a\r\n\r\n',
    'length and chunks':
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'a length list': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello',
    'a signed length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello',
    'not chunked last': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'an odd chunk length': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n',
    'a space before the colon': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello',
    'a folded line': 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 5\r\n\r\n',
    'a zero byte': 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n',
    'a body with an upgrade':
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi',
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const answer = await bench.raw(bytes);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, name);
  }
  const whole = bench.reached.filter(({ fields }) => !fields.includes('Transfer-Encoding'));
  assert.deepEqual(whole, [], 'no such request reaches the runtime whole');
});

test('a request in absolute form goes to the Worker as its own host, never anywhere else', async (t) => {
  const bench = await startFront(t);
  bench.use();
  const answer = await bench.raw(`GET http://evil.example:81?x=1 HTTP/1.1\r\nHost: other\r\n${close}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\/\?x=1$/);
  const [request] = bench.reached;
  assert.equal(request?.target, '/?x=1');
  assert.deepEqual(request?.fields.slice(0, 2), ['Host', 'evil.example:81']);
  assert.equal(request?.fields.filter((name) => name.toLowerCase() === 'host').length, 1);
});

test('a body never becomes a request of its own, whatever Connection names', async (t) => {
  const bench = await startFront(t, (request, response) => {
    request.resume();
    request.once('end', () => response.end());
  });
  bench.use();
  const body = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: 192.0.2.1\r\n\r\n';
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'POST', 'PATCH', 'SEARCH']) {
    for (const named of ['content-length', 'Transfer-Encoding, Content-Length']) {
      const head = `${method} /whole HTTP/1.1\r\nHost: a\r\nConnection: close, ${named}\r\n`;
      const length = `Content-Length: ${body.length}\r\n\r\n${body}`;
      const chunks = `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      for (const framed of [length, chunks]) assert.match(await bench.raw(head + framed), /^HTTP\/1\.1 200 OK\r\n/);
    }
  }
  assert.equal(bench.reached.length, 7 * 2 * 2);
  assert.deepEqual([...new Set(bench.reached.map(({ target }) => target))], ['/whole']);
});

test('CONNECT is refused', async (t) => {
  const bench = await startFront(t);
  bench.use();
  assert.match(await bench.raw('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 405 /);
  assert.deepEqual(bench.reached, []);
});

test("the client's address and the edge's own fields cannot be forged", async (t) => {
  const bench = await startFront(t);
  bench.use();
  const forged =
    'CF-Connecting-IP: 6.6.6.6\r\ncf-connecting-ip: 7.7.7.7\r\nSallyport-Cf: {"tls":1}\r\nsallyport-forwarded-proto: https\r\n';
  await bench.raw(`GET / HTTP/1.1\r\nHost: a\r\n${forged}X-Mine: yes\r\n${close}\r\n`);
  const fields = bench.reached[0]!.fields;
  const named = (name: string): string[] =>
    fields.filter((_, index) => index % 2 === 1 && fields[index - 1]!.toLowerCase() === name);
  assert.deepEqual(named('cf-connecting-ip'), ['127.0.0.1']);
  assert.deepEqual(named('sallyport-cf'), ['{"httpProtocol":"HTTP/1.1"}']);
  assert.deepEqual([named('sallyport-forwarded-proto'), named('x-mine')], [[], ['yes']]);
});

test('fields about one connection stay there, also those that Connection names', async (t) => {
  const bench = await startFront(t);
  bench.use();
  await bench.raw(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n\r\n`,
  );
  const fields = bench.reached[0]!.fields.filter((_, index) => index % 2 === 0);
  const names = new Set(fields.map((name) => name.toLowerCase()));
  for (const name of ['x-secret', 'te', 'keep-alive', 'proxy-connection']) assert.ok(!names.has(name), name);
});

test('a pipelined second request is judged as the first', async (t) => {
  const bench = await startFront(t);
  bench.use();
  await bench.raw(
    `GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: 6.6.6.6\r\n${close}\r\n`,
  );
  assert.deepEqual(
    bench.reached.map(({ target }) => target),
    ['/1', '/2'],
  );
  assert.ok(!bench.reached[1]!.fields.includes('6.6.6.6'));
});

const big = (size: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${close}X: ${'x'.repeat(size)}\r\n\r\n`;

test('a head above 128 KiB is refused with 431, one below passes', async (t) => {
  const bench = await startFront(t);
  bench.use();
  assert.match(await bench.raw(big(200_000)), /^HTTP\/1\.1 431 /);
  assert.match(await bench.raw(big(100_000)), /^HTTP\/1\.1 (?:200|431) /);
  assert.match(await bench.raw(`GET /${'x'.repeat(200_000)} HTTP/1.1\r\nHost: a\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('a head that does not end is answered with 408 in time, while others are served', async (t) => {
  const bench = await startFront(t, undefined, { headersTimeout: 200 });
  bench.use();
  const slow = await Promise.all(Array.from({ length: 50 }, () => bench.dial()));
  const answers = slow.map((socket) => once(socket, 'data'));
  for (const socket of slow) socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ');
  assert.match(await bench.raw(`GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`), /^HTTP\/1\.1 200 /);
  for (const [answer] of await Promise.all(answers)) assert.match(String(answer), /^HTTP\/1\.1 408 /);
  assert.equal(bench.reached.length, 1);
});

test('a client that goes in the middle of its body takes its request along', async (t) => {
  let gone: Promise<unknown> = Promise.resolve();
  const arrival = deferred();
  const bench = await startFront(t, (request) => {
    request.on('error', () => {});
    gone = new Promise((resolve) => request.once('close', resolve));
    request.once('data', () => arrival.resolve());
  });
  bench.use();
  const socket = await bench.dial();
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  await arrival.promise;
  socket.destroy();
  await gone;
  assert.equal((await bench.requests.next(() => true)).status, 499);
});

test('connections reset at random leave the front serving', async (t) => {
  const bench = await startFront(t);
  bench.use();
  const sockets = await Promise.all(Array.from({ length: 200 }, () => bench.dial()));
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const [index, socket] of sockets.entries()) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.slice(0, 5 + (index % 25)));
    socket.resetAndDestroy();
  }
  await Promise.all(closed);
  assert.match(await bench.raw(`GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`), /^HTTP\/1\.1 200 /);
});
