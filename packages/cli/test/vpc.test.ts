// `sallyport vpc service` against a real control API, and from nothing to an answer with `sallyport dev`.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { ServiceInfo } from '@sallyport/control/client';
import { config } from '../../edge/test/support/dev-bench.ts';
import { startOrigin } from '../../edge/test/support/tunnel-bench.ts';
import { createControlBench } from './support/control-bench.ts';
import { run, startDev } from './support/run.ts';

test('a service is created, listed, shown, changed and deleted', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const { id: tunnel } = await control.tunnels.create({ name: 'office' });
  const create = ['vpc', 'service', 'create', 'api', '--type', 'http', '--hostname', 'api.internal'];
  const made = await sallyport([
    ...create,
    '--tunnel-id',
    'office',
    '--resolver-ips',
    '10.0.0.2, fd00::2',
    '--http-port',
    '8080',
  ]);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  const { service_id: id } = control.services.find('api')!;
  assert.equal(
    made.stdout,
    `Created VPC service: ${id}\n   Name: api\n   Type: http\n   HTTP Port: 8080\n   Hostname: api.internal\n` +
      `   Tunnel ID: ${tunnel}\n   Resolver IPs: 10.0.0.2, fd00::2\n\n` +
      "To use it as env.VPC_SERVICE, add this to the project's configuration:\n\n" +
      `"vpc_services": [\n  {\n    "binding": "VPC_SERVICE",\n    "service_id": "${id}"\n  }\n]\n`,
  );
  const tcp = ['vpc', 'service', 'create', '--name', 'db', '--type', 'tcp', '--hostname', 'db.internal:5432', '--json'];
  const database = JSON.parse((await sallyport([...tcp, '--app-protocol', 'postgresql'])).stdout) as ServiceInfo;
  assert.deepEqual(
    [database.tcp_port, database.app_protocol, database.host],
    [5432, 'postgresql', { hostname: 'db.internal' }],
  );
  const list = await sallyport(['vpc', 'service', 'list', '--service-type', 'tcp']);
  assert.match(
    list.stdout,
    /^ID +NAME +TYPE +PORTS +HOST +TUNNEL +CREATED\n\S+ db +tcp +5432 \(postgresql\) +db\.internal +- +2026-01-02\n$/,
  );
  const shown = await sallyport(['vpc', 'service', 'get', 'api', '--json']);
  assert.deepEqual(JSON.parse(shown.stdout), control.services.find('api'));
  const settings = [
    '--type',
    'http',
    '--ipv4',
    '10.0.0.7',
    '--tunnel-id',
    tunnel,
    '--cert-verification-mode',
    'verify_ca',
  ];
  assert.equal((await sallyport(['vpc', 'service', 'update', id, '--name', 'api2', ...settings])).code, 0);
  const changed = control.services.get(id)!;
  assert.deepEqual(
    [changed.name, changed.host, changed.http_port, changed.tls_settings],
    ['api2', { ipv4: '10.0.0.7', network: { tunnel_id: tunnel } }, undefined, { cert_verification_mode: 'verify_ca' }],
  );
  assert.equal((await sallyport(['vpc', 'service', 'delete', 'api2'])).stdout, `Deleted VPC service: ${id} (api2)\n`);
  assert.deepEqual(
    control.services.list().map(({ name }) => name),
    ['db'],
  );
});

