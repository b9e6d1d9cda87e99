// Bodies stream through without limit, and what breaks or leaves on one side does so on the other.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { get, respond, ruleFor, startFront, startOrigin, startRawOrigin, talk, text } from './support.ts';

test('large bodies go both ways, unlimited and with backpressure', async (t) => {
  const bytes = 24 * 1024 * 1024;
  const origin = await startOrigin(t, (request, response) => void request.pipe(response));
  const front = await startFront(t, ruleFor(origin.url));
  const block = randomBytes(1024 * 1024);
  const sent = createHash('sha256');
  const got = createHash('sha256');
  const outgoing = ask({ port: front.port, method: 'PUT', agent: false, headers: { 'content-length': bytes } });
  const reading = (async () => {
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    for await (const chunk of incoming) got.update(chunk as Buffer);
  })();
  for (let written = 0; written < bytes; written += block.length) {
    sent.update(block);
    if (!outgoing.write(block)) await once(outgoing, 'drain');
  }
  outgoing.end();
  await reading;
  assert.equal(got.digest('hex'), sent.digest('hex'));
});

test('an origin that does not read stops the client, and memory stays bounded', async (t) => {
  const origin = await startRawOrigin(t, (socket) => void socket.pause());
  const front = await startFront(t, ruleFor(origin.url));
  const outgoing = ask({ port: front.port, method: 'POST', agent: false, headers: { 'content-length': 2 ** 40 } });
  outgoing.on('error', () => {});
  const block = Buffer.alloc(1024 * 1024);
  let written = 0;
  // A turn without 'drain' while the kernel's buffers fill: the writer is stopped for good after a few of them.
  while (outgoing.write(block)) written += 1;
  for (let idle = 0; idle < 200 && written < 64; idle += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (outgoing.writableNeedDrain) continue;
    idle = 0;
    while (outgoing.write(block) && written < 64) written += 1;
  }
  assert.ok(written < 40, `${written} MiB went in`);
  outgoing.destroy();
});

test('events arrive one by one while the response runs', async (t) => {
  const origin = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    source = response;
  });
  let source: ServerResponse | undefined;
  const front = await startFront(t, ruleFor(origin.url));
  const incoming = await respond(front.port, { path: '/' });
  for (const number of [1, 2, 3]) {
    const [chunk] = (await once(incoming, 'data')) as [Buffer];
    assert.equal(chunk.toString(), `data: ${number}\n\n`);
    if (number < 3) source?.write(`data: ${number + 1}\n\n`);
  }
  source?.end();
  await once(incoming, 'end');
});

test('a header arrives before any of the body', async (t) => {
  let finish: (() => void) | undefined;
  const origin = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'x-early': '1' });
    response.flushHeaders();
    finish = () => void response.end('late');
  });
  const front = await startFront(t, ruleFor(origin.url));
  const incoming = await respond(front.port, {});
  assert.equal(incoming.headers['x-early'], '1');
  finish?.();
  assert.equal(await text(incoming), 'late');
});

test('trailers go both ways', async (t) => {
  const origin = await startOrigin(t, async (request, response) => {
    const body = await text(request);
    response.writeHead(200, { Trailer: 'X-Sum' });
    response.write(`${body} ${JSON.stringify(request.trailers)}`);
    response.addTrailers({ 'X-Sum': '7' });
    response.end();
  });
  const front = await startFront(t, ruleFor(origin.url));
  const outgoing = ask({
    port: front.port,
    method: 'POST',
    agent: false,
    headers: { 'transfer-encoding': 'chunked', trailer: 'x-in', te: 'trailers' },
  });
  outgoing.write('abc');
  outgoing.addTrailers({ 'x-in': '5' });
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(await text(incoming), 'abc {"x-in":"5"}');
  assert.equal(incoming.trailers['x-sum'], '7');
});

test('HEAD, 204 and 304 have no body, and a length that was said stays', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    const status = Number(request.url!.slice(1));
    response.writeHead(status, status === 200 ? { 'content-length': '1234' } : {}).end();
  });
  const front = await startFront(t, ruleFor(origin.url));
  assert.match(
    await talk(front.port, get('/200').replace('GET', 'HEAD')),
    /^HTTP\/1\.1 200 OK\r\n(?=.*content-length: 1234)/is,
  );
  for (const status of [204, 304]) {
    const answer = await talk(front.port, get(`/${status}`));
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    assert.doesNotMatch(answer, /transfer-encoding|content-length/i);
  }
});

test('100, 102 and 103 go through', async (t) => {
  const origin = await startRawOrigin(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
  });
  const front = await startFront(t, ruleFor(origin.url));
  const seen: number[] = [];
  const outgoing = ask({
    port: front.port,
    method: 'POST',
    agent: false,
    headers: { expect: '100-continue', 'content-length': 3 },
  });
  outgoing.on('information', ({ statusCode }) => seen.push(statusCode));
  outgoing.on('continue', () => outgoing.end('abc'));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(await text(incoming), 'ok');
  assert.deepEqual(
    seen.filter((status) => status !== 100),
    [102, 103],
  );
  assert.match(origin.heard(), /Expect: 100-continue\r\nContent-Length: 3\r\n.*\r\n\r\nabc$/is);
});

test('a client that goes away ends the request at the origin, also while it is being dialled', async (t) => {
  let gone: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (gone = resolve));
  let arrived: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const origin = await startOrigin(t, (_request, response) => {
    response.once('close', () => gone?.());
    arrived?.();
  });
  const front = await startFront(t, ruleFor(origin.url));
  const outgoing = ask({ port: front.port, agent: false }).on('error', () => {});
  outgoing.end();
  await asked;
  outgoing.destroy();
  await ended;
});

test('an origin that breaks off its response breaks off ours', async (t) => {
  const origin = await startRawOrigin(t, (socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy()),
    );
  });
  const front = await startFront(t, ruleFor(origin.url));
  const incoming = await respond(front.port, {});
  await assert.rejects(text(incoming), { code: 'ECONNRESET' });
  assert.equal(front.log.at(-1)?.fields['code'], 'connection_reset');
});

test('a connection the origin closed while idle costs no request', async (t) => {
  let connections = 0;
  const origin = await startRawOrigin(t, (socket) => {
    connections += 1;
    // Answers once, and resets whatever comes next on the same connection, as a server whose idle limit ran out does.
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      socket.once('data', () => socket.resetAndDestroy());
    });
  });
  const front = await startFront(t, ruleFor(origin.url));
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  for (const _ of [1, 2, 3]) assert.equal(await text(await respond(front.port, { agent })), 'ok');
  assert.equal(connections, 3);
});

test('connections to the origin are kept for the next request, and one that is not kept is closed', async (t) => {
  for (const [keepAliveConnections, expected] of [
    [100, 1],
    [0, 3],
  ] as const) {
    const ports = new Set<number>();
    const origin = await startOrigin(t, (request, response) => {
      ports.add(request.socket.remotePort!);
      response.end('ok');
    });
    const front = await startFront(t, ruleFor(origin.url, { keepAliveConnections }));
    for (const _ of [1, 2, 3]) assert.equal(await text(await respond(front.port, {})), 'ok');
    assert.equal(ports.size, expected);
  }
});
