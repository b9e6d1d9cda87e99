// Requests for public hostnames arrive at the origin, and its responses at the client, unharmed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, respond, ruleFor, startFront, startOrigin, startRawOrigin, talk, text, toConfig } from './support.ts';
import { maxHeaderSize } from '../../src/public/public-server.ts';

test('method, target, header order and case, status, reason and body go through as they are', async (t) => {
  const origin = await startRawOrigin(
    t,
    'HTTP/1.1 299 Quite Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 4\r\n\r\nbody',
  );
  const front = await startFront(t, ruleFor(origin.url));
  const answer = await talk(
    front.port,
    get('/a//b/../%2F%20?q=%zz&r=1', ['x-Lower: 1', 'X-Twice: a', 'X-Twice: b', 'Cookie: s=1']),
  );
  assert.match(
    origin.heard(),
    /^GET \/a\/\/b\/\.\.\/%2F%20\?q=%zz&r=1 HTTP\/1\.1\r\nHost: a\.test\r\nx-Lower: 1\r\nX-Twice: a\r\nX-Twice: b\r\nCookie: s=1\r\nConnection: keep-alive\r\n\r\n$/,
  );
  assert.match(
    answer,
    /^HTTP\/1\.1 299 Quite Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 4\r\n/,
  );
  assert.match(answer, /\r\n\r\nbody$/);
});

test('no field is dropped behind a crowd of others, either way', { timeout: 10_000 }, async (t) => {
  const crowd = Array.from({ length: 1_200 }, (_, index) => `x-${index}: 1`);
  const origin = await startRawOrigin(
    t,
    `HTTP/1.1 200 OK\r\n${crowd.join('\r\n')}\r\nset-cookie: last=1\r\nContent-Length: 4\r\n\r\nbody`,
  );
  const front = await startFront(t, ruleFor(origin.url));
  const answer = await talk(front.port, get('/', [...crowd, 'cookie: last']));
  assert.match(origin.heard(), /\r\ncookie: last\r\n/);
  assert.match(answer, /\r\nset-cookie: last=1\r\n/);
});

test('fields of one connection stay on it, and Connection cannot take Host or the length away', async (t) => {
  const origin = await startRawOrigin(
    t,
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=9\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\nContent-Length: 0\r\n\r\n',
  );
  const front = await startFront(t, ruleFor(origin.url));
  const hop = 'Connection: close, X-Secret, content-length, host';
  const answer = await talk(
    front.port,
    `POST / HTTP/1.1\r\nHost: a.test\r\n${hop}\r\nX-Secret: 1\r\nTE: trailers, gzip\r\nProxy-Connection: x\r\nContent-Length: 3\r\n\r\nabc`,
  );
  assert.match(
    origin.heard(),
    /^POST \/ HTTP\/1\.1\r\nHost: a\.test\r\nTE: trailers\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc$/,
  );
  assert.doesNotMatch(answer, /x-hop|keep-alive|proxy-auth/i);
});

test('requests that two servers could read differently are refused', async (t) => {
  const origin = await startOrigin(t, (_request, response) => response.end('reached'));
  const front = await startFront(t, ruleFor(origin.url));
  const head = 'Connection: close\r\n';
  const cases = [
    `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${head}\r\n`,
    `GET / HTTP/1.1\r\n${head}\r\n`,
    `GET http://other/ HTTP/1.1\r\nHost: a\r\n${head}\r\n`,
    `POST / HTTP/1.1\r\nHost: a\r\n${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\nHost: a\r\n${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    `POST / HTTP/1.1\r\nHost: a\r\n${head}Transfer-Encoding: gzip, chunked, identity\r\n\r\nabcd`,
    `GET / HTTP/1.1\r\nHost: a\r\n${head}X : 1\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost: a\r\nX: 1\n\r\n\r\n',
  ];
  for (const request of cases) {
    const answer = await talk(front.port, request);
    assert.match(answer, /^HTTP\/1\.1 400 /, request);
    assert.doesNotMatch(answer, /reached/);
  }
});