test('an update without a type leaves what it does not name, and takes away what is none', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const { id: tunnel } = await control.tunnels.create({ name: 'office' });
  const { service_id: id } = await control.services.create({
    name: 'api',
    type: 'http',
    http_port: 8080,
    host: { hostname: 'api.internal', resolver_network: { tunnel_id: tunnel, resolver_ips: ['10.0.0.2'] } },
    tls_settings: { cert_verification_mode: 'verify_ca' },
  });
  const update = async (...options: string[]): Promise<unknown> => {
    const { code, stderr } = await sallyport(['vpc', 'service', 'update', 'api', ...options]);
    assert.deepEqual([code, stderr], [0, '']);
    const { name, host, http_port, https_port, tls_settings } = control.services.get(id)!;
    return [name, host, http_port, https_port, tls_settings];
  };
  const office = { tunnel_id: tunnel };
  const named = { hostname: 'api.internal', resolver_network: { ...office, resolver_ips: ['10.0.0.2'] } };
  const tls = { cert_verification_mode: 'verify_ca' };
  assert.deepEqual(await update('--https-port', '8443'), ['api', named, 8080, 8443, tls]);
  const other = { ...named, hostname: 'b.internal' };
  assert.deepEqual(await update('--hostname', 'b.internal'), ['api', other, 8080, 8443, tls]);
  assert.deepEqual(await update('--cert-verification-mode', 'none'), ['api', other, 8080, 8443, undefined]);
  assert.deepEqual(await update('--ipv4', '10.0.0.7'), [
    'api',
    { ipv4: '10.0.0.7', network: office },
    8080,
    8443,
    undefined,
  ]);
  assert.deepEqual(await update('--tunnel-id', 'none'), ['api', { ipv4: '10.0.0.7' }, 8080, 8443, undefined]);
});

