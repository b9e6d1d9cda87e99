// A Hyperdrive configuration whose origin is a VPC service: a pool that dials through the service's tunnel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config } from '../support/dev-bench.ts';
import { startTunnelBench } from '../support/tunnel-bench.ts';

const asking = `import { Client } from 'pg';
  export default { async fetch(request, env, ctx) {
    const client = new Client({ connectionString: env.DB.connectionString });
    try {
      await client.connect();
      const { rows } = await client.query('select 6 * 7 as answer');
      return new Response(rows[0].answer);
    } catch (error) { return new Response(error.message); }
    finally { ctx.waitUntil(client.end().catch(() => {})); }
  } };`;

test('the pool dials the service, which cannot go while it is used and is followed where it moves', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { port, user, password, database } = await use(t, startPostgres());
  const bench = await startTunnelBench(t, 'export default {};');
  const { tunnelId: tunnel_id } = await bench.join(
    'office',
    `ingress:
  - hostname: db.internal
    service: tcp://127.0.0.1:${port}
  - service: http_status:404`,
  );
  const { services, hyperdrive } = bench.tunnels.control;
  const host = { hostname: 'db.internal', resolver_network: { tunnel_id } };
  const db = { name: 'db', type: 'tcp', tcp_port: port, app_protocol: 'postgresql', host };
  const { service_id } = await services.create(db);
  const call = async (
    body: object,
  ): Promise<{ result: { id: string; origin: object }; errors: { code: number }[] }> => {
    const response = await fetch(`${bench.tunnels.controlUrl}/accounts/default/hyperdrive/configs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.tunnels.controlToken}` },
      body: JSON.stringify(body),
    });
    return (await response.json()) as never;
  };
  const origin = { scheme: 'postgresql', service_id, user, password, database };
  // Nothing covers the name but the service: without a route a host of that name is unknown.
  const byName = await call({ name: 'x', origin: { ...origin, service_id: undefined, host: 'db.internal', port } });
  assert.equal(byName.errors[0]?.code, 2008);
  const { result, errors } = await call({ name: 'shop', origin, mtls: { sslmode: 'disable' } });
  assert.deepEqual(errors, []);
  assert.deepEqual(result.origin, { scheme: 'postgresql', service_id, database, user });
  const files = {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id: result.id }] }),
  };
  await bench.write({ ...files, 'src/index.js': asking });
  await bench.event('ready', ({ reload }) => reload);
  assert.equal(await bench.text('/'), '42');
  const { decision } = await bench.gateway.next(({ kind, code }) => kind === 'database' && code === undefined);
  assert.deepEqual([decision?.route.kind, decision?.destination?.host], ['tunnel', 'db.internal']);
  await assert.rejects(services.delete(service_id), { code: 'in_use', message: /origin of the Hyperdrive shop/ });
  await assert.rejects(services.replace(service_id, { name: 'db', type: 'http', host }), { code: 'in_use' });
  await services.replace(service_id, { ...db, tcp_port: 1 });
  assert.notEqual(await bench.text('/'), '42');
  await services.replace(service_id, db);
  assert.equal(await bench.text('/'), '42');
  await hyperdrive.delete(result.id);
  await services.delete(service_id);
});
