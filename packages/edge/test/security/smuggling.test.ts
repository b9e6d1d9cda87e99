// Requests and answers that two readers could understand differently: between client and front, runtime and gateway,
// gateway and origin. Heads that are malformed as such are refused in test/gateway/http and test/front/hostile.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { startTestGateway } from '../gateway/support/client.ts';
import { startBench } from '../support/dev-bench.ts';
import { startFront } from '../support/front-bench.ts';
import { startOrigin } from '../support/origin.ts';

/** More fields than Node keeps unless it is told to keep all. */
const many = 1_200;
const filler: string = Array.from({ length: many }, (_, index) => `x-${index}: 1\r\n`).join('');

test(
  'no field is dropped behind a crowd of others: neither a length, nor a cookie, nor what protects an answer',
  { timeout: 20_000 },
  async (t) => {
    const peer = await use(
      t,
      startPeer((socket) => {
        socket.once('data', () =>
          socket.end(`HTTP/1.1 200 OK\r\n${filler}content-security-policy: x\r\ncontent-length: 2\r\n\r\nok`),
        );
      }),
    );
    const gateway = await startTestGateway(t);
    const client = await gateway.dial();
    client.say(
      `POST http://${peer.address}/ HTTP/1.1\r\n${filler}Authorization: last\r\nContent-Length: 4\r\n\r\nbody`,
    );
    await client.hears('\r\n\r\nok');
    assert.match(peer.received.toString(), /\r\nAuthorization: last\r\nContent-Length: 4\r\n.*\r\n\r\nbody$/s);
    assert.match(client.text, /\r\ncontent-security-policy: x\r\n/);
    const front = await startFront(t, (_, response) => {
      const fields = Array.from({ length: many }, (__, index) => [`x-${index}`, '1']).flat();
      response.writeHead(200, [...fields, 'set-cookie', 'last=1']).end();
    });
    front.runtime.maxHeadersCount = 0;
    front.use();
    const heard = await front.raw(`GET / HTTP/1.1\r\nHost: a\r\n${filler}cookie: last\r\nConnection: close\r\n\r\n`);
    assert.match(heard, /\r\nset-cookie: last=1\r\n/);
    const { fields } = front.reached[0]!;
    assert.equal(fields[fields.indexOf('cookie') + 1], 'last');
  },
);

test('an upgrade has no body that could become a request of its own', { timeout: 20_000 }, async (t) => {
  const peer = await use(t, startPeer('silent'));
  const gateway = await startTestGateway(t);
  const upgrade = `GET http://${peer.address}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const framings = [`Content-Length: ${inner.length}\r\n\r\n${inner}`];
  framings.push(`Transfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`);
  for (const framing of framings) {
    const client = await gateway.dial();
    client.say(upgrade + framing);
    await client.ended;
    assert.equal(client.status, 400, framing);
  }
  assert.equal(peer.connections, 0);
});

test('what an origin says with an upgrade holds no field of the gateway’s own and no second line', async (t) => {
  const peer = await use(
    t,
    startPeer((socket) => {
      const fields = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSallyport-Error: tcp_loop\r\nX-Latin: \xe9\r\n';
      socket.once('data', () => socket.end(Buffer.from(`HTTP/1.1 101 O\x01K\r\n${fields}\r\n`, 'latin1')));
    }),
  );
  const gateway = await startTestGateway(t);
  const client = await gateway.dial();
  client.say(`GET http://${peer.address}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await client.hears('\r\n\r\n');
  client.socket.end();
  await client.ended;
  assert.equal(client.status, 101);
  assert.match(client.text, /^HTTP\/1\.1 101 OK\r\n/);
  assert.match(client.text, /\r\nX-Latin: \xe9\r\n/);
  assert.doesNotMatch(client.text, /sallyport-error/i);
});

/** Asks `fetch()` for `init` and tells what came, for each of a list; then one more that must get its own answer. */
const asking = `export default { async fetch(request) {
  const { url, inits } = await request.json();
  const told = [];
  for (const init of inits) {
    try {
      const answer = await fetch(url + (init.path ?? '/x'), init);
      told.push(answer.status + ' ' + (await answer.text()));
    } catch (error) { told.push(error.name); }
  }
  told.push(await (await fetch(url + '/after')).text());
  return Response.json(told);
} };`;

