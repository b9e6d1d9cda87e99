// `resolver_ips`: a service's name is asked for where the service says, at the connector.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDnsServer, use } from '@sallyport/testkit';
import { createServerResolve } from '../../../tunnel/src/agent/resolve.ts';
import { config } from '../support/dev-bench.ts';
import { startOrigin, startTunnelBench } from '../support/tunnel-bench.ts';

test('the connector asks the named servers, judges what they say, and asks nobody on its own machine', async (t) => {
  const { port } = await startOrigin(t, (_, response) => void response.end('found'));
  const known: Record<string, string> = { 'api.corp': '127.0.0.1', 'meta.corp': '169.254.169.254' };
  const dns = await use(
    t,
    startDnsServer(({ name, type }) => (type === 'A' && known[name] ? [known[name]] : 'NXDOMAIN')),
  );
  const asked: string[] = [];
  const bench = await startTunnelBench(t, 'export default {};');
  const { tunnelId: tunnel_id } = await bench.join(
    'office',
    `ingress:
  - service: http_status:404
private-network:
  allow: [127.0.0.1]`,
    {
      resolveAt(servers) {
        asked.push(servers.join(' '));
        return createServerResolve([dns.address]);
      },
    },
  );
  const { services } = bench.tunnels.control;
  const bind = async (name: string, hostname: string, resolver: string) => {
    const host = { hostname, resolver_network: { tunnel_id, resolver_ips: [resolver, 'fd00::53'] } };
    const { service_id } = await services.create({ name, type: 'http', http_port: port, host });
    return { binding: name, service_id };
  };
  const bound = [
    await bind('GOOD', 'api.corp', '10.0.0.53'),
    await bind('META', 'meta.corp', '10.0.0.53'),
    await bind('NONE', 'none.corp', '10.0.0.53'),
    await bind('SELF', 'api.corp', '127.0.0.53'),
  ];
  const source = `export default { async fetch(request, env) {
    const answers = {};
    for (const name in env) answers[name] = await (await env[name].fetch('http://x/')).text();
    return Response.json(answers);
  } };`;
  await bench.write({ 'wrangler.json': config({ vpc_services: bound }), 'src/index.js': source });
  await bench.event('ready', ({ reload }) => reload);
  assert.deepEqual(JSON.parse(await bench.text('/')), {
    GOOD: 'found',
    META: 'ProxyError: destination_ip_prohibited',
    NONE: 'ProxyError: dns_error',
    SELF: 'ProxyError: destination_ip_prohibited',
  });
  assert.deepEqual(asked, ['10.0.0.53 fd00::53']);
  assert.ok(dns.questions.some(({ name }) => name === 'api.corp'));
});