test('disableChunkedEncoding sends a length instead, up to a bound', async (t) => {
  const origin = await startOrigin(t, async (request, response) => {
    response.end(
      JSON.stringify([
        request.headers['content-length'],
        request.headers['transfer-encoding'],
        (await text(request)).length,
      ]),
    );
  });
  const front = await startFront(t, ruleFor(origin.url, { disableChunkedEncoding: true }));
  const chunked = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } };
  assert.equal(await text(await respond(front.port, chunked, 'abc')), '["3",null,3]');
  const large = await respond(front.port, chunked, 'x'.repeat(1024 * 1024 + 1));
  assert.equal(large.statusCode, 411);
});

test('rules choose by host and path; httpHostHeader replaces Host and tells the old one', async (t) => {
  const one = await startOrigin(t, (_request, response) => response.end('one'));
  const two = await startOrigin(t, (request, response) =>
    response.end(`${request.headers.host} ${request.headers['x-forwarded-host']}`),
  );
  const config = toConfig({
    ingress: [
      { hostname: '*.one.test', path: '^/a b', service: one.url },
      { hostname: 'two.test', service: two.url, originRequest: { httpHostHeader: 'inner' } },
      { hostname: 'hello.test', service: 'hello_world' },
      { hostname: 'tea.test', service: 'http_status:418' },
      { service: 'http_status:404' },
    ],
  });
  const front = await startFront(t, config);
  const say = (path: string, host: string): Promise<string> =>
    talk(front.port, get(path, ['X-Forwarded-Host: spoofed'], host));
  assert.match(await say('/a%20b?x', 'x.one.test:8080'), /one$/);
  assert.match(await say('/other', 'x.one.test'), /^HTTP\/1\.1 404 /);
  assert.match(await say('/', 'two.test'), /inner two\.test$/);
  assert.match(await say('/', 'hello.test'), /^HTTP\/1\.1 200 [^]*It works/);
  assert.match(await say('/', 'tea.test'), /^HTTP\/1\.1 418 /);
  assert.match(await say('/', 'nobody'), /^HTTP\/1\.1 404 /);
});

test('a new configuration holds for new requests; one under way finishes with the old', async (t) => {
  let finish: (() => void) | undefined;
  const old = await startOrigin(t, (_request, response) => {
    response.write('old ');
    finish = () => void response.end('origin');
  });
  const next = await startOrigin(t, (_request, response) => response.end('new'));
  const front = await startFront(t, ruleFor(old.url));
  const running = await respond(front.port, {});
  front.server.configure(ruleFor(next.url), new Map());
  assert.equal(await text(await respond(front.port, {})), 'new');
  finish?.();
  assert.equal(await text(running), 'old origin');
});

test('metrics count requests, statuses and what runs', async (t) => {
  const origin = await startOrigin(t, (_request, response) => response.writeHead(201).end());
  const front = await startFront(t, ruleFor(origin.url));
  await talk(front.port, get('/'));
  await talk(front.port, get('/'));
  assert.match(front.metrics(), /^sallyport_tunnel_total_requests 2$/m);
  assert.match(front.metrics(), /^sallyport_tunnel_response_by_code\{status_code="201"\} 2$/m);
  assert.match(front.metrics(), /^sallyport_tunnel_concurrent_requests_per_tunnel 0$/m);
});

test('a header longer than its bound is refused, and the next client is served', async (t) => {
  const origin = await startRawOrigin(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const front = await startFront(t, ruleFor(origin.url));
  const field = `X-Long: ${'x'.repeat(maxHeaderSize)}`;
  assert.match(await talk(front.port, get('/', [field])), /^HTTP\/1\.1 431 /);
  assert.match(await talk(front.port, get('/', [`X-Long: ${'x'.repeat(maxHeaderSize / 2)}`])), /^HTTP\/1\.1 200 /);
});

test('an origin that changes the protocol though nobody asked is a 502', { timeout: 10_000 }, async (t) => {
  const { url } = await startRawOrigin(t, 'HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  const front = await startFront(t, ruleFor(url));
  assert.match(await talk(front.port, get('/')), /^HTTP\/1\.1 502 [\s\S]*Sallyport-Error: origin_protocol/);
});
