// `sallyport dev --edge`: bindings to the private services and networks of a running edge.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { workerPolicy } from '@sallyport/egress';
import { testAuthority } from '@sallyport/testkit';
import { RemoteTunnels } from '../../src/index.ts';
import { config, type DevBench, startBench } from '../support/dev-bench.ts';
import { type RemoteBench, startRemoteBench } from '../support/remote-bench.ts';
import { startEcho, startOrigin } from '../support/tunnel-bench.ts';
import { startVpcBench } from '../support/vpc-bench.ts';
import { startWebSocketServer } from '../support/websocket.ts';

/** `/?URL` fetches it by the binding; `/connect?BINDING HOST:PORT` sends a line there. */
const asking = `export default { async fetch(request, env) {
  const { pathname, search } = new URL(request.url);
  const [target, binding = 'API'] = decodeURIComponent(search.slice(1)).split(' ');
  if (pathname === '/connect') try {
    const socket = env[binding].connect(target);
    await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode('hello'));
    await writer.close();
    return new Response(socket.readable);
  } catch (error) { return new Response(error.message); }
  if (pathname === '/chat') {
    const { webSocket } = await env[binding].fetch(target, { headers: { upgrade: 'websocket' } });
    webSocket.accept();
    const { data } = await new Promise((resolve) => webSocket.addEventListener('message', resolve));
    webSocket.close();
    return new Response(data);
  }
  const { method, body } = request;
  const signal = pathname === '/abort' ? AbortSignal.timeout(50) : undefined;
  const response = await env[binding].fetch(target, { method, body, signal });
  return new Response(response.status + ' ' + await response.text());
} };`;

const ask = (bench: DevBench, target: string, path = '/'): Promise<string> =>
  bench.text(`${path}?${encodeURIComponent(target)}`);

const bound = (...ids: string[]): string =>
  config({ vpc_services: ids.map((id, index) => ({ binding: index === 0 ? 'API' : `API${index}`, service_id: id })) });

const rules = (...ports: [hostname: string, port: number][]): string =>
  ['ingress:', ...ports.map(([name, port]) => `  - { hostname: ${name}, service: "tcp://127.0.0.1:${port}" }`)]
    .concat('  - service: http_status:404')
    .join('\n');

async function startDev(
  remote: RemoteBench,
  settings: Parameters<RemoteBench['toService']>[0],
): Promise<{ dev: DevBench; id: string }> {
  const { service_id: id } = await remote.edge.tunnels.control.services.create(remote.toService(settings));
  const dev = await remote.dev({ 'wrangler.json': bound(id), 'src/index.js': asking }, { policy: workerPolicy });
  return { dev, id };
}

test("a service of the edge answers through that edge's tunnel, and changes there count at once", async (t) => {
  const { port } = await startOrigin(t, (incoming, response) => {
    response.write(`${incoming.method} ${incoming.headers.host}${incoming.url} `);
    incoming.pipe(response);
  });
  const chat = await startWebSocketServer(t, (talk) => void talk.say(`hello ${talk.handshake.url}`));
  const remote = await startRemoteBench(
    t,
    rules(['api.internal', port], ['chat.internal', Number(new URL(chat).port)]),
  );
  const { dev, id } = await startDev(remote, { http_port: port });
  assert.equal(await ask(dev, 'http://169.254.169.254/x?y'), '200 GET 169.254.169.254/x?y ');
  const event = await dev.gateway.next(({ kind }) => kind === 'fetch');
  assert.deepEqual(
    [event.binding, event.destination, event.status, event.decision?.route.kind, event.code],
    ['API', `api.internal:${port}`, 200, 'tunnel', undefined],
  );
  const body = 'x'.repeat(3_000_000);
  const response = await dev.ask(`/?${encodeURIComponent('http://a/')}`, { method: 'POST', body });
  assert.equal(await response.text(), `200 POST a/ ${body}`);

  const { services } = remote.edge.tunnels.control;
  const host = { hostname: 'chat.internal', resolver_network: { tunnel_id: remote.tunnelId } };
  await services.replace(id, remote.toService({ http_port: Number(new URL(chat).port), host }));
  assert.equal(await ask(dev, 'http://a/room', '/chat'), 'hello /room');
  assert.equal(await ask(dev, 'https://a/'), '500 ProxyError: http_request_denied');
  const denied = await dev.gateway.next(({ code }) => code !== undefined);
  assert.deepEqual([denied.code, denied.binding], ['vpc_scheme', 'API']);
  assert.notEqual(denied.remedy ?? '', '');
  const page = await fetch(`http://127.0.0.1:${remote.edge.metrics!.port}/metrics`);
  assert.match(await page.text(), new RegExp(`service="${id}",name="api",kind="websocket",result="ok"} 1`));
  await services.delete(id);
  assert.equal(await ask(dev, 'http://a/'), '500 ProxyError: destination_not_found');
});

