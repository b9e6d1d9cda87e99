// A Worker reaches what only a connector can reach: by name, by address, with connect(), fetch() and a driver.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { needs, startPostgres, startRefusing, use } from '@sallyport/testkit';
import type { TunnelEvent } from '../../src/index.ts';
import { config } from '../support/dev-bench.ts';
import { startEcho, startOrigin, startTunnelBench } from '../support/tunnel-bench.ts';

/** `/?HOST:PORT` sends one line there and answers with what came back, or with the error's code. */
const caller = `import { connect } from 'cloudflare:sockets';
  export default { async fetch(request) {
    const target = decodeURIComponent(new URL(request.url).search.slice(1));
    try {
      const socket = connect(target);
      await socket.opened;
      const writer = socket.writable.getWriter();
      await writer.write(new TextEncoder().encode('hello'));
      await writer.close();
      return new Response(socket.readable);
    } catch (error) {
      return Response.json({ code: error.code, cause: error.cause?.message, remedy: error.remedy });
    }
  } };`;

interface Refusal {
  code: string;
  cause?: string;
  remedy?: string;
}

test('by the name and by the address of an ingress rule, under the policy of production', async (t) => {
  const port = await startEcho(t);
  const bench = await startTunnelBench(t, caller, { policy: workerPolicy });
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: echo.internal
    service: tcp://127.0.0.1:${port}
  - hostname: 10.77.0.5
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  const before = JSON.parse(await bench.text(`/?10.77.0.5:${port}`)) as Refusal;
  assert.equal(before.code, 'destination_denied');
  await bench.tunnels.control.routes.hostnames.create({ hostname: 'echo.internal', tunnel_id: tunnelId });
  await bench.tunnels.control.routes.ip.create({ network: '10.77.0.0/16', tunnel_id: tunnelId });
  assert.equal(await bench.text(`/?echo.internal:${port}`), 'hello');
  assert.equal(await bench.text(`/?10.77.0.5:${port}`), 'hello');
  assert.equal(JSON.parse(await bench.text(`/?127.0.0.1:${port}`)).code, 'destination_denied');
  const { decision } = await bench.gateway.next((event) => event.destination.startsWith('echo.internal'));
  assert.deepEqual(decision?.route, {
    kind: 'tunnel',
    tunnelId,
    tunnelName: 'office',
    network: 'default',
    match: 'echo.internal',
  });
  assert.equal(decision?.resolver, 'connector');
});

