// What a stopping edge does not wait for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config, temporaryFolder, writeFiles } from './support/dev-bench.ts';
import { startRemoteBench } from './support/remote-bench.ts';
import { startOrigin } from './support/tunnel-bench.ts';

test('connections that fell idle, of Workers, bindings and public host names, do not hold a stopping edge', async (t) => {
  const { port, server } = await startOrigin(t, ({ url }, response) => void response.end(url));
  // Only the edge ends connections.
  server.keepAliveTimeout = 0;
  const folder = await temporaryFolder(t);
  const worker = { project: folder, env: undefined, hostnames: ['*'], network: undefined, policy: workerPolicy };
  const script = `export default { async fetch(request, env) {
    const { pathname } = new URL(request.url);
    return pathname === '/own' ? env.LAB.fetch('http://lab.internal:${port}/own') : fetch('http://lab.internal:${port}/');
  } };`;
  const bindings = config({ vpc_networks: [{ binding: 'LAB', network_id: 'cf1:network' }] });
  await writeFiles(folder, { 'wrangler.json': bindings, 'src/index.js': script });
  const rule = (name: string, scheme: string): string =>
    `  - { hostname: ${name}, service: "${scheme}://127.0.0.1:${port}" }`;
  const yaml = [
    'ingress:',
    rule('lab.internal', 'tcp'),
    rule('www.example.com', 'http'),
    '  - service: http_status:404',
  ];
  const { edge, tunnelId: tunnel_id } = await startRemoteBench(t, yaml.join('\n'), { workers: [worker] });
  const { routes } = edge.tunnels.control;
  await routes.hostnames.create({ hostname: 'lab.internal', tunnel_id });
  await routes.publicHostnames.create({ hostname: 'www.example.com', tunnel_id });
  assert.equal(await (await fetch(edge.url)).text(), '/');
  assert.equal(await (await fetch(`${edge.url}/own`)).text(), '/own');
  const asked = get(`${edge.url}/public`, { headers: { host: 'www.example.com' }, agent: false });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  assert.equal(await text(answer), '/public');
  const startedAt = performance.now();
  await edge.drain(60_000);
  const took = performance.now() - startedAt;
  // Idle connections are kept for 15 s.
  assert.ok(took < 8_000, `${took} ms`);
});

test('a pool whose database is behind a tunnel does not hold one either, and a transaction that runs is waited for', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const yaml = `ingress:\n  - { hostname: db.internal, service: "tcp://127.0.0.1:${postgres.port}" }\n  - service: http_status:404`;
  const { edge, tunnelId: tunnel_id, dev } = await startRemoteBench(t, yaml);
  const { control } = edge.tunnels;
  await control.routes.hostnames.create({ hostname: 'db.internal', tunnel_id });
  const { user, password, database } = postgres;
  const origin = { host: 'db.internal', port: postgres.port, user, password, database };
  const { id } = await control.hyperdrive.create({ name: 'shop', origin, mtls: { sslmode: 'disable' } });
  const script = `import { Client } from 'pg';
  export default { async fetch(request, env) {
    const client = new Client(env.DB.connectionString);
    await client.connect();
    const sql = new URL(request.url).searchParams.get('sql');
    await client.query('begin');
    const { rows } = await client.query(sql);
    await client.query('commit');
    await client.end();
    return Response.json(rows);
  } };`;
  const { ask } = await dev({
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id }] }),
    'src/index.js': script,
  });
  const query = async (sql: string): Promise<unknown> => (await ask(`/?sql=${encodeURIComponent(sql)}`)).json();
  assert.deepEqual(await query('select 1 as n'), [{ n: 1 }]);
  const running = query('select 2 as n from pg_sleep(1)');
  const headers = { authorization: `Bearer ${edge.tunnels.controlToken}` };
  const status = async (): Promise<string> =>
    (await fetch(`${edge.tunnels.controlUrl}/accounts/default/hyperdrive/status`, { headers })).text();
  while (!(await status()).includes('"linked":1'));
  const startedAt = performance.now();
  await edge.drain(60_000);
  const took = performance.now() - startedAt;
  assert.deepEqual(await running, [{ n: 2 }]);
  assert.ok(took < 10_000, `${took} ms`);
});
