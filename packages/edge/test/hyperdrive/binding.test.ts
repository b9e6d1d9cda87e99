// `env.DB` in a Worker: the pool behind it, who may use it, and what the Worker gets to see.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';

const local = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';

const configured = config({
  compatibility_flags: ['nodejs_compat'],
  hyperdrive: [{ binding: 'DB', id: '0123456789abcdef0123456789abcdef' }],
});

test('pg in a Worker reads through the pool of its binding, and knows nothing of the origin', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const files = {
    'wrangler.json': configured,
    'src/index.js': `import { Client } from 'pg';
      export default { async fetch(request, env, ctx) {
        const client = new Client({ connectionString: env.DB.connectionString });
        await client.connect();
        const { rows } = await client.query('select $1::int + 1 as n, pg_backend_pid() as pid, current_user as "user"', [41]);
        ctx.waitUntil(client.end());
        const { connectionString, host, port, user, password, database } = env.DB;
        return Response.json({ rows, env: { connectionString, host, port, user, password, database }, all: JSON.stringify(env) });
      } };`,
  };
  const bench = await startBench(t, files, { project: { processEnv: { [local]: postgres.url } } });
  const first = JSON.parse(await bench.text('/')) as Answer;
  assert.equal(first.rows[0]!.n, 42);
  assert.equal(first.rows[0]!.user, postgres.user);
  assert.match(first.env.host, /^[0-9a-f]{32}\.hyperdrive\.local$/);
  assert.equal(first.env.port, 5432);
  const { user, password, host, database } = first.env;
  assert.equal(first.env.connectionString, `postgresql://${user}:${password}@${host}:5432/${database}?sslmode=disable`);
  const second = JSON.parse(await bench.text('/')) as Answer;
  assert.equal(second.rows[0]!.pid, first.rows[0]!.pid);
});

interface Answer {
  rows: { n: number; pid: number; user: string }[];
  env: { connectionString: string; host: string; port: number; user: string; password: string; database: string };
}
