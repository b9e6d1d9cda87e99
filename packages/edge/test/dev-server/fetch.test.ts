// `fetch()` out of a Worker: through workerd, the gateway and egress to a real origin.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import { createGunzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { createAuthority, sourceBytes, sourceHash, startPeer, startRefusing, use } from '@sallyport/testkit';
import { deferred } from '../support/deferred.ts';
import { startBench } from '../support/dev-bench.ts';
import { read, startOrigin } from '../support/origin.ts';

/** Passes what it is asked to the origin in `?to=`, and the answer back, with what fetch() itself said in a header. */
const proxy = `export default { async fetch(request) {
  const to = new URL(request.url).searchParams.get('to');
  const { method, body, headers } = request;
  const response = await fetch(to, { method, headers, body, redirect: request.headers.get('x-redirect') ?? 'follow' });
  const answer = new Response(response.body, response);
  answer.headers.set('x-url', response.url);
  return answer;
} };`;

const to = (url: string): string => `/?to=${encodeURIComponent(url)}`;

test('fetch() reaches http and https, the latter trusting what the host trusts', async (t) => {
  const authority = await createAuthority();
  const plain = await startOrigin(t, (request, response) => response.end(`plain ${request.headers.host}`));
  const secure = await startOrigin(
    t,
    (request, response) => response.end(`tls ${request.headers.host}`),
    await authority.issue('good'),
  );
  const unknown = await startOrigin(t, (_, response) => response.end('never'), await authority.issue('self-signed'));
  const bench = await startBench(t, proxy, { authorities: [{ pem: authority.ca }] });
  assert.equal(await bench.text(to(plain.url)), `plain ${new URL(plain.url).host}`);
  assert.equal(await bench.text(to(secure.url)), `tls ${new URL(secure.url).host}`);
  const event = await bench.gateway.next(({ secure: isSecure }) => isSecure);
  assert.deepEqual(
    [event.kind, event.destination, event.method, event.status],
    ['fetch', new URL(secure.url).host, 'GET', 200],
  );
  const refused = await bench.ask(to(unknown.url));
  assert.equal(refused.status, 526);
  assert.match(await refused.text(), /^error code: 526\n[\s\S]*tls_self_signed: /);
});

test('redirects are followed, and one to a forbidden address is not', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    const location = new URL(request.url ?? '/', 'http://x').searchParams.get('location');
    if (location === null) response.end(`arrived by ${request.method}`);
    else response.writeHead(303, { location }).end();
  });
  const bench = await startBench(t, proxy);
  const via = (location: string): string => to(`${origin.url}/?location=${encodeURIComponent(location)}`);
  const followed = await bench.ask(via('/end'), { method: 'POST', body: 'x' });
  assert.deepEqual([await followed.text(), followed.headers.get('x-url')], ['arrived by GET', `${origin.url}/end`]);
  const manual = await bench.ask(via('/end'), { headers: { 'x-redirect': 'manual' }, redirect: 'manual' });
  assert.deepEqual([manual.status, manual.headers.get('location')], [303, '/end']);
  const denied = await bench.ask(via('http://169.254.169.254/latest/meta-data/'));
  assert.deepEqual([denied.status, denied.headers.get('sallyport-error')], [403, 'destination_denied']);
  await denied.text();
});

test('why an origin cannot be reached is a status, a header and a text', async (t) => {
  const refusing = await use(t, startRefusing());
  const garbage = await use(t, startPeer('plaintext', { data: 'SSH-2.0-OpenSSH\r\n' }));
  const reset = await use(t, startPeer('reset-after-bytes', { bytes: 1 }));
  const bench = await startBench(t, proxy);
  const cases: [string, number, string][] = [
    [`http://${refusing.address}/`, 521, 'connection_refused'],
    ['http://nobody.invalid/', 530, 'dns_error'],
    ['http://0x7f.1:25/', 403, 'port_25'],
    [`${bench.server.url}/`, 508, 'tcp_loop'],
    [`https://localhost:${garbage.port}/`, 525, 'tls_not_tls'],
    [`http://${garbage.address}/`, 520, 'bad_response'],
    [`http://${reset.address}/`, 520, 'bad_response'],
  ];
  for (const [url, status, code] of cases) {
    const response = await bench.ask(to(url));
    const body = await response.text();
    assert.deepEqual([response.status, response.headers.get('sallyport-error')], [status, code], `${url}: ${body}`);
    assert.ok(body.startsWith(`error code: ${status}\n`), body);
  }
});

test('bodies of 64 MiB pass both ways unchanged', async (t) => {
  const size = 64 * 1024 * 1024;
  const origin = await startOrigin(t, async (request, response) => {
    if (request.method === 'GET') return void Readable.from(pieces(size)).pipe(response);
    const hash = createHash('sha256');
    for await (const chunk of request) hash.update(chunk as Uint8Array);
    response.end(hash.digest('hex'));
  });
  const bench = await startBench(t, proxy);
  const download = await bench.ask(to(origin.url));
  const hash = createHash('sha256');
  for await (const chunk of download.body!) hash.update(chunk as Uint8Array);
  assert.equal(hash.digest('hex'), sourceHash(size));
  const upload = await bench.ask(to(origin.url), {
    method: 'POST',
    body: Readable.toWeb(Readable.from(pieces(size))) as ReadableStream<Uint8Array>,
    duplex: 'half',
  });
  assert.equal(await upload.text(), sourceHash(size));
});

