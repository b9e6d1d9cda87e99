// `sallyport dev --edge` with private services: a running edge on this machine by its state directory, and one elsewhere by
// the https URL of its control API.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { testAuthority } from '@sallyport/testkit';
import { config, temporaryFolder, writeFiles } from '../../edge/test/support/dev-bench.ts';
import { startOrigin } from '../../edge/test/support/tunnel-bench.ts';
import { ok, startConnector, startEdge } from './support/edge.ts';
import { run, startDev } from './support/run.ts';

const worker = `export default { async fetch(request, env) {
  const response = await env.API.fetch('http://api.internal/' + new URL(request.url).search);
  return new Response(response.status + ' ' + await response.text());
} };`;

test('dev reaches the private services of an edge, by its state directory and by its URL over TLS', async (t) => {
  const { port } = await startOrigin(t, ({ url }, response) => void response.end(url));
  const edge = await startEdge(t);
  await ok(edge.sallyport('tunnel', 'create', 'office'));
  await startConnector(
    t,
    edge,
    `ingress:\n  - hostname: api.internal\n    service: tcp://127.0.0.1:${port}\n  - service: http_status:404\n`,
  );
  const create = ['vpc', 'service', 'create', 'api', '--type', 'http', '--hostname', 'api.internal'];
  const made = await ok(edge.sallyport(...create, '--tunnel-id', 'office', '--http-port', String(port), '--json'));
  const { service_id } = JSON.parse(made) as { service_id: string };
  const files = {
    'wrangler.json': config({ vpc_services: [{ binding: 'API', service_id }] }),
    'src/index.js': worker,
  };

  const near = await startDev(t, files, { args: ['--edge', edge.folder, '--strict'] });
  assert.equal(await near.text('/?near'), '200 /?near');
  const line = await near.next('fetch');
  assert.deepEqual([line['binding'], line['destination'], line['status']], ['API', `api.internal:${port}`, 200]);

  const { url: api, token } = JSON.parse(await readFile(join(edge.state, 'control.json'), 'utf8')) as {
    url: string;
    token: string;
  };
  const { ca, issue } = await testAuthority();
  const secure = await startTerminator(t, await issue('good'), Number(new URL(api).port));
  await writeFiles(edge.folder, { 'ca.pem': ca, token });
  const far = await startDev(t, files, {
    args: ['--edge', `https://127.0.0.1:${secure}`, '--edge-token-file', join(edge.folder, 'token'), '--strict'],
    env: { NODE_EXTRA_CA_CERTS: join(edge.folder, 'ca.pem') },
  });
  assert.equal(await far.text('/?far'), '200 /?far');
  await ok(edge.sallyport('vpc', 'service', 'delete', 'api'));
  assert.equal(await far.text('/?gone'), '500 ProxyError: destination_not_found');
});

test('what is wrong with --edge is told with the options of dev', async (t) => {
  const cwd = await temporaryFolder(t);
  const dev = (...args: string[]) => run(['dev', ...args], { cwd });
  const alone = await dev('--edge-token-file', 'token');
  assert.match(alone.stderr, /--edge-token-file needs --edge/);
  const open = await dev('--edge', 'http://127.0.0.1:1');
  assert.match(open.stderr, /no token was given: use --edge-token-file, \$SALLYPORT_API_TOKEN_FILE or/);
  const absent = await dev('--edge', '../nope');
  assert.match(absent.stderr, /No edge found: there is no .*nope\/control\.json[^]*correct --edge/);
  const port = await dev('--edge', '127.0.0.1:27845');
  assert.match(port.stderr, /the URL would be http:\/\/127\.0\.0\.1:27845/);
  for (const { code, stderr } of [alone, open, absent, port]) {
    assert.notEqual(code, 0);
    assert.doesNotMatch(stderr, /--api-|--state/);
  }
});

/** TLS in front of a port of this machine. */
async function startTerminator(t: TestContext, certificate: { cert: string; key: string }, port: number) {
  const server = createServer({ ...certificate, allowHalfOpen: true }, (client) => {
    const inner = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => inner.destroy());
    inner.on('error', () => client.destroy());
    client.on('close', () => inner.destroy());
    inner.on('close', () => client.destroy());
    client.pipe(inner).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}
