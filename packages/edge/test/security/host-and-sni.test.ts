// Who a request is for, said in several places that may disagree: URL, Host, absolute form, SNI, certificate.
// Client certificates and private services: test/tls/ways, test/tls/records and test/vpc/service-fetch.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { testAuthority } from '@sallyport/testkit';
import { BackendState } from '../../src/front/backend.ts';
import { startBench, temporaryFolder } from '../support/dev-bench.ts';
import { startFront } from '../support/front-bench.ts';

/** `[url, fields]` pairs in, what each was answered with out. */
const asking = `export default { async fetch(request) {
  const told = [];
  for (const [url, headers] of await request.json()) {
    const answer = await fetch(url, { headers }).catch((error) => error);
    told.push(answer instanceof Error ? answer.message : answer.status === 200 ? await answer.text() : answer.headers.get('sallyport-error'));
  }
  return Response.json(told);
} };`;

const nameOf = (request: IncomingMessage): string | false => (request.socket as TLSSocket).servername ?? false;

test(
  'SNI, Host and the name in the certificate are those of the URL, on kept connections too',
  { timeout: 30_000 },
  async (t) => {
    const { ca, issue } = await testAuthority();
    const server = createSecureServer(await issue('good'), (request, response) => {
      response.end(`${nameOf(request)} ${request.headers.host}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const bench = await startBench(t, asking, { authorities: [{ source: 'the test', pem: ca }] as never });
    const asked: [string, Record<string, string>][] = [
      [`https://localhost:${port}/`, {}],
      [`https://localhost:${port}/`, { host: 'elsewhere.example' }],
      [`https://LOCALHOST:${port}/`, { host: 'a', 'x-forwarded-host': 'b' }],
      [`https://user:pass@localhost:${port}/`, {}],
      [`https://other.localhost:${port}/`, { host: `localhost:${port}` }],
      [`https://127.0.0.1:${port}/`, { host: `localhost:${port}` }],
      [`https://localhost.:${port}/`, {}],
    ];
    const told = (await (await bench.ask('/', { method: 'POST', body: JSON.stringify(asked) })).json()) as string[];
    const right = `localhost localhost:${port}`;
    assert.deepEqual(told.slice(0, 4), [right, right, right, right]);
    // The kept connection is that of another name; the certificate is not for this one.
    assert.match(told[4]!, /^(?:tls_name_mismatch|dns_error)$/);
    assert.ok(told[5] === 'tls_name_mismatch' || told[5] === `false 127.0.0.1:${port}`, told[5]);
    assert.match(told[6]!, /^localhost localhost\.?:\d+$|^tls_name_mismatch$/);
  },
);

/** A runtime that says its name, and what it takes for the host. */
async function startNamed(t: TestContext, name: string): Promise<BackendState> {
  const path = join(await temporaryFolder(t), 'http.sock');
  const server = createServer((request, response) => void response.end(`${name} for ${request.headers.host}\n`));
  server.listen(path);
  await once(server, 'listening');
  const backend = new BackendState();
  backend.use({ socketPath: path, triggersSocketPath: path });
  t.after(async () => {
    await backend.pause(0);
    server.closeAllConnections();
    server.close();
  });
  return backend;
}

test('the Worker that is chosen and the host that it is told are the same, however a request says it', async (t) => {
  const [one, two] = [await startNamed(t, 'one'), await startNamed(t, 'two')];
  const upstreams = new Map([
    ['one.example', one],
    ['two.example', two],
  ]);
  const bench = await startFront(t, undefined, { findUpstream: (host) => upstreams.get(host) });
  const end = 'Connection: close\r\n\r\n';
  for (const [head, body] of [
    ['GET / HTTP/1.1\r\nHost: one.example\r\n', 'one for one.example'],
    ['GET / HTTP/1.1\r\nHost: ONE.example.:80\r\n', 'one for ONE.example.:80'],
    ['GET http://two.example/ HTTP/1.1\r\nHost: one.example\r\n', 'two for two.example'],
    ['GET https://two.example:1/ HTTP/1.1\r\nHost: one.example\r\n', 'two for two.example:1'],
    [
      'GET / HTTP/1.1\r\nHost: one.example\r\nX-Forwarded-Host: two.example\r\nForwarded: host=two.example\r\n',
      'one for one.example',
    ],
    ['GET //two.example/ HTTP/1.1\r\nHost: one.example\r\n', 'one for one.example'],
    ['GET /http://two.example/ HTTP/1.1\r\nHost: one.example\r\n', 'one for one.example'],
    ['GET /@two.example HTTP/1.1\r\nHost: one.example\r\n', 'one for one.example'],
  ] as const) {
    const heard = await bench.raw(head + end);
    assert.match(heard, /^HTTP\/1\.1 200 /, head);
    assert.ok(heard.includes(`${body}\n`), `${head}: ${heard}`);
  }
  for (const head of [
    'GET / HTTP/1.1\r\nHost: one.example\r\nHost: two.example\r\n',
    'GET / HTTP/1.1\r\nHost: one.example@two.example\r\n',
    'GET / HTTP/1.1\r\nHost: one.example/two.example\r\n',
    'GET / HTTP/1.1\r\nHost: one.example two.example\r\n',
    'GET / HTTP/1.1\r\nHost: one.example:80:81\r\n',
    'GET / HTTP/1.1\r\nHost: \r\n',
    'GET http://one.example@two.example/ HTTP/1.1\r\nHost: one.example\r\n',
    'GET http:///two.example/ HTTP/1.1\r\nHost: one.example\r\n',
    'GET http:two.example HTTP/1.1\r\nHost: one.example\r\n',
    'GET *two.example HTTP/1.1\r\nHost: one.example\r\n',
    'GET / HTTP/1.1\r\n',
  ]) {
    assert.match(await bench.raw(head + end), /^HTTP\/1\.1 400 /, head);
  }
  for (const host of ['one.example,two.example', 'two.example%00', 'evil-one.example', 'x.one.example', '127.0.0.1']) {
    assert.doesNotMatch(await bench.raw(`GET / HTTP/1.1\r\nHost: ${host}\r\n${end}`), /^HTTP\/1\.1 200 /, host);
  }
  // Each of several requests on a connection is its own.
  const both = ['one', 'two'].map((name) => `GET / HTTP/1.1\r\nHost: ${name}.example\r\n`);
  const heard = await bench.raw(`${both[0]}\r\n${both[1]}${end}`);
  assert.match(heard, /one for one\.example\n[^]*two for two\.example\n/);
});
