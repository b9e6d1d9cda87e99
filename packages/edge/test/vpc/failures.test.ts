// TLS to services, and each way in which a service cannot be reached: the documented code for the Worker, the rest for the log.
import assert from 'node:assert/strict';
import { createServer as createSecure } from 'node:https';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { test, type TestContext } from 'node:test';
import type { ServiceSettings } from '@sallyport/control';
import { type Certificate, createAuthority, startRefusing, testAuthority, use } from '@sallyport/testkit';
import { startOrigin } from '../support/tunnel-bench.ts';
import { startVpcBench, type VpcBench } from '../support/vpc-bench.ts';

const asking = `export default { async fetch(request, env) {
  const url = decodeURIComponent(new URL(request.url).search.slice(1));
  const headers = url.endsWith('/socket') ? { upgrade: 'websocket' } : {};
  const response = await env.API.fetch(url, { headers });
  return new Response(response.status + ' ' + await response.text(), { headers: response.headers });
} };`;

async function startSecure(t: TestContext, certificate: Certificate, more: object = {}): Promise<number> {
  const server = createSecure({ ...certificate, ...more }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    response.end(`hello ${subject?.CN ?? 'nobody'}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const direct = (host: ServiceSettings['host'], ports: ServiceSettings = {}): ServiceSettings => ({ host, ...ports });
const ask = async (bench: VpcBench, url: string): Promise<string> => bench.text(`/?${encodeURIComponent(url)}`);
const change = (bench: VpcBench, settings: ServiceSettings): Promise<unknown> =>
  bench.tunnels.control.services.replace(bench.serviceId, {
    name: 'api',
    type: 'http',
    host: { hostname: 'api.internal', resolver_network: { tunnel_id: bench.tunnelId } },
    ...settings,
  });

test('a certificate is checked against the name in the URL, as strictly as the service says, from one request to the next', async (t) => {
  const { ca, issue } = await testAuthority();
  const https_port = await startSecure(t, await issue('good', { names: ['api.internal'] }));
  const bench = await startVpcBench(t, asking, { https_port });
  const { id: authority } = await bench.tunnels.control.certificates.upload({ ca: true, certificates: ca });
  const unknown = 'the log has the cause';
  assert.equal(await ask(bench, 'https://api.internal/'), '500 ProxyError: tls_certificate_error', unknown);
  const event = await bench.gateway.next(({ code }) => code !== undefined);
  assert.deepEqual([event.code, event.binding, event.secure], ['tls_unknown_authority', 'API', true]);
  assert.match(event.remedy ?? '', /authority/i);
  await change(bench, { https_port, tls_settings: { ca_certificate_id: authority } });
  assert.equal(await ask(bench, 'https://api.internal/'), '200 hello nobody');
  assert.equal(await ask(bench, 'https://other.internal/'), '500 ProxyError: tls_certificate_error');
  await change(bench, {
    https_port,
    tls_settings: { ca_certificate_id: authority, cert_verification_mode: 'verify_ca' },
  });
  assert.equal(await ask(bench, 'https://other.internal/'), '200 hello nobody');
  await change(bench, { https_port, tls_settings: { cert_verification_mode: 'verify_ca' } });
  assert.equal(await ask(bench, 'https://other.internal/'), '500 ProxyError: tls_certificate_error');
  await change(bench, { https_port, tls_settings: { cert_verification_mode: 'disabled' } });
  assert.equal(await ask(bench, 'https://other.internal/'), '200 hello nobody');
  await bench.tunnels.control.services.delete(bench.serviceId);
  assert.equal(await ask(bench, 'https://api.internal/'), '500 ProxyError: destination_not_found');
});

test('a service that wants a client certificate gets the one it was given', async (t) => {
  const { ca, issue } = await testAuthority();
  const certificate = await issue('good', { names: ['api.internal'] });
  const https_port = await startSecure(t, certificate, { ca, requestCert: true, rejectUnauthorized: true });
  const bench = await startVpcBench(t, asking, { https_port });
  const { certificates } = bench.tunnels.control;
  const authority = await certificates.upload({ ca: true, certificates: ca });
  const { cert, key } = await issue('client');
  const own = await certificates.upload({ ca: false, certificates: cert, private_key: key });
  await change(bench, { https_port, tls_settings: { ca_certificate_id: authority.id } });
  const refused = async (used: RegExp): Promise<void> => {
    assert.match(
      await ask(bench, 'https://api.internal/'),
      /^500 ProxyError: (tls_certificate_error|connection_terminated)$/,
    );
    const { remedy } = await bench.gateway.next(({ code }) => code !== undefined);
    assert.match(remedy ?? '', used);
  };
  await refused(/client certificate.*Used: CN=.*, no client certificate/);
  const stranger = await (await createAuthority()).issue('client');
  const other = await certificates.upload({ ca: false, certificates: stranger.cert, private_key: stranger.key });
  await change(bench, { https_port, tls_settings: { ca_certificate_id: authority.id, mtls_certificate_id: other.id } });
  await refused(/client certificate.*Used: CN=.*, client certificate CN=/);
  await change(bench, { https_port, tls_settings: { ca_certificate_id: authority.id, mtls_certificate_id: own.id } });
  assert.equal(await ask(bench, 'https://api.internal/'), '200 hello client');
});

test('each failure has its documented code, a 500 of plain text, and a remedy in the log', async (t) => {
  const refusing = await use(t, startRefusing());
  const { port } = await startOrigin(t, (_, response) => void response.socket?.destroy());
  const gibberish = createServer((socket) => socket.on('error', () => {}).end('not HTTP\r\n\r\n'));
  gibberish.listen(0, '127.0.0.1');
  await once(gibberish, 'listening');
  t.after(() => void gibberish.close());
  const { port: broken } = gibberish.address() as AddressInfo;
  const bench = await startVpcBench(t, asking, { http_port: refusing.port });
  const tunneled = (host: ServiceSettings['host']) => direct({ ...host, network: { tunnel_id: bench.tunnelId } });
  const never = /^No service leads to metadata, link-local, .* correct its host/;
  const cases: readonly [settings: ServiceSettings, url: string, code: string, ours: string, remedy?: RegExp][] = [
    [{ http_port: refusing.port }, 'http://a/', 'connection_refused', 'connection_refused'],
    [{ http_port: refusing.port }, 'https://a/', 'http_request_denied', 'vpc_scheme'],
    [{ type: 'tcp', tcp_port: 9 }, 'http://a/', 'http_request_denied', 'vpc_type'],
    [{ http_port: 25 }, 'http://a/', 'destination_ip_prohibited', 'port_25'],
    [direct({ ipv4: '169.254.169.254' }), 'http://a/', 'destination_ip_prohibited', 'destination_denied', never],
    [tunneled({ ipv4: '169.254.169.254' }), 'http://a/', 'destination_ip_prohibited', 'destination_denied', never],
    [
      { http_port: 9 },
      'http://a/',
      'destination_ip_prohibited',
      'destination_denied',
      /^A tcp:\/\/ rule is for its one port/,
    ],
    [tunneled({ ipv4: '127.0.0.1' }), 'http://a/', 'destination_ip_prohibited', 'destination_denied'],
    [
      direct({ ipv4: '127.0.0.1' }, { http_port: Number(new URL(bench.server.url).port) }),
      'http://a/',
      'proxy_loop_detected',
      'tcp_loop',
      /^Give the service the host and port of what it is/,
    ],
    [direct({ hostname: 'nowhere.invalid' }), 'http://a/', 'dns_error', 'dns_error'],
    [direct({ ipv4: '127.0.0.1' }, { http_port: port }), 'http://a/', 'connection_terminated', 'connection_terminated'],
    [
      direct({ ipv4: '127.0.0.1' }, { http_port: port }),
      'http://a/socket',
      'http_upgrade_failed',
      'http_upgrade_failed',
    ],
    [direct({ ipv4: '127.0.0.1' }, { http_port: broken }), 'http://a/', 'http_protocol_error', 'http_protocol_error'],
    [
      direct({ ipv4: '127.0.0.1' }, { https_port: port }),
      'https://a/',
      'tls_protocol_error',
      'tls_not_tls',
      /is it an http port\?/,
    ],
  ];
  for (const [settings, url, code, ours, remedy = /./] of cases) {
    await change(bench, settings);
    const response = await bench.ask(`/?${encodeURIComponent(url)}`);
    assert.equal(await response.text(), `500 ProxyError: ${code}`, JSON.stringify(settings));
    assert.equal(response.headers.get('sallyport-error'), ours, JSON.stringify(settings));
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    const event = await bench.gateway.next(({ message }) => message !== undefined);
    assert.ok(event.binding === 'API' && (event.remedy ?? '') !== '', JSON.stringify([settings, event]));
    assert.match(event.remedy ?? '', remedy);
    assert.doesNotMatch(event.remedy ?? '', /allow entry/);
    assert.equal(event.decision?.remedy || event.remedy, event.remedy);
  }
});

test('without a connector the destination is unavailable', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end('x'));
  const bench = await startVpcBench(t, asking, { http_port: port });
  assert.equal(await ask(bench, 'http://a/'), '200 x');
  await bench.agent.close(0);
  await bench.tunnelEvents.next((event) => event.type === 'link-closed');
  assert.equal(await ask(bench, 'http://a/'), '500 ProxyError: destination_unavailable');
  const { remedy } = await bench.gateway.next(({ code }) => code !== undefined);
  assert.match(remedy ?? '', /sallyport tunnel run/);
});

test('a binding that asks for it throws the code, and is otherwise the same', async (t) => {
  const { port } = await startOrigin(t, ({ url }, response) => {
    if (url === '/500')
      response.writeHead(500, { 'Sallyport-Error': 'dns_error', 'x-other': '1' }).end('ProxyError: of its own');
    else response.end(`hello ${url}`);
  });
  const source = `export default { async fetch(request, env) {
    const answers = [];
    for (const url of ['http://a/x', 'http://a/500', 'https://a/']) {
      answers.push(await env.API.fetch(new Request(url)).then((response) => response.text(), (error) => [error.message, error.code, error.reason]));
    }
    answers.push(await env.API.connect('a:1').opened.catch(({ message }) => message.slice(0, 20)));
    return Response.json(answers);
  } };`;
  const bench = await startVpcBench(t, source, { http_port: port }, { errors: 'throw' });
  assert.deepEqual(JSON.parse(await bench.text('/')), [
    'hello /x',
    'ProxyError: of its own',
    ['ProxyError: http_request_denied', 'http_request_denied', 'vpc_scheme'],
    'proxy request failed',
  ]);
});
