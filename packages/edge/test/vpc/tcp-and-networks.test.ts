// `env.DB.connect()` on a service of type tcp, and whole private networks as bindings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { config } from '../support/dev-bench.ts';
import { startEcho, startOrigin, startTunnelBench, type TunnelBench } from '../support/tunnel-bench.ts';
import { startVpcBench } from '../support/vpc-bench.ts';

/** `/BINDING?HOST:PORT` sends one line there and answers with what came back; `/BINDING?URL` fetches. */
const worker = `export default { async fetch(request, env) {
  const { pathname, search } = new URL(request.url);
  const target = decodeURIComponent(search.slice(1));
  const binding = env[pathname.slice(1)];
  if (/^https?:/.test(target)) {
    const response = await binding.fetch(target);
    return new Response(response.status + ' ' + await response.text());
  }
  try {
    const socket = binding.connect(target);
    await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode('hello'));
    await writer.close();
    return new Response(socket.readable);
  } catch (error) { return new Response(error.message); }
} };`;

const ask = (bench: TunnelBench, binding: string, target: string): Promise<string> =>
  bench.text(`/${binding}?${encodeURIComponent(target)}`);

test('connect() reaches the one port of a tcp service, whatever address it is given', async (t) => {
  const port = await startEcho(t);
  const bench = await startVpcBench(t, worker, { type: 'tcp', tcp_port: port });
  assert.equal(await ask(bench, 'API', 'anything:1'), 'hello');
  assert.equal(await ask(bench, 'API', '169.254.169.254:80'), 'hello');
  const event = await bench.gateway.next(({ kind }) => kind === 'connect');
  assert.deepEqual([event.binding, event.destination], ['API', `api.internal:${port}`]);
  assert.equal(await ask(bench, 'API', 'v1.socket.sallyport:1'), 'hello');
});

test('connect() on an http service is refused', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end());
  const bench = await startVpcBench(t, worker, { http_port: port });
  assert.match(await ask(bench, 'API', 'api.internal:80'), /proxy request failed/);
  const event = await bench.gateway.next(({ code }) => code !== undefined);
  assert.equal(event.code, 'vpc_type');
  assert.match(event.detail ?? '', /use fetch\(\)/);
});

test('a tunnel as a network: what its connector lets through, by name and address, and nothing of the edge', async (t) => {
  const port = await startEcho(t);
  const { port: web } = await startOrigin(
    t,
    ({ headers, url }, response) => void response.end(`${headers.host}${url}`),
  );
  const bench = await startTunnelBench(t, 'export default {};', { policy: workerPolicy });
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: echo.internal
    service: tcp://127.0.0.1:${port}
  - hostname: 10.77.0.5
    service: tcp://127.0.0.1:${web}
  - service: http_status:404`,
  );
  const missing = '11111111-2222-4333-8444-555555555555';
  const networks = [
    { binding: 'OFFICE', tunnel_id: tunnelId },
    { binding: 'GONE', tunnel_id: missing },
    { binding: 'NAMED', tunnel_id: 'office' },
    { binding: 'OTHER', tunnel_id: 'default' },
  ];
  await bench.write({ 'wrangler.json': config({ vpc_networks: networks }), 'src/index.js': worker });
  await bench.event('ready', ({ reload }) => reload);
  const { diagnostics } = await bench.event('diagnostics');
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['vpc_network_unknown', 'vpc_network_unknown', 'vpc_network_unknown'],
  );
  const { id } = bench.tunnels.control.networks.find('default')!;
  assert.match(diagnostics[0]!.remedy, /sallyport tunnel list/);
  assert.equal(diagnostics[1]!.remedy, `That is a tunnel's name: write its id, ${tunnelId}, as tunnel_id.`);
  assert.equal(diagnostics[2]!.remedy, `That is a virtual network's name: write its id, ${id}, as network_id.`);
  assert.equal(await ask(bench, 'OFFICE', `echo.internal:${port}`), 'hello');
  assert.equal(await ask(bench, 'OFFICE', `http://10.77.0.5:${web}/x`), `200 10.77.0.5:${web}/x`);
  assert.equal(await ask(bench, 'OFFICE', `http://127.0.0.1:${web}/`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(bench, 'OFFICE', `http://169.254.169.254/`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(bench, 'OFFICE', `http://10.77.0.6:${web}/`), '500 ProxyError: destination_ip_prohibited');
  assert.match(await ask(bench, 'OFFICE', 'v1.socket.sallyport:1'), /proxy request failed/);
  assert.equal(await ask(bench, 'GONE', `http://10.77.0.5:${web}/x`), '500 ProxyError: destination_unavailable');
});

test('a virtual network: what its routes cover, and nothing else', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end('inside'));
  const bench = await startTunnelBench(t, 'export default {};');
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: 10.77.0.5
    service: tcp://127.0.0.1:${port}
  - hostname: web.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  const { networks, routes } = bench.tunnels.control;
  const { id } = await networks.create({ name: 'lab' });
  await routes.ip.create({ network: '10.77.0.0/16', tunnel_id: tunnelId, virtual_network_id: id });
  await routes.hostnames.create({ hostname: 'web.internal', tunnel_id: tunnelId });
  const bound = [
    { binding: 'LAB', network_id: id },
    { binding: 'ALL', network_id: 'cf1:network' },
  ];
  await bench.write({ 'wrangler.json': config({ vpc_networks: bound }), 'src/index.js': worker });
  await bench.event('ready', ({ reload }) => reload);
  const inside = `http://10.77.0.5:${port}/`;
  const named = `http://web.internal:${port}/`;
  assert.equal(await ask(bench, 'LAB', inside), '200 inside');
  assert.equal(await ask(bench, 'ALL', named), '200 inside');
  const prohibited = '500 ProxyError: destination_ip_prohibited';
  assert.equal(await ask(bench, 'ALL', inside), prohibited);
  const refused = await bench.gateway.next(({ code }) => code === 'destination_denied');
  assert.match(refused.remedy ?? '', /sallyport tunnel route ip add/);
  // The development policy allows this machine; the network does not have it.
  assert.equal(await ask(bench, 'LAB', `http://127.0.0.1:${port}/`), prohibited);
  assert.equal(await ask(bench, 'LAB', `http://localhost:${port}/`), prohibited);
});
