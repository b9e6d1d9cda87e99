// What a `sallyport dev --edge` sees of the end of its edge, and what that edge waits for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { config, type DevBench } from '../support/dev-bench.ts';
import { type RemoteBench, startRemoteBench } from '../support/remote-bench.ts';
import { startOrigin } from '../support/tunnel-bench.ts';

/** Far longer than what is waited for here may take. */
const grace = 120_000;

const worker = `export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  const response = await env.API.fetch('http://a' + pathname, { method: request.method, body: request.body });
  return new Response(response.status + ' ' + response.headers.get('sallyport-error') + ' ' + await response.text());
} };`;

interface Bench {
  dev: DevBench;
  remote: RemoteBench;
  /** Resolves with the answer that a request for `/slow` waits for. */
  slow: () => Promise<ServerResponse>;
}

async function start(t: TestContext): Promise<Bench> {
  const { port, server } = await startOrigin(t, ({ url }, response) => {
    if (url === '/slow') server.emit('slow', response);
    else response.end('here');
  });
  const yaml = `ingress:\n  - { hostname: api.internal, service: "tcp://127.0.0.1:${port}" }\n  - service: http_status:404`;
  const remote = await startRemoteBench(t, yaml);
  const { service_id } = await remote.edge.tunnels.control.services.create(remote.toService({ http_port: port }));
  const bindings = config({ vpc_services: [{ binding: 'API', service_id }] });
  const files = { 'wrangler.json': bindings, 'src/index.js': worker };
  const dev = await remote.dev(files, { policy: workerPolicy });
  return { dev, remote, slow: async () => ((await once(server, 'slow')) as [ServerResponse])[0] };
}

for (const method of ['GET', 'POST']) {
  test(`a ${method} whose edge is lost before it answered is a ProxyError, and a line of the log`, async (t) => {
    const { dev, remote, slow } = await start(t);
    assert.equal(await dev.text('/'), '200 null here');
    const asked = slow();
    const answer = dev.ask('/slow', { method, ...(method === 'GET' ? {} : { body: 'x' }) });
    await asked;
    await remote.stop();
    const expected = '500 tunnel_unavailable ProxyError: destination_unavailable';
    assert.equal(await (await answer).text(), expected);
    const event = await dev.gateway.next(({ code }) => code !== undefined);
    assert.deepEqual([event.code, event.binding, event.method], ['tunnel_unavailable', 'API', method]);
    assert.match(event.detail ?? '', /^the edge at http:\S+ (broke off before it answered|did not answer)/);
    assert.match(event.remedy ?? '', /--edge/);
  });
}

test('what the edge itself says of a failure passes with its mark, and is told once', async (t) => {
  const { dev, remote } = await start(t);
  const { services } = remote.edge.tunnels.control;
  await services.delete(services.find('api')!.service_id);
  assert.equal(await dev.text('/'), '500 vpc_service_unknown ProxyError: destination_not_found');
  await dev.gateway.next(({ code }) => code === 'vpc_service_unknown');
  await remote.stop();
  assert.match(await dev.text('/'), /^500 tunnel_unavailable/);
  await dev.gateway.next(({ code }) => code === 'tunnel_unavailable');
  assert.equal(dev.gateway.all.length, 2);
});

test('a draining edge refuses new requests at once, finishes what runs, and is gone then', async (t) => {
  const { dev, remote, slow } = await start(t);
  const asked = slow();
  const running = dev.text('/slow');
  const response = await asked;
  assert.equal(await dev.text('/'), '200 null here');
  const drained = remote.edge.drain(grace);
  const late = await dev.text('/');
  assert.equal(late, '500 tunnel_unavailable ProxyError: destination_unavailable');
  response.end('done');
  assert.equal(await running, '200 null done');
  await drained;
});

test('what still runs when the grace of a draining edge is over is a ProxyError that names the edge', async (t) => {
  const { dev, remote, slow } = await start(t);
  const asked = slow();
  const running = dev.text('/slow');
  await asked;
  await remote.edge.drain(50);
  assert.equal(await running, '500 tunnel_unavailable ProxyError: destination_unavailable');
});

test('a dev that keeps asking does not hold a draining edge', async (t) => {
  const { dev, remote } = await start(t);
  assert.equal(await dev.text('/'), '200 null here');
  const over = new AbortController();
  const drained = remote.edge.drain(grace).finally(() => over.abort());
  while (!over.signal.aborted) assert.match(await dev.text('/'), /^(200 null here|500 tunnel_unavailable .*)$/);
  await drained;
});
