// Two Workers of one edge, each with a service of its own under the same name: neither gets at the other's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { use } from '@sallyport/testkit';
import { Edge, type HostEvent } from '../../src/index.ts';
import { config, temporaryFolder, writeFiles } from '../support/dev-bench.ts';
import { read } from '../support/origin.ts';
import { Recorder } from '../support/recorder.ts';
import { startOrigin } from '../support/tunnel-bench.ts';

const source = `export default { async fetch(request, env) {
  const say = (promise) => promise.then((response) => response.text(), (error) => error.message);
  // Of a scheme that the service has no port for.
  if (request.url.endsWith('/wrong')) return env.API.fetch('https://x/');
  return Response.json([await say(env.API.fetch('http://x/')), await say(fetch('http://127.0.0.1:PORT/'))]);
} };`;

test('Workers of one edge reach their own services, and those of others by no way', async (t) => {
  const [one, two] = await Promise.all(
    ['one', 'two'].map((name) => startOrigin(t, (_, response) => void response.end(name))),
  );
  const folder = await temporaryFolder(t);
  const names = ['one', 'two'];
  for (const name of names)
    await writeFiles(join(folder, name), { 'wrangler.json': config({ name }), 'src/index.js': '' });
  const anywhere = { host: '127.0.0.1', port: 0 };
  const events = new Recorder<HostEvent & { worker: string }>();
  const edge = await use(
    t,
    Edge.start({
      config: {
        file: join(folder, 'sallyport.toml'),
        state: join(folder, 'state'),
        http: anywhere,
        tunnel: { ...anywhere, advertise: undefined },
        control: anywhere,
        metrics: anywhere,
        hyperdrive: { cacheBytes: undefined, trustFunctions: false },
        workers: names.map((name) => ({
          project: join(folder, name),
          env: undefined,
          hostnames: [`${name}.localhost`],
          network: undefined,
          policy: workerPolicy,
        })),
        trust: [],
      },
      eventsOf: (worker) => ({ onHostEvent: (event) => events.add({ ...event, worker }), onGatewayEvent: () => {} }),
      onRequest: () => {},
      onTunnelEvent: () => {},
    }),
  );
  const ports: Record<string, [own: number, other: number]> = {
    one: [one!.port, two!.port],
    two: [two!.port, one!.port],
  };
  for (const name of names) {
    const [http_port, other] = ports[name]!;
    const service = { name, type: 'http', http_port, host: { ipv4: '127.0.0.1' } };
    const { service_id } = await edge.tunnels.control.services.create(service);
    await writeFiles(join(folder, name), {
      'src/index.js': source.replace('PORT', String(other)),
      'wrangler.json': config({ name, vpc_services: [{ binding: 'API', service_id }] }),
    });
    await events.next(({ worker, type }) => worker === name && type === 'ready');
  }
  const ask = async (name: string, path = '/'): Promise<string> => {
    const asked = request(`${edge.url}${path}`, { headers: { host: `${name}.localhost` }, agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [AsyncIterable<Uint8Array>];
    return String(await read(answer));
  };
  for (const name of names) {
    const [own, past] = JSON.parse(await ask(name)) as string[];
    assert.equal(own, name);
    assert.match(past ?? '', /destination_denied/);
  }

  assert.equal(await ask('one', '/wrong'), 'ProxyError: http_request_denied');
  const page = await fetch(`http://127.0.0.1:${edge.metrics!.port}/metrics`);
  const text = await page.text();
  const lines = text.split('\n').filter((line) => /^sallyport_vpc_(requests|seconds_count)/.test(line));
  const [first, second] = edge.tunnels.control.services
    .list()
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ service_id: id, name }) => `service="${id}",name="${name}"`);
  assert.deepEqual(
    lines.toSorted(),
    [
      `sallyport_vpc_requests_total{${first},kind="fetch",result="http_request_denied"} 1`,
      `sallyport_vpc_requests_total{${first},kind="fetch",result="ok"} 1`,
      `sallyport_vpc_requests_total{${second},kind="fetch",result="ok"} 1`,
      `sallyport_vpc_seconds_count{${first}} 2`,
      `sallyport_vpc_seconds_count{${second}} 1`,
    ].toSorted(),
  );
  for (const labels of [first, second]) {
    for (const direction of ['in', 'out']) {
      assert.match(text, new RegExp(`^sallyport_vpc_bytes_total\\{${labels},direction="${direction}"\\} [1-9]`, 'm'));
    }
  }
  const id = edge.tunnels.control.services.list()[0]!.service_id;
  await edge.tunnels.control.services.delete(id);
  const after = await (await fetch(`http://127.0.0.1:${edge.metrics!.port}/metrics`)).text();
  assert.doesNotMatch(after, new RegExp(id));
});
