import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { type Peer, startPeer, startRefusing, use } from '@sallyport/testkit';
import { startTestGateway, type TestGateway } from './support/client.ts';

/** An origin that answers every connection with the same bytes, whatever it is asked. */
function answering(t: TestContext, answer: string): Promise<Peer> {
  return use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.end(Buffer.from(answer, 'latin1')))),
  );
}

const get = (url: string): string => `GET ${url} HTTP/1.1\r\nConnection: close\r\n\r\n`;

/** Says it, ends its half unless the gateway is to close, and waits for the end. */
async function ask(gateway: TestGateway, text: string): Promise<{ status: number; text: string }> {
  const client = await gateway.dial();
  client.say(text);
  if (!text.includes('Connection: close')) client.socket.end();
  await client.ended;
  return { status: client.status, text: client.text };
}

async function origin(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the unix socket belongs to its owner alone', async (t) => {
  const { gateway } = await startTestGateway(t);
  const { mode } = await stat(gateway.path);
  assert.equal(mode & 0o777, 0o600);
});

test('malformed and smuggled requests are refused and reach no origin', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const gateway = await startTestGateway(t);
  const to = `http://${peer.address}/`;
  const shapes: [string, string, number][] = [
    [
      'length and chunked',
      `POST ${to} HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['two lengths', `POST ${to} HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 400],
    ['a length that is no number', `POST ${to} HTTP/1.1\r\nContent-Length: +4\r\n\r\nabcd`, 400],
    ['obs-fold', `GET ${to} HTTP/1.1\r\nX-A: b\r\n\tc\r\n Transfer-Encoding: chunked\r\n\0\r\n\r\n`, 400],
    ['bare LF in a field', `GET ${to} HTTP/1.1\r\nX-A: b\nX-B: c\r\n\r\n`, 400],
    ['space before the colon', `GET ${to} HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n`, 400],
    ['NUL in a field', `GET ${to} HTTP/1.1\r\nX-A: b\0c\r\n\r\n`, 400],
    ['not a token', `GET ${to} HTTP/1.1\r\nX A: b\r\n\r\n`, 400],
    ['garbage', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n`, 400],
    ['an unknown version', `GET ${to} HTTP/9.9\r\n\r\n`, 400],
    ['origin form', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400],
    ['a relative URL', 'GET //127.0.0.1/ HTTP/1.1\r\n\r\n', 400],
    ['asterisk form', 'OPTIONS * HTTP/1.1\r\n\r\n', 400],
    ['another scheme', `GET ftp://${peer.address}/ HTTP/1.1\r\n\r\n`, 400],
    ['file', 'GET file:///etc/passwd HTTP/1.1\r\n\r\n', 400],
    ['a port out of range', 'GET http://127.0.0.1:65536/ HTTP/1.1\r\n\r\n', 400],
    ['an oversized head', `GET ${to} HTTP/1.1\r\nX-A: ${'a'.repeat(140_000)}\r\n\r\n`, 431],
  ];
  for (const [name, text, status] of shapes) assert.equal((await ask(gateway, text)).status, status, name);
  assert.equal(peer.connections, 0);
});

test('a half-request is answered with 408 and let go', async (t) => {
  const gateway = await startTestGateway(t, { headersTimeout: 60 });
  const client = await gateway.dial();
  client.say('GET http://127.0.0.1/ HT');
  await client.ended;
  assert.equal(client.status, 408);
});