test('calls that make no sense are explained as wrangler does', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const http = ['create', 'a', '--type', 'http'];
  const cases: [args: string[], code: number, says: RegExp][] = [
    [['create', '--type', 'http'], 64, /Missing argument: NAME/],
    [['create', 'a'], 64, /--type/],
    [['create', 'a', '--type', 'udp'], 64, /http or tcp, not udp/],
    [http, 1, /Must specify either IP addresses \(--ipv4\/--ipv6\) or hostname \(--hostname\)/],
    [['create', 'a', '--type', 'tcp', '--ipv4', '10.0.0.1'], 1, /TCP services require a --tcp-port to be specified/],
    [[...http, '--ipv4', '10.0.0.1', '--hostname', 'b'], 64, /exclude each other/],
    [[...http, '--ipv4', '10.1'], 1, /Invalid IPv4 address: '10\.1'/],
    [[...http, '--ipv6', '10.0.0.1'], 1, /Invalid IPv6 address: '10\.0\.0\.1'/],
    [
      [...http, '--hostname', 'https://a/b'],
      1,
      /Invalid hostname 'https:\/\/a\/b':\n.*URL scheme.*\n.*must not include a path/,
    ],
    [[...http, '--hostname', '10.0.0.1'], 1, /must not be an IP address\. Use --ipv4 or --ipv6/],
    [[...http, '--hostname', 'a:80'], 1, /must not include a port number/],
    [[...http, '--hostname', 'a b'], 1, /must not contain whitespace/],
    [[...http, '--hostname', 'a'.repeat(254)], 1, /Maximum length is 253/],
    [[...http, '--hostname', 'a', '--tunnel-id', 'none'], 1, /neither the ID nor the name of any of your tunnels/],
    [[...http, '--hostname', 'a', '--resolver-ips', '10.0.0.2'], 64, /needs a --tunnel-id/],
    [[...http, '--ipv4', '10.0.0.1', '--resolver-ips', '10.0.0.2'], 64, /for --hostname/],
    [[...http, '--hostname', 'a', '--resolver-ips', 'x,10.0.0.2'], 1, /Invalid resolver IP address\(es\): 'x'/],
    [[...http, '--hostname', 'a', '--tcp-port', '1'], 64, /for --type tcp/],
    [[...http, '--hostname', 'a', '--cert-verification-mode', 'none'], 1, /cert_verification_mode is one of/],
    [[...http, '--hostname', 'a', '--ca-certificate-id', 'none'], 1, /certificate not found/],
    [[...http, '--ipv4', '10.0.0.1', '--update-config'], 1, /There is no project here .*nothing was created/],
    [['get', 'a'], 1, /neither the ID nor the name of a VPC service/],
  ];
  for (const [args, code, says] of cases) {
    const outcome = await sallyport(['vpc', 'service', ...args]);
    assert.match(outcome.stderr, says);
    assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.stderr}`);
  }
  assert.deepEqual(control.services.list(), []);
});

test('dev: a service is created, bound and asked; one that is not there is told of at the start', async (t) => {
  const { port } = await startOrigin(t, (request, response) => response.end(`${request.headers.host}${request.url}`));
  const worker = `export default { async fetch(request, env) {
    return new Response(await (await env.API.fetch('http://anything/path')).text());
  } };`;
  const missing = { binding: 'API', service_id: '11111111-2222-4333-8444-555555555555' };
  const dev = await startDev(t, { 'wrangler.json': config({ vpc_services: [missing] }), 'src/index.js': worker });
  const { diagnostics } = (await dev.next('diagnostics')) as unknown as {
    diagnostics: { code: string; remedy: string }[];
  };
  assert.equal(diagnostics[0]!.code, 'vpc_service_unknown');
  assert.match(diagnostics[0]!.remedy, /sallyport vpc service create/);
  await dev.next('ready');
  assert.equal(await dev.text(), 'ProxyError: destination_not_found');
  const create = [
    'vpc',
    'service',
    'create',
    'api',
    '--type',
    'http',
    '--ipv4',
    '127.0.0.1',
    '--http-port',
    String(port),
  ];
  const made = await run([...create, '--json'], { cwd: dev.folder });
  const { service_id } = JSON.parse(made.stdout) as ServiceInfo;
  await writeFile(`${dev.folder}/wrangler.json`, config({ vpc_services: [{ binding: 'API', service_id: 'api' }] }));
  const named = (await dev.next('diagnostics')) as unknown as { diagnostics: { remedy: string }[] };
  assert.equal(named.diagnostics[0]!.remedy, `That is a service's name: write its id, ${service_id}, as service_id.`);
  await dev.lines.next(({ kind, reload }) => kind === 'ready' && reload === true);
  await writeFile(`${dev.folder}/wrangler.json`, config({ vpc_services: [{ binding: 'API', service_id }] }));
  await dev.lines.next(({ kind, reload }) => kind === 'ready' && reload === true);
  assert.equal(await dev.text(), 'anything/path');
  const explained = await run(['vpc', 'service', 'explain', 'api'], { cwd: dev.folder });
  assert.deepEqual([explained.code, explained.stderr], [0, '']);
  assert.match(
    explained.stdout,
    /^for +fetch\(\) of http\nworker +VPC service api\nverdict +allow\n.*port \d+\nrule +allow loopback\n/,
  );
  assert.doesNotMatch(explained.stdout, /^(?:tls|authorities|shows) /m);
  const tunnel = await run(['tunnel', 'create', 'office', '--json'], { cwd: dev.folder });
  assert.equal(tunnel.code, 0, tunnel.stderr);
  const away = ['--type', 'tcp', '--tcp-port', '5432', '--hostname', 'db.internal', '--tunnel-id', 'office'];
  assert.equal((await run(['vpc', 'service', 'create', 'db', ...away], { cwd: dev.folder })).code, 0);
  const alone = await run(['vpc', 'service', 'explain', 'db'], { cwd: dev.folder });
  assert.equal(alone.code, 1);
  assert.match(
    alone.stdout,
    /^for +connect\(\)\n[^]*resolver +the connector's[^]*route +straight into the tunnel\ntunnel +office[^]*link +none: start a connector/,
  );
  const refused = async (name: string, address: string, http: string): Promise<string> => {
    const host = ['--type', 'http', '--ipv4', address, '--http-port', http];
    assert.equal((await run(['vpc', 'service', 'create', name, ...host], { cwd: dev.folder })).code, 0);
    const { code, stdout } = await run(['vpc', 'service', 'explain', name], { cwd: dev.folder });
    assert.equal(code, 1);
    assert.doesNotMatch(stdout, /consider using fetch/);
    return stdout;
  };
  assert.match(
    await refused('metadata', '169.254.169.254', '80'),
    /\nremedy +No service leads to metadata, .* correct its host/,
  );
  assert.match(
    await refused('own', '127.0.0.1', new URL(dev.url).port),
    /\nremedy +Give the service the host and port/,
  );
});