function* pieces(size: number): Generator<Uint8Array> {
  for (let offset = 0; offset < size; offset += 65_536) yield sourceBytes(offset, Math.min(65_536, size - offset));
}

test('a response streams: its first piece arrives while the origin still holds the rest back', async (t) => {
  const held = deferred<ServerResponse>();
  const origin = await startOrigin(t, (_, response) => {
    response.write('first');
    held.resolve(response);
  });
  const bench = await startBench(t, proxy);
  const response = await bench.ask(to(origin.url));
  const reader = response.body!.getReader();
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'first');
  (await held.promise).end('last');
  assert.equal(Buffer.from((await reader.read()).value!).toString(), 'last');
  assert.equal((await reader.read()).done, true);
});

test('a request streams: the origin reads its first piece while the client still holds the rest back', async (t) => {
  let client!: ReadableStreamDefaultController<Uint8Array>;
  const origin = await startOrigin(t, async (request, response) => {
    const [first] = (await once(request, 'data')) as [Buffer];
    client.enqueue(Buffer.from('last'));
    client.close();
    response.end(`${first.toString()} then ${(await read(request)).toString()}`);
  });
  const bench = await startBench(t, proxy);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      client = controller;
      controller.enqueue(Buffer.from('first'));
    },
  });
  const response = await bench.ask(to(origin.url), { method: 'PUT', body, duplex: 'half' });
  assert.equal(await response.text(), 'first then last');
});

test('a client that does not read holds the origin back', async (t) => {
  let sent = 0;
  const stall = deferred();
  const size = 256 * 1024 * 1024;
  const origin = await startOrigin(t, (_, response) => {
    const write = (): void => {
      while (sent < size) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) {
          const timer = setTimeout(stall.resolve, 1_000);
          return void response.once('drain', () => {
            clearTimeout(timer);
            write();
          });
        }
      }
      response.end();
    };
    write();
  });
  const bench = await startBench(t, proxy);
  const response = await bench.ask(to(origin.url));
  await stall.promise;
  t.diagnostic(`${sent} bytes on the way`);
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
  await response.body!.cancel();
});

test('HEAD, 204 and 304 have no body and keep their fields', async (t) => {
  const origin = await startOrigin(t, (request, response) => {
    const status = Number(request.url?.slice(1));
    const fields = status === 200 ? { 'content-length': '12345', etag: '"a"' } : { etag: '"a"' };
    response.writeHead(status, fields).end();
  });
  const bench = await startBench(t, proxy);
  const head = await bench.ask(to(`${origin.url}/200`), { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '12345', '']);
  for (const status of [204, 304]) {
    const response = await bench.ask(to(`${origin.url}/${status}`));
    assert.deepEqual([response.status, response.headers.get('etag'), await response.text()], [status, '"a"', '']);
  }
});

test('fields travel as they are: several Set-Cookie, compression, unusual names', async (t) => {
  let asked: string[] = [];
  const origin = await startOrigin(t, (request, response) => {
    asked = request.rawHeaders;
    response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2, c', 'Content-Encoding', 'gzip', 'X-Odd', 'é']);
    response.end(gzipSync('squeezed'));
  });
  const bench = await startBench(t, proxy);
  const outgoing = ask(bench.server.url + to(origin.url), { headers: { 'x-mine': 'yes', te: 'trailers' } });
  outgoing.end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2, c']);
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal((await read(answer.pipe(createGunzip()))).toString(), 'squeezed');
  const names = asked.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  assert.ok(names.includes('x-mine') && !names.includes('te') && !names.includes('sallyport-error'), names.join());
});

test('connections to an origin are used again, also after trailers', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('body');
    response.addTrailers({ 'x-sum': '4' });
    response.end();
  });
  const bench = await startBench(t, proxy);
  for (let round = 0; round < 5; round += 1) assert.equal(await bench.text(to(origin.url)), 'body');
  assert.equal(origin.connections, 1);
});

test('a client that goes takes its request to the origin along', async (t) => {
  let closed: Promise<unknown> = Promise.resolve();
  const arrival = deferred();
  const origin = await startOrigin(t, (request, response) => {
    closed = once(response, 'close');
    response.write(`hello ${request.method}`);
    arrival.resolve();
  });
  const bench = await startBench(t, proxy);
  const abort = new AbortController();
  const response = await bench.ask(to(origin.url), { signal: abort.signal });
  await arrival.promise;
  abort.abort();
  await closed;
  await assert.rejects(response.text());
});

test('an origin that breaks off breaks the answer off', async (t) => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('only this', () => response.destroy());
  });
  const bench = await startBench(t, proxy);
  const response = await bench.ask(to(origin.url)).catch(() => undefined);
  if (response?.ok === true) await assert.rejects(response.text());
});

test('an upload that the Worker does not read still gets its answer', async (t) => {
  const bench = await startBench(t, `export default { fetch: () => new Response('no thanks', { status: 413 }) };`);
  const response = await bench.ask('/', { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) });
  assert.deepEqual([response.status, await response.text()], [413, 'no thanks']);
});
