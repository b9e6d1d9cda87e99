// Who has no token learns nothing; who has one cannot break the edge with it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Clock, maxBodySize, maxRequests, startControlApi } from '../../src/index.ts';
import { createApiBench, send, sendRaw, toAnswer, token } from '../support/api-bench.ts';

const tunnels = '/accounts/acc/cfd_tunnel';

test('without the token every path answers 401 and nothing happens', async (t) => {
  const { api, control } = await createApiBench(t);
  const wrong = [
    '',
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer x ${token}`,
    `Bearer ${token},${token}`,
    'Bearer \u00e9',
  ];
  for (const authorization of wrong) {
    for (const path of [tunnels, '/nowhere', '/user/tokens/verify', '/%zz']) {
      const answer = await send(api, { method: 'POST', path, body: '{"name":"a"}', headers: { authorization } });
      assert.deepEqual([answer.status, answer.errors[0]!.code], [401, 10000], `${authorization} ${path}`);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      assert.ok(!answer.text.includes(token));
    }
  }
  assert.deepEqual(control.tunnels.list(), []);
  assert.match(
    await sendRaw(api, `GET ${tunnels} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
    /^HTTP\/1\.1 401 /,
  );
});

test('a short token is refused at start', async (t) => {
  const { control } = await createApiBench(t);
  const options = { control, links: { connections: () => [], disconnect: () => {} }, tokenOf: () => '' };
  await assert.rejects(startControlApi({ ...options, token: 'short' }), TypeError);
});