test('TLS is the edge’s: its authorities and client certificates, as strictly as the service says', async (t) => {
  const { ca, issue } = await testAuthority();
  const certificate = await issue('good', { names: ['api.internal'] });
  const https_port = await startSecure(t, { ...certificate, ca, requestCert: true, rejectUnauthorized: true });
  const remote = await startRemoteBench(t, rules(['api.internal', https_port]));
  const { services, certificates } = remote.edge.tunnels.control;
  const { dev, id } = await startDev(remote, { https_port });
  assert.equal(await ask(dev, 'https://api.internal/'), '500 ProxyError: tls_certificate_error');
  const { id: ca_certificate_id } = await certificates.upload({ ca: true, certificates: ca });
  const withTls = (tls_settings: object) => services.replace(id, remote.toService({ https_port, tls_settings }));
  await withTls({ ca_certificate_id });
  assert.equal(await ask(dev, 'https://api.internal/'), '500 ProxyError: tls_certificate_error');
  const late = await dev.gateway.next(({ code }) => code === 'tls_client_certificate');
  assert.match(late.remedy ?? '', /mtls-certificate-id/);
  const { cert, key } = await issue('client');
  const own = await certificates.upload({ ca: false, certificates: cert, private_key: key });
  await withTls({ ca_certificate_id, mtls_certificate_id: own.id });
  assert.equal(await ask(dev, 'https://api.internal/'), '200 hello client');
  assert.equal(await ask(dev, 'https://other.internal/'), '500 ProxyError: tls_certificate_error');
  await withTls({ ca_certificate_id, mtls_certificate_id: own.id, cert_verification_mode: 'verify_ca' });
  assert.equal(await ask(dev, 'https://other.internal/'), '200 hello client');
});