async function tell(
  bench: { ask: (path: string, init: RequestInit) => Promise<Response> },
  asked: object,
): Promise<string[]> {
  return (await (await bench.ask('/', { method: 'POST', body: JSON.stringify(asked) })).json()) as string[];
}

test(
  'fields that frame a body, or say what a connection is for, are not a Worker’s to choose',
  { timeout: 30_000 },
  async (t) => {
    const seen: string[] = [];
    const origin = await startOrigin(t, (request, response) => {
      let body = '';
      request.on('data', (data: Buffer) => (body += String(data)));
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.host} ${body.length}`);
        response.end(request.url);
      });
    });
    const bench = await startBench(t, asking);
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    const fields: Record<string, string>[] = [
      { 'content-length': '0' },
      { 'content-length': '3' },
      { 'transfer-encoding': 'chunked' },
      { 'transfer-encoding': 'identity', 'content-length': '3' },
      { 'transfer-encoding': 'xchunked' },
      { connection: 'content-length, transfer-encoding, host' },
      { connection: 'keep-alive, upgrade', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' },
      { host: 'elsewhere.example' },
      { expect: '100-continue' },
      { te: 'trailers', trailer: 'host' },
      { 'proxy-connection': 'close', 'keep-alive': 'timeout=1' },
      { 'x-a': 'b\nTransfer-Encoding: chunked' },
      { 'x-a': 'b\r\n\r\nGET /smuggled HTTP/1.1\r\n' },
      { 'x\r\ny': '1' },
    ];
    const inits = fields.map((headers, index) => ({ method: 'POST', path: `/${index}`, headers, body: inner }));
    const told = await tell(bench, { url: origin.url, inits });
    assert.equal(told.pop(), '/after');
    const { host } = new URL(origin.url);
    assert.equal(seen.pop(), `GET /after ${host} 0`);
    for (const line of seen) assert.match(line, new RegExp(`^POST /\\d+ ${host} ${inner.length}$`));
    for (const [index, text] of told.entries()) {
      assert.ok(text === `200 /${index}` || text === 'TypeError', `${JSON.stringify(fields[index])}: ${text}`);
    }
    assert.ok(told.filter((text) => text.startsWith('200')).length >= 6, told.join());
  },
);

test(
  'an answer with more, or other, bytes than its head says is not the answer to the next request',
  { timeout: 30_000 },
  async (t) => {
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned';
    const answers = [
      `HTTP/1.1 204 None\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`,
      `HTTP/1.1 304 Same\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`,
      `HTTP/1.1 205 Reset\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`,
      `HTTP/1.1 205 Reset\r\nTransfer-Encoding: chunked\r\n\r\n${poison.length.toString(16)}\r\n${poison}\r\n0\r\n\r\n`,
      `HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${poison}`,
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: a\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;ext="\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\nContent-Length: 0\r\n\r\n${poison}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding:\x0bchunked\r\nContent-Length: 0\r\n\r\n${poison}`,
    ];
    const peer = await use(
      t,
      startPeer((socket) => {
        socket.on('data', (data: Buffer) => {
          const [, path = ''] = String(data).split(' ');
          const index = Number(path.slice(1));
          socket.write(
            Number.isNaN(index)
              ? 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown'
              : Buffer.from(answers[index]!, 'latin1'),
          );
        });
      }),
    );
    const bench = await startBench(t, asking);
    const url = `http://${peer.address}`;
    for (const [index, answer] of answers.entries()) {
      for (const method of ['GET', 'HEAD']) {
        const told = await tell(bench, { url, inits: [{ method, path: `/${index}` }] });
        assert.equal(told[1], 'own', `${method} ${JSON.stringify(answer.slice(0, 60))}: ${told[0]}`);
      }
    }
    // An answer that nobody asked for, on a connection that waits to be used again.
    const late = await use(
      t,
      startPeer((socket) => {
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown'));
      }),
    );
    const again = { url: `http://${late.address}`, inits: [] };
    assert.deepEqual(await tell(bench, again), ['own']);
    const [idle] = late.open;
    const closed = once(idle!, 'end', { signal: AbortSignal.timeout(10_000) });
    idle!.write(poison);
    await closed;
    assert.deepEqual(await tell(bench, again), ['own']);
  },
);