test('a body that is too large is refused: before it is sent when it says so, while it is read when not', async (t) => {
  const { api } = await createApiBench(t);
  const ask = (headers: Record<string, string | number>): ReturnType<typeof httpRequest> =>
    httpRequest({
      port: api.port,
      host: '127.0.0.1',
      method: 'POST',
      path: tunnels,
      agent: false,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  const declared = ask({ 'content-length': maxBodySize + 1, expect: '100-continue' });
  declared.on('error', () => {});
  declared.on('continue', () => assert.fail('the body was asked for'));
  declared.flushHeaders();
  const refused = await toAnswer(declared);
  assert.deepEqual([refused.status, refused.headers.connection], [413, 'close']);
  declared.destroy();
  const chunked = ask({ 'transfer-encoding': 'chunked' });
  chunked.on('error', () => {});
  chunked.write(Buffer.alloc(maxBodySize, ' '));
  chunked.write('{}');
  assert.equal((await toAnswer(chunked)).status, 413);
  chunked.destroy();
  const whole = `{"name":"a","x":"${'x'.repeat(maxBodySize - 20)}"}`;
  assert.equal((await send(api, { method: 'POST', path: tunnels, body: whole })).status, 200);
});

test('a body that is asked for with 100-continue arrives', async (t) => {
  const { api } = await createApiBench(t);
  const request = httpRequest({
    port: api.port,
    host: '127.0.0.1',
    method: 'POST',
    path: tunnels,
    agent: false,
    headers: { authorization: `Bearer ${token}`, expect: '100-continue' },
  });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('{"name":"a"}');
  assert.equal((await toAnswer(request)).status, 200);
});

test('what is no JSON object with the right fields is refused, and its text is not repeated', async (t) => {
  const { api, control } = await createApiBench(t);
  const bodies = [
    '{',
    'hunter2',
    '[]',
    '"hunter2"',
    'null',
    '1',
    '{"name":1}',
    '{"name":null}',
    '{}',
    '{"name":{"hunter2":1}}',
    '{"name":["a"]}',
    '\u0000',
    '{"name":"a","tunnel_secret":7}',
    '{"name":"a","tunnel_secret":"hunter2!"}',
    '['.repeat(200_000),
  ];
  for (const body of bodies) {
    const answer = await send(api, { method: 'POST', path: tunnels, body });
    assert.deepEqual([answer.status, answer.success], [400, false], body.slice(0, 40));
    assert.ok(!answer.text.includes('hunter2'), answer.text);
  }
  const latin1 = await send(api, { method: 'POST', path: tunnels, body: Buffer.from('{"name":"\xe9"}', 'latin1') });
  assert.equal(latin1.status, 400);
  assert.deepEqual(control.tunnels.list(), []);
});

test('property names that mean something to JavaScript mean nothing here', async (t) => {
  const { api, call, control } = await createApiBench(t);
  const bodies = [
    '{"__proto__":{"name":"polluted","polluted":true}}',
    '{"constructor":{"prototype":{"name":"polluted","polluted":true}}}',
    '{"name":"fine","__proto__":{"tunnel_secret":"AAAA"},"hasOwnProperty":1,"toString":2}',
  ];
  const statuses: number[] = [];
  for (const body of bodies) statuses.push((await send(api, { method: 'POST', path: tunnels, body })).status);
  assert.deepEqual(statuses, [400, 400, 200]);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
  assert.deepEqual(
    control.tunnels.list().map(({ name }) => name),
    ['fine'],
  );
  for (const id of ['__proto__', 'constructor', 'toString']) {
    assert.equal((await call('GET', `${tunnels}/${id}`)).status, 404);
    assert.equal((await call('GET', `/accounts/acc/teamnet/routes/${id}`)).status, 404);
    assert.equal((await call('GET', `${tunnels}?${id}=1`)).status, 200);
  }
  const { id } = control.tunnels.find('fine')!;
  for (const network of ['__proto__', 'constructor']) {
    const body = { network: '10.0.0.0/8', tunnel_id: id, virtual_network_id: network };
    assert.equal((await call('POST', '/accounts/acc/teamnet/routes', body)).status, 404);
  }
});

test('a path has one spelling', async (t) => {
  const { api, control } = await createApiBench(t);
  const { id } = await control.tunnels.create({ name: 'a' });
  const cases: [string, number][] = [
    [`/accounts/acc/teamnet/../cfd_tunnel/${id}`, 404],
    [`/accounts/acc/%2e%2e/cfd_tunnel/${id}`, 404],
    [`//accounts/acc/cfd_tunnel/${id}`, 404],
    [`/accounts/acc/cfd_tunnel/${id}/`, 404],
    [`/accounts/acc/cfd_tunnel//`, 404],
    [`/accounts/acc%2Fcfd_tunnel/${id}`, 404],
    [`/accounts/acc/cfd_tunnel/..%2f${id}`, 404],
    [`/accounts/acc/cfd_tunnel/${id}%00`, 404],
    [`/client/v4/client/v4/accounts/acc/cfd_tunnel`, 404],
    [`/accounts/acc/cfd_tunnel/%zz`, 400],
    [`/accounts/%ff/cfd_tunnel`, 400],
    [`/accounts/acc/cfd_tunnel/${'a'.repeat(3000)}`, 404],
    [`/${'a/'.repeat(900)}`, 404],
    [`http://evil.example/accounts/acc/cfd_tunnel`, 404],
    [`/accounts/acc/cfd_tunnel/${id}?a=/../..`, 200],
    ['/', 404],
  ];
  for (const [path, status] of cases) assert.equal((await send(api, { path })).status, status, path);
  const wrong = await send(api, { method: 'PUT', path: `${tunnels}/${id}` });
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, PATCH, DELETE']);
  const raw = await sendRaw(
    api,
    `OPTIONS * HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
  );
  assert.match(raw, /^HTTP\/1\.1 404 /);
});

test('headers that are too large and requests that are no HTTP are refused with a reason', async (t) => {
  const { api } = await createApiBench(t);
  const large = await sendRaw(api, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 /);
  assert.match(large, /"error":"headers_too_large"/);
  for (const bytes of [
    'nonsense\r\n\r\n',
    '\u0016\u0003\u0001',
    'GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
  ]) {
    assert.match(await sendRaw(api, bytes), /^HTTP\/1\.1 400 /, JSON.stringify(bytes));
  }
});

test('requests that do not come to an end are bounded in number', async (t) => {
  const { api, call } = await createApiBench(t);
  const head = `POST ${tunnels} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n`;
  const sockets: Socket[] = [];
  for (let index = 0; index < maxRequests; index += 1) {
    const socket = connect(api.port, '127.0.0.1').setEncoding('latin1');
    sockets.push(socket);
    socket.write(head);
    const [line] = (await once(socket, 'data')) as [string];
    assert.match(line, /^HTTP\/1\.1 100 /);
  }
  assert.deepEqual((await call('GET', tunnels)).errors[0]?.error, 'too_many_requests');
  const freed = once(sockets[0]!, 'close');
  sockets[0]!.setEncoding('latin1').write('{"a":');
  sockets[0]!.end();
  await freed;
  assert.equal((await call('GET', tunnels)).status, 200);
  for (const socket of sockets) socket.destroy();
});

const askConnect = (header: string): string => `CONNECT db.internal:5432 HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\nearly`;

test('CONNECT is handed on with the token only, and refused where nobody wants it', async (t) => {
  const taken: (string | undefined)[] = [];
  const { api } = await createApiBench(t, {
    connect(request, socket, head) {
      taken.push(request.url);
      socket.end(`HTTP/1.1 200 OK\r\n\r\necho ${head.toString()}`);
    },
  });
  assert.match(await sendRaw(api, askConnect('x: y')), /^HTTP\/1\.1 407 /);
  assert.match(
    await sendRaw(api, askConnect('proxy-authorization: Bearer wrong')),
    /^HTTP\/1\.1 407 [^]*proxy-authenticate: Bearer/,
  );
  assert.deepEqual(taken, []);
  assert.match(await sendRaw(api, askConnect(`proxy-authorization: Bearer ${token}`)), /200 OK\r\n\r\necho early$/);
  assert.match(await sendRaw(api, askConnect(`authorization: Bearer ${token}`)), /200 OK/);
  assert.deepEqual(taken, ['db.internal:5432', 'db.internal:5432']);
  const plain = await createApiBench(t);
  assert.match(await sendRaw(plain.api, askConnect(`authorization: Bearer ${token}`)), /^HTTP\/1\.1 405 /);
});

test('a failure of the edge is reported to the edge, not to the client', async (t) => {
  const { call, control, failures } = await createApiBench(t, {
    tokenOf() {
      throw new Error('hunter2');
    },
  });
  const { id } = await control.tunnels.create({ name: 'a' });
  const answer = await call('GET', `${tunnels}/${id}/token`);
  assert.deepEqual([answer.status, answer.errors[0]!.error], [500, 'internal_error']);
  assert.ok(!answer.text.includes('hunter2'));
  assert.deepEqual(failures.map(String), ['Error: hunter2']);
});

test('a request that arrives too slowly is ended with a reason', async (t) => {
  const { api } = await createApiBench(t, { headersTimeout: 100, requestTimeout: 200 });
  assert.match(await sendRaw(api, 'GET / HTTP/1.1\r\nhost:'), /^HTTP\/1\.1 408 [^]*"error":"request_timeout"/);
  const head = `POST ${tunnels} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 5\r\n\r\n{`;
  assert.match(await sendRaw(api, head), /^HTTP\/1\.1 408 /);
});

test('close() ends what CONNECT handed on when the grace period is over', async (t) => {
  const due: (() => void)[] = [];
  const after: Clock['after'] = (_, callback) => {
    due.push(callback);
    return () => {};
  };
  const { api } = await createApiBench(t, {
    connect: (_, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'),
    clock: { now: () => 0, after },
  });
  const socket = connect(api.port, '127.0.0.1').on('error', () => {});
  socket.write(askConnect(`proxy-authorization: Bearer ${token}`));
  await once(socket, 'data');
  const closed = api.close();
  const ended = once(socket, 'close');
  for (const callback of due) callback();
  await Promise.all([closed, ended]);
});

test('close() ends idle connections at once and is idempotent', async (t) => {
  const { api } = await createApiBench(t);
  const socket = connect(api.port, '127.0.0.1').setEncoding('latin1');
  socket.write(`GET /user/tokens/verify HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await once(socket, 'data');
  const ended = once(socket, 'close');
  await Promise.all([api.close(), api.close(), ended]);
  await assert.rejects(send(api, { path: '/' }), { code: 'ECONNREFUSED' });
});