test('the URL decides where a request goes, not Host, and its credentials stay behind', async (t) => {
  const peer = await use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.end(ok('fine')))),
  );
  const gateway = await startTestGateway(t);
  const request = `GET http://user:secret@${peer.address}/p?q HTTP/1.1\r\nHost: elsewhere.example\r\nHost: other\r\n`;
  const answer = await ask(gateway, `${request}Proxy-Authorization: x\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n`);
  assert.equal(answer.status, 200);
  const sent = peer.received.toString();
  assert.match(sent, new RegExp(`^GET /p\\?q HTTP/1.1\\r\\nHost: ${peer.address}\\r\\n`));
  assert.doesNotMatch(sent, /elsewhere|other|secret|x-hop|proxy-authorization/i);
  assert.equal(gateway.events[0]?.destination, peer.address);
});

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('hostile answers end one request and nothing else', async (t) => {
  const gateway = await startTestGateway(t);
  const answers: [string, string, number | 'cut'][] = [
    ['control characters in the reason', 'HTTP/1.1 200 O\x01\x7fK\r\nContent-Length: 2\r\n\r\nhi', 200],
    ['a status below 100', 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n', 502],
    ['length and chunked', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 520],
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n', 520],
    ['nothing', '', 520],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 520],
    ['a head without end', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(200_000)}`, 520],
    ['broken chunking', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n', 'cut'],
    ['a body that stops', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', 'cut'],
  ];
  for (const [name, bytes, expected] of answers) {
    const peer = await answering(t, bytes);
    const { status, text } = await ask(gateway, get(`http://${peer.address}/`));
    // What the origin cut must not look whole; when it breaks at once, not even a head need arrive.
    if (expected === 'cut') assert.doesNotMatch(text, /\r\n0\r\n\r\n$/, name);
    else assert.equal(status, expected, name);
  }
});

test('a request with a body to an origin that refuses gets the reason, not a broken connection', async (t) => {
  const refusing = await use(t, startRefusing());
  const gateway = await startTestGateway(t);
  for (const head of ['Content-Length: 5\r\n\r\nhello', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n']) {
    const { status, text } = await ask(
      gateway,
      `POST http://${refusing.address}/ HTTP/1.1\r\nConnection: close\r\n${head}`,
    );
    assert.equal(status, 521);
    assert.match(text, /connection_refused/);
  }
});

test('policy applies to every form of request', async (t) => {
  const gateway = await startTestGateway(t);
  assert.equal((await ask(gateway, get('http://169.254.169.254/'))).status, 403);
  assert.equal((await ask(gateway, get('http://mail.example:25/'))).status, 403);
  const upgrade = 'GET http://169.254.169.254/ HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  assert.equal((await ask(gateway, upgrade)).status, 403);
  const connect = await ask(gateway, 'CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n');
  assert.match(connect.text, /^HTTP\/1\.1 502 destination_denied\r\n/);
  assert.deepEqual(
    gateway.events.map(({ code }) => code),
    ['destination_denied', 'port_25', 'destination_denied', 'destination_denied'],
  );
});

test('CONNECT to garbage is refused and connects nowhere', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const gateway = await startTestGateway(t);
  const { port } = peer;
  const authorities = ['x', ':1', `127.0.0.1:${port}x`, '127.0.0.1:', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:-1'];
  authorities.push(`u:p@127.0.0.1:${port}`, `127.0.0.1:${port}:${port}`, '[::1:1', '%31:1', `127.0.0.1%00:${port}`);
  authorities.push(`${'a'.repeat(300)}:1`, '..:1', '[fe80::1%25lo]:1');
  for (const authority of authorities) {
    const { status } = await ask(gateway, `CONNECT ${authority} HTTP/1.1\r\n\r\n`);
    assert.ok(status === 502 || status === 400, `${authority}: ${status}`);
  }
  assert.equal(peer.connections, 0);
});

test('CONNECT relays raw bytes and half-closes, early ones included', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const gateway = await startTestGateway(t);
  const { text } = await ask(gateway, `CONNECT ${peer.address} HTTP/1.1\r\n\r\nearly`);
  assert.match(text, /^HTTP\/1\.1 200 [^\r]*\r\n\r\nearly$/);
});

test('a client that goes away in the middle of a body frees the origin', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200);
    response.write('begun');
  });
  const host = await origin(t, server);
  const connected = once(server, 'connection');
  const gateway = await startTestGateway(t);
  const client = await gateway.dial();
  client.say(`GET http://${host}/ HTTP/1.1\r\n\r\n`);
  await client.hears('begun');
  const [socket] = (await connected) as [NodeJS.EventEmitter];
  const closed = once(socket, 'close');
  client.socket.destroy();
  await closed;
});

