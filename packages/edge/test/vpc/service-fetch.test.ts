// `env.API.fetch()`: an HTTP service behind a tunnel, by a binding that leads nowhere else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrigin } from '../support/tunnel-bench.ts';
import { startVpcBench } from '../support/vpc-bench.ts';

/** `/?URL` asks the service for that URL and tells what came back. */
const asking = `export default { async fetch(request, env) {
  const url = decodeURIComponent(new URL(request.url).search.slice(1));
  const response = await env.API.fetch(url, { method: request.method, headers: { 'x-one': '1' }, body: request.body });
  return Response.json({ status: response.status, type: response.headers.get('content-type'),
    error: response.headers.get('sallyport-error'), text: await response.text(), url: response.url });
} };`;

interface Answer {
  status: number;
  type: string | null;
  error: string | null;
  text: string;
}

test('whatever the URL says, the service is asked; its host becomes Host, its port means nothing', async (t) => {
  const { port } = await startOrigin(t, (request, response) => {
    const { method, url, headers } = request;
    response.end([method, url, headers.host, headers['x-one']].join(' '));
  });
  const bench = await startVpcBench(t, asking, { http_port: port });
  const ask = async (url: string, init?: RequestInit): Promise<Answer> =>
    (await (await bench.ask(`/?${encodeURIComponent(url)}`, init)).json()) as Answer;
  assert.equal((await ask('http://anything/path?a=1')).text, 'GET /path?a=1 anything 1');
  assert.equal((await ask('http://169.254.169.254/latest')).text, 'GET /latest 169.254.169.254 1');
  assert.equal((await ask('http://[::1]:9/')).text, 'GET / [::1]:9 1');
  assert.equal(
    (await ask('http://u:p@localhost:1/x%2Fy', { method: 'PUT', body: 'b' })).text,
    'PUT /x%2Fy localhost:1 1',
  );
  const event = await bench.gateway.next(({ kind }) => kind === 'fetch');
  assert.deepEqual(
    [event.binding, event.destination, event.status, event.decision?.route.kind],
    ['API', `api.internal:${port}`, 200, 'tunnel'],
  );
  const refused = await ask('https://anything/');
  assert.deepEqual(
    [refused.status, refused.text, refused.error],
    [500, 'ProxyError: http_request_denied', 'vpc_scheme'],
  );
});