test('an announced name resolves at the connector; one that leads to its loopback is refused there', async (t) => {
  const port = await startEcho(t);
  const addresses: Record<string, string> = { 'local.internal': '127.0.0.1', 'meta.internal': '169.254.169.254' };
  const resolve = async (name: string) => {
    const address = addresses[name];
    if (address === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' });
    return [{ address }];
  };
  const bench = await startTunnelBench(t, caller, { policy: workerPolicy });
  const { tunnelId } = await bench.join('office', '', { resolve });
  const { routes } = bench.tunnels.control;
  for (const hostname of ['*.internal']) await routes.hostnames.create({ hostname, tunnel_id: tunnelId });
  await routes.ip.create({ network: '0.0.0.0/0', tunnel_id: tunnelId });
  for (const name of ['local.internal', 'meta.internal']) {
    const { code, cause } = JSON.parse(await bench.text(`/?${name}:${port}`)) as Refusal;
    assert.equal(code, 'destination_denied', name);
    assert.match(cause ?? '', /through tunnel office.*(loopback|metadata)/);
  }
  assert.equal(JSON.parse(await bench.text(`/?gone.internal:${port}`)).code, 'dns_error');
});

test('what the dial at the far end failed with arrives at opened', async (t) => {
  const refusing = await use(t, startRefusing());
  const bench = await startTunnelBench(t, caller, { policy: workerPolicy });
  const { tunnelId, agent } = await bench.join(
    'office',
    `ingress:
  - hostname: db.internal
    service: tcp://127.0.0.1:${refusing.port}
  - service: http_status:404`,
  );
  await bench.tunnels.control.routes.hostnames.create({ hostname: 'db.internal', tunnel_id: tunnelId });
  const refused = JSON.parse(await bench.text(`/?db.internal:${refusing.port}`)) as Refusal;
  assert.equal(refused.code, 'connection_refused');
  await agent.close(0);
  await bench.tunnelEvents.next((event) => event.type === 'link-closed');
  const alone = JSON.parse(await bench.text(`/?db.internal:${refusing.port}`)) as Refusal;
  assert.equal(alone.code, 'tunnel_unavailable');
  assert.match(alone.remedy ?? '', /sallyport tunnel run/);
});

test('a deleted tunnel ends its connections and takes no more', async (t) => {
  const port = await startEcho(t);
  const bench = await startTunnelBench(t, caller, { policy: workerPolicy });
  const yaml = `ingress:
  - hostname: echo.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`;
  const { tunnelId } = await bench.join('office', yaml);
  const { control, registry } = bench.tunnels;
  await control.routes.hostnames.create({ hostname: 'echo.internal', tunnel_id: tunnelId });
  const { stream } = await registry.open(tunnelId, { hostname: 'echo.internal', port });
  stream.on('error', () => {});
  const closed = new Promise((resolve) => stream.once('close', resolve));
  const began = performance.now();
  await control.tunnels.delete(tunnelId, { cascade: true });
  await closed;
  assert.ok(performance.now() - began < 1_000, 'within a second');
  const refused = await bench.tunnelEvents.next<Extract<TunnelEvent, { type: 'link-refused' }>>(
    (event) => event.type === 'link-refused',
  );
  assert.equal(refused.error.code, 'unauthorized');
});

test('fetch() goes through the tunnel too, and keeps its connection', async (t) => {
  const peers = new Set<number | undefined>();
  const { port } = await startOrigin(t, (request, response) => {
    peers.add(request.socket.remotePort);
    response.end(`${request.headers.host} ${request.url}`);
  });
  const source = `export default { async fetch(request) {
    const answers = [];
    for (let round = 0; round < 3; round += 1) answers.push(await (await fetch('http://api.internal:${port}/x')).text());
    return Response.json(answers);
  } };`;
  const bench = await startTunnelBench(t, source, { policy: workerPolicy });
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: api.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  await bench.tunnels.control.routes.hostnames.create({ hostname: 'api.internal', tunnel_id: tunnelId });
  assert.deepEqual(JSON.parse(await bench.text('/')), Array(3).fill(`api.internal:${port} /x`));
  assert.equal(peers.size, 1);
  for (let round = 0; round < 3; round += 1) {
    const { decision } = await bench.gateway.next((event) => event.kind === 'fetch');
    assert.deepEqual([decision?.route.kind, decision?.rule], ['tunnel', 'allow routed']);
  }
});

test('pg reads rows from a PostgreSQL server that only the connector can reach', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const { port } = new URL(postgres.url);
  const url = postgres.url.replace('127.0.0.1', 'db.internal');
  const files = {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
    'src/index.js': `import { Client } from 'pg';
      export default { async fetch(request, env) {
        const client = new Client({ connectionString: env.URL });
        await client.connect();
        const { rows } = await client.query("select n, repeat('x', 500000) as big from generate_series(1, 4) n");
        await client.end();
        return Response.json(rows.map(({ n, big }) => [n, big.length]));
      } };`,
  };
  const bench = await startTunnelBench(t, files, { policy: workerPolicy, vars: { URL: url } });
  const { tunnelId } = await bench.join(
    'office',
    `ingress:
  - hostname: db.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  await bench.tunnels.control.routes.hostnames.create({ hostname: 'db.internal', tunnel_id: tunnelId });
  const answers = await Promise.all(Array.from({ length: 4 }, () => bench.text('/')));
  for (const answer of answers)
    assert.deepEqual(
      JSON.parse(answer),
      [1, 2, 3, 4].map((n) => [n, 500_000]),
    );
});