test('an idle connection that the origin closed is not held against the next request', async (t) => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end('fine');
  });
  const host = await origin(t, server);
  const gateway = await startTestGateway(t);
  assert.equal((await ask(gateway, get(`http://${host}/`))).status, 200);
  server.closeAllConnections();
  assert.equal((await ask(gateway, get(`http://${host}/`))).status, 200);
  assert.equal(requests, 2);
});

const upgradeTo = (host: string): string =>
  `GET http://${host}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;

test('an upgrade passes early data both ways and half-closes', async (t) => {
  const peer = await use(
    t,
    startPeer((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfrom origin');
      socket.once('end', () => socket.end());
    }),
  );
  const gateway = await startTestGateway(t);
  const { status, text } = await ask(gateway, `${upgradeTo(peer.address)}from client`);
  assert.equal(status, 101);
  assert.match(text, /\r\n\r\nfrom origin$/);
  assert.match(peer.received.toString(), /\r\n\r\nfrom client$/);
  assert.equal(gateway.events[0]?.kind, 'websocket');
});

test('an upgrade that is refused, unreachable or nonsense is answered and let go', async (t) => {
  const refused = await answering(t, 'HTTP/1.1 426 No\r\nContent-Length: 3\r\n\r\nno!');
  const refusing = await use(t, startRefusing());
  const gateway = await startTestGateway(t);
  for (const [text, status] of [
    [upgradeTo(refused.address), 426],
    [upgradeTo(refusing.address), 521],
    ['GET /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 400],
  ] as const) {
    const client = await gateway.dial();
    client.say(text);
    await client.ended;
    assert.equal(client.status, status);
  }
});

test('close() ends everything that is in flight', async (t) => {
  const silent = await use(t, startPeer('silent'));
  const gateway = await startTestGateway(t);
  const socket = await gateway.dialSocket();
  socket.open(silent.port);
  await socket.hears('opened');
  const relay = await gateway.dial();
  relay.say(`CONNECT ${silent.address} HTTP/1.1\r\n\r\n`);
  await relay.hears('200');
  const fetching = await gateway.dial();
  fetching.say(`POST http://${silent.address}/ HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc`);
  const tls = await gateway.dial();
  tls.say(`GET https://${silent.address}/ HTTP/1.1\r\n\r\n`);
  const upgrade = await gateway.dial();
  upgrade.say(upgradeTo(silent.address));
  const half = await gateway.dial();
  half.say('GET http://');
  while (silent.connections < 5) await silent.next('connection');
  const over = silent.open.map(
    (connection) => new Promise((resolve) => connection.once('end', resolve).once('close', resolve)),
  );
  await gateway.gateway.close();
  await Promise.all([socket.client, relay, fetching, tls, upgrade, half].map(({ ended }) => ended));
  await Promise.all(over);
  assert.equal(gateway.gateway.connections, 0);
});

test('a length that Connection names still frames the body, which never becomes a request of its own', async (t) => {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += String(chunk)));
    incoming.on('end', () => {
      seen.push(`${incoming.method} ${incoming.url} ${body.length}`);
      response.end();
    });
  });
  const address = await origin(t, server);
  const gateway = await startTestGateway(t);
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const text = `DELETE http://${address}/outer HTTP/1.1\r\nConnection: close, content-length\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`;
  assert.equal((await ask(gateway, text)).status, 200);
  assert.deepEqual(seen, [`DELETE /outer ${inner.length}`]);
});

test('a request whose client has gone is not asked again, and not held', async (t) => {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(incoming.url ?? '');
    if (incoming.url === '/first') response.end('fine');
    else server.emit('slow', incoming.socket);
  });
  const host = await origin(t, server);
  const gateway = await startTestGateway(t);
  // The next one uses the same connection to the origin.
  assert.equal((await ask(gateway, get(`http://${host}/first`))).status, 200);
  const arrived = once(server, 'slow');
  const client = (await gateway.dial()).say(`GET http://${host}/slow HTTP/1.1\r\n\r\n`);
  const closed = once((await arrived)[0] as NodeJS.EventEmitter, 'close');
  client.socket.destroy();
  await closed;
  assert.equal((await ask(gateway, get(`http://${host}/first`))).status, 200);
  assert.deepEqual(asked, ['/first', '/slow', '/first']);
});