async function startSecure(t: TestContext, settings: object): Promise<number> {
  const server = createSecure(settings, ({ socket }, response) => {
    response.end(`hello ${(socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('an edge that is away is a ProxyError with its reason in the log; when it is back, so is the service', async (t) => {
  const { port, server } = await startOrigin(t, (_, response) => void response.end('here'));
  const remote = await startRemoteBench(t, rules(['api.internal', port]));
  const { dev } = await startDev(remote, { http_port: port });
  assert.equal(await ask(dev, 'http://a/'), '200 here');
  await remote.stop();
  assert.equal(await ask(dev, 'http://a/'), '500 ProxyError: destination_unavailable');
  const event = await dev.gateway.next(({ code }) => code !== undefined);
  assert.deepEqual([event.code, event.binding], ['tunnel_unavailable', 'API']);
  assert.match(event.detail ?? '', /the edge at http:.* did not answer/);
  assert.match(await ask(dev, 'a:1', '/connect'), /proxy request failed/);
  const linked = remote.tunnelEvents.next(({ type }) => type === 'link-registered');
  await remote.restart();
  await linked;
  const back = await ask(dev, 'http://a/');
  assert.equal(back, '200 here', JSON.stringify(dev.gateway.all));
  server.removeAllListeners('request');
  const ended = new Promise((resolve) => server.once('request', (incoming) => incoming.once('close', resolve)));
  await assert.rejects(ask(dev, 'http://a/', '/abort'));
  await ended;
  await dev.gateway.next(({ code }) => code === 'aborted');
  const page = await fetch(`http://127.0.0.1:${remote.edge.metrics!.port}/metrics`);
  assert.match(await page.text(), /kind="fetch",result="aborted"} 1\n/);
});

test('connect() reaches a tcp service, and networks by tunnel and by routes; nothing else', async (t) => {
  const echo = await startEcho(t);
  const { port: web } = await startOrigin(t, ({ headers }, response) => void response.end(headers.host));
  const remote = await startRemoteBench(
    t,
    rules(['api.internal', echo], ['lab.internal', echo], ['10.77.0.5', web], ['10.78.0.5', web]),
  );
  const { control } = remote.edge.tunnels;
  const lab = await control.networks.create({ name: 'lab' });
  const route = { tunnel_id: remote.tunnelId, virtual_network_id: lab.id };
  await control.routes.ip.create({ network: '10.77.0.0/16', ...route });
  await control.routes.hostnames.create({ hostname: 'lab.internal', ...route });
  const service = await control.services.create(remote.toService({ type: 'tcp', tcp_port: echo }));
  const missing = '11111111-2222-4333-8444-555555555555';
  const bindings = {
    vpc_services: [
      { binding: 'API', service_id: service.service_id },
      { binding: 'NOTHING', service_id: missing },
      { binding: 'NAMED', service_id: 'api' },
      { binding: 'ODD', service_id: '../a b:ü\r\n' },
    ],
    vpc_networks: [
      { binding: 'OFFICE', tunnel_id: remote.tunnelId },
      { binding: 'LAB', network_id: lab.id },
      { binding: 'ALL', network_id: 'cf1:network' },
      { binding: 'GONE', tunnel_id: missing },
      { binding: 'TUNNEL', tunnel_id: 'office' },
      { binding: 'NETWORK', network_id: 'lab' },
    ],
    mtls_certificates: [{ binding: 'CERT', certificate_id: missing }],
  };
  const dev = await remote.dev({ 'wrangler.json': config(bindings), 'src/index.js': asking }, { policy: workerPolicy });
  const { diagnostics } = await dev.event('diagnostics');
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    [
      ...Array<string>(3).fill('vpc_service_unknown'),
      ...Array<string>(3).fill('vpc_network_unknown'),
      'certificate_remote',
    ],
  );
  assert.match(diagnostics[6]!.remedy, /^The project runs without --edge/);
  assert.match(diagnostics[4]!.remedy, new RegExp(`name: write its id, ${remote.tunnelId}, as tunnel_id`));
  assert.match(diagnostics[5]!.remedy, new RegExp(`name: write its id, ${lab.id}, as network_id`));
  assert.match(diagnostics[1]?.remedy ?? '', new RegExp(`name: write its id, ${service.service_id}`));
  assert.equal(await ask(dev, 'anything:1', '/connect'), 'hello');
  assert.equal(await ask(dev, 'http://a/ API'), '500 ProxyError: http_request_denied');
  assert.equal(await ask(dev, 'http://a/ NOTHING'), '500 ProxyError: destination_not_found');
  for (const binding of ['NAMED', 'ODD']) {
    assert.equal(await ask(dev, `http://a/ ${binding}`), '500 ProxyError: destination_not_found', binding);
  }
  assert.equal(await ask(dev, `lab.internal:${echo} OFFICE`, '/connect'), 'hello');
  assert.equal(await ask(dev, `http://10.78.0.5:${web}/ OFFICE`), `200 10.78.0.5:${web}`);
  assert.equal(await ask(dev, `http://127.0.0.1:${web}/ OFFICE`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(dev, `http://169.254.169.254/ OFFICE`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(dev, `http://10.77.0.5:${web}/ LAB`), `200 10.77.0.5:${web}`);
  assert.equal(await ask(dev, `lab.internal:${echo} LAB`, '/connect'), 'hello');
  assert.equal(await ask(dev, `http://10.78.0.5:${web}/ LAB`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(dev, `http://10.77.0.5:${web}/ ALL`), '500 ProxyError: destination_ip_prohibited');
  assert.equal(await ask(dev, `http://10.77.0.5:${web}/ GONE`), '500 ProxyError: destination_unavailable');
});

test('a sallyport dev may be the edge of another', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end('here'));
  const { tunnels, serviceId } = await startVpcBench(t, 'export default {};', { http_port: port });
  const access = { url: tunnels.controlUrl, token: tunnels.controlToken, account: 'default', source: 'test' };
  const remote = await RemoteTunnels.start(access, { failed: () => {} });
  t.after(() => remote[Symbol.dispose]());
  const dev = await startBench(t, { 'wrangler.json': bound(serviceId), 'src/index.js': asking }, { tunnels: remote });
  assert.equal(await ask(dev, 'http://a/'), '200 here');
});

test('bytes of a service are counted while its connections are open, and stay counted', async (t) => {
  const { port } = await startOrigin(t, (incoming, response) => void incoming.pipe(response));
  const remote = await startRemoteBench(t, rules(['api.internal', port]));
  const { dev, id } = await startDev(remote, { http_port: port });
  const target = `/?${encodeURIComponent('http://a/')}`;
  const send = async (size: number): Promise<void> => {
    const response = await dev.ask(target, { method: 'POST', body: 'x'.repeat(size) });
    assert.equal((await response.text()).length, size + '200 '.length);
  };
  const count = async (): Promise<number[]> => {
    const page = await (await fetch(`http://127.0.0.1:${remote.edge.metrics!.port}/metrics`)).text();
    return ['in', 'out'].map((direction) => {
      const series = `sallyport_vpc_bytes_total{service="${id}",name="api",direction="${direction}"} `;
      return Number(page.split(series)[1]?.split('\n')[0]);
    });
  };
  await send(1_000_000);
  const first = await count();
  for (const bytes of first) assert.ok(bytes >= 1_000_000 && bytes < 1_010_000, String(first));
  await send(500_000);
  const second = await count();
  for (const bytes of second) assert.ok(bytes >= 1_500_000 && bytes < 1_520_000, String(second));
  await dev.server.close();
  assert.deepEqual(await count(), second);
});

test('an outlet is for who has the token and opened it, and ends with it', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end('here'));
  const remote = await startRemoteBench(t, rules(['api.internal', port]));
  const { controlUrl, controlToken, control } = remote.edge.tunnels;
  const { service_id: id } = await control.services.create(remote.toService({ http_port: port }));
  const connect = async (path: string, token = controlToken) => {
    const headers = { 'proxy-authorization': `Bearer ${token}` };
    const asked = request(controlUrl, { method: 'CONNECT', path, headers, agent: false }).end();
    const [{ statusCode, headers: answer }, socket] = (await once(asked, 'connect')) as [
      { statusCode: number; headers: Record<string, string> },
      Socket,
    ];
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    return { status: statusCode, outlet: answer['sallyport-outlet'], socket };
  };
  assert.equal((await connect(`${id}.vpc-service.local:1`, 'wrong')).status, 407);
  const opened = await connect(`${id}.vpc-service.local:1`);
  assert.match(opened.outlet ?? '', /^[0-9a-f]{32}$/);
  assert.equal((await connect(`${'0'.repeat(32)}.vpc-outlet.local:1`)).status, 502);
  const client = await connect(`${opened.outlet}.vpc-outlet.local:1`);
  client.socket.write('GET http://a/ HTTP/1.1\r\n\r\n');
  const [answer] = (await once(client.socket, 'data')) as [Buffer];
  assert.match(String(answer), /^HTTP\/1.1 200/);
  const [event] = (await once(opened.socket, 'data')) as [Buffer];
  assert.equal((JSON.parse(String(event)) as { status: number }).status, 200);
  const over = once(client.socket, 'close');
  opened.socket.destroy();
  await over;
  assert.equal((await connect(`${opened.outlet}.vpc-outlet.local:1`)).status, 502);
});
