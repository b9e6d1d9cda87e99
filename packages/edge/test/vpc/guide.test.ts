// docs/guide/vpc.md and examples/private-api tell the truth: both run as they are written, behind a tunnel.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { proxyErrorsPage, toProxyErrorsPage } from '../../../../tools/generate-proxy-errors.ts';
import type { Files } from '../support/dev-bench.ts';
import { startOrigin, startTunnelBench, type TunnelBench } from '../support/tunnel-bench.ts';

const root = new URL('../../../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');
const guide = await read('docs/guide/vpc.md');

/** A project with its placeholder replaced by the id of a service that answers with what it was asked. */
async function run(t: TestContext, hostname: string, toFiles: (id: string) => Files): Promise<TunnelBench> {
  const { port } = await startOrigin(t, ({ method, url, headers }, response) => {
    response.end(`${method} ${headers.host} ${url}`);
  });
  const bench = await startTunnelBench(t, 'export default {};');
  const { tunnelId: tunnel_id } = await bench.join(
    'office',
    `ingress:
  - hostname: ${hostname}
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  const host = { hostname, resolver_network: { tunnel_id } };
  const { service_id } = await bench.tunnels.control.services.create({
    name: 'api',
    type: 'http',
    http_port: port,
    host,
  });
  await bench.write(toFiles(service_id));
  await bench.event('ready', ({ reload }) => reload);
  return bench;
}

/** JSON as the bench's own configuration has to be. */
const plain = (jsonc: string): string => jsonc.replaceAll(/^\s*\/\/.*\n/gm, '').replaceAll(/,(?=\s*\})/g, '');

test('the sample of the guide runs as it is written', async (t) => {
  const [, configuration = ''] = /```jsonc\n([^]*?)```/.exec(guide) ?? [];
  const [, worker = ''] = /```js\n([^]*?)```/.exec(guide) ?? [];
  const bench = await run(t, 'api.internal', (id) => ({
    'src/index.js': worker,
    'wrangler.json': plain(configuration).replace('<the id>', id),
  }));
  assert.equal(await bench.text('/orders?page=2'), 'GET api.internal /orders?page=2');
});

test('the example runs, and says so itself when its service cannot be reached', async (t) => {
  const [configuration, worker] = await Promise.all([
    read('examples/private-api/wrangler.jsonc'),
    read('examples/private-api/src/index.ts'),
  ]);
  const bench = await run(t, 'orders.internal', (id) => ({
    'src/index.ts': worker,
    'wrangler.json': plain(configuration).replace('00000000-0000-4000-8000-000000000000', id),
  }));
  assert.equal(await bench.text('/orders/7?full=1'), 'GET orders.internal /orders/7?full=1');
  assert.equal((await bench.ask('/other')).status, 404);
  const posted = await bench.ask('/orders', { method: 'POST', body: '{}' });
  assert.equal(await posted.text(), 'POST orders.internal /orders');
  const { services } = bench.tunnels.control;
  await services.delete(services.find('api')!.service_id);
  assert.equal((await bench.ask('/orders')).status, 503);
});

test('the page of errors is made from their table', async () => {
  assert.equal(await readFile(proxyErrorsPage, 'utf8'), toProxyErrorsPage());
});
