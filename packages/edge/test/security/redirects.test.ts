// Redirects as a way to where a Worker may not go: every hop is a request of its own, judged as any other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definePolicy, workerPolicy } from '@sallyport/egress';
import { startPeer, use } from '@sallyport/testkit';
import { startBench } from '../support/dev-bench.ts';
import { startOrigin } from '../support/origin.ts';
import { startVpcBench } from '../support/vpc-bench.ts';

/** `{ url, headers }` in, `[status, text, error code]` out. */
const asking = `export default { async fetch(request, env) {
  const { url, ...init } = await request.json();
  try {
    const answer = await (env.API ?? globalThis).fetch(url, init);
    return Response.json([answer.status, await answer.text(), answer.headers.get('sallyport-error')]);
  } catch (error) { return Response.json([0, error.message, null]); }
} };`;

type Told = [status: number, text: string, code: string | null];
type Ask = { ask: (path: string, init: RequestInit) => Promise<Response> };

async function ask(bench: Ask, asked: object): Promise<Told> {
  return (await (await bench.ask('/', { method: 'POST', body: JSON.stringify(asked) })).json()) as Told;
}

/** Redirects to what its query says. */
const redirecting = (status: number) => (request: { url?: string | undefined }, response: { writeHead: Function }) =>
  // As bytes: what a location may hold is not for the origin's server to decide.
  response
    .writeHead(status, { location: Buffer.from(decodeURIComponent(request.url!.split('?')[1]!)).toString('latin1') })
    .end();

test(
  'a redirect leads nowhere that a request would not, in any spelling, for any method',
  { timeout: 60_000 },
  async (t) => {
    const secret = await use(t, startPeer('silent'));
    const [found, kept] = await Promise.all([302, 307].map((status) => startOrigin(t, redirecting(status) as never)));
    const ports = [found!, kept!].map(({ url }) => Number(new URL(url).port));
    // Of this machine, what the two origins listen on, and nothing else.
    const policy = definePolicy([
      ...ports.map((port) => ({ action: 'allow' as const, to: '127.0.0.1', ports: [port] })),
      ...workerPolicy.entries,
    ]);
    const bench = await startBench(t, asking, { policy, inspectorPort: 0 });
    const { port } = secret;
    const own = [
      new URL(bench.server.url).port,
      bench.server.inspectorPort,
      new URL(bench.server.tunnels!.controlUrl).port,
    ];
    const denied = [
      'http://169.254.169.254/latest/meta-data/',
      'http://2852039166/',
      'http://0xa9.0xfe.0xa9.0xfe/',
      'http://0251.0376.0251.0376/',
      'http://[::ffff:169.254.169.254]/',
      'http://[64:ff9b::a9fe:a9fe]/',
      'http://[fe80::1]/',
      'http://metadata.google.internal/',
      '//169.254.169.254/',
      '\\\\169.254.169.254\\',
      'http:/\\169.254.169.254/',
      'http://allowed.example@169.254.169.254/',
      'http://169。254。169。254/',
      'http://①②⑦.0.0.1:PORT/',
      'https://127.0.0.1:PORT/',
      'http://localhost:PORT/',
      'http://127.1:PORT/',
      'http://2130706433:PORT/',
      'http://[::1]:PORT/',
      'http://[::]:PORT/',
      'http://0:PORT/',
      'http://0.0.0.0:PORT/',
      'http://10.0.0.1/',
      ...own.map((each) => `http://127.0.0.1:${each}/`),
    ].map((to) => to.replace('PORT', String(port)));
    for (const { url } of [found!, kept!]) {
      const start = url.replace('localhost', '127.0.0.1');
      for (const to of denied) {
        for (const method of ['GET', 'POST']) {
          const body = method === 'POST' ? 'a body' : undefined;
          const [status, text, code] = await ask(bench, { url: `${start}/?${encodeURIComponent(to)}`, method, body });
          assert.ok(
            status === 403 && /^(destination_denied|tcp_loop)$/.test(code ?? ''),
            `${method} ${to}: ${status} ${text}`,
          );
        }
      }
      for (const to of [
        'file:///etc/passwd',
        'unix:/tmp/x',
        'data:text/plain,x',
        'ftp://127.0.0.1/',
        'gopher://127.0.0.1:1/',
      ]) {
        const [status] = await ask(bench, { url: `${start}/?${encodeURIComponent(to)}` });
        assert.ok(status === 0 || status >= 400, `${to}: ${status}`);
      }
    }
    assert.equal(secret.connections, 0);
  },
);

test('what is for one host is not told to the next', async (t) => {
  const told: (string | undefined)[] = [];
  const other = await startOrigin(t, ({ headers }, response) => {
    told.push(headers.host, headers.authorization, headers['proxy-authorization']);
    response.end('other');
  });
  const first = await startOrigin(t, redirecting(302) as never);
  const bench = await startBench(t, asking);
  const headers = { authorization: 'Bearer secret', 'proxy-authorization': 'Basic secret' };
  const to = other.url.replace('//', '//user:password@');
  const [status, text] = await ask(bench, { url: `${first.url}/?${encodeURIComponent(to)}`, headers });
  assert.deepEqual([status, text], [200, 'other']);
  const [host, authorization, proxy] = told;
  assert.equal(host, new URL(other.url).host);
  assert.doesNotMatch(`${authorization}`, /secret/);
  assert.equal(proxy, undefined);
});

test('a private service that redirects leads to itself, and to nobody else', async (t) => {
  const secret = await use(t, startPeer('silent'));
  const asked: string[] = [];
  const service = await startOrigin(t, (request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    const to = request.url!.split('?')[1];
    if (to === undefined) response.end('the service');
    else redirecting(302)(request, response as never);
  });
  const bench = await startVpcBench(t, asking, { http_port: Number(new URL(service.url).port) });
  for (const to of ['http://169.254.169.254/x', `http://127.0.0.1:${secret.port}/x`, 'http://localhost/x']) {
    const [status, text] = await ask(bench, { url: `http://api/?${encodeURIComponent(to)}` });
    assert.deepEqual([status, text], [200, 'the service'], to);
    assert.equal(asked.pop(), to.slice('http://'.length));
  }
  const [status, text] = await ask(bench, { url: `http://api/?${encodeURIComponent('https://127.0.0.1/x')}` });
  assert.deepEqual([status, text], [500, 'ProxyError: http_request_denied']);
  assert.equal(secret.connections, 0);
});
