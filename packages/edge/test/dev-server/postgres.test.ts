// The `pg` driver, unmodified, in a Worker: pg-cloudflare finds our connect(), plain and with TLS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, testAuthority, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';

const worker = {
  'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
  'src/index.js': `import { Client } from 'pg';
    export default { async fetch(request, env) {
      const client = new Client({ connectionString: env.URL, ...(env.TLS && { ssl: true }) });
      try {
        await client.connect();
        const { rows } = await client.query(
          'select n, $1::text as text, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl from generate_series(1, 3) n', ['é']);
        const { rows: [{ length }] } = await client.query("select length(repeat('x', 1000000)) as length, repeat('x', 1000000) as big");
        await client.end();
        return Response.json({ rows, length });
      } catch (error) { return Response.json({ code: error.code, message: error.message }); }
    } };`,
};

const rows = (ssl: boolean): object => ({ rows: [1, 2, 3].map((n) => ({ n, text: 'é', ssl })), length: 1_000_000 });

test('pg reads rows from a PostgreSQL server', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const bench = await startBench(t, worker, { vars: { URL: postgres.url } });
  const answers = await Promise.all(Array.from({ length: 5 }, () => bench.text('/')));
  for (const answer of answers) assert.deepEqual(JSON.parse(answer), rows(false));
});

test('pg upgrades to TLS with a certificate of a private authority, where the server requires it', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const postgres = await use(t, startPostgres({ tls: { certificate }, requireTls: true }));
  const url = postgres.url.replace('127.0.0.1', 'localhost');
  const bench = await startBench(t, worker, {
    vars: { URL: url, TLS: 'yes' },
    authorities: [{ pem: authority.ca }],
  });
  assert.deepEqual(JSON.parse(await bench.text('/')), rows(true));

  const distrusting = await startBench(t, worker, { vars: { URL: url, TLS: 'yes' } });
  const { message } = JSON.parse(await distrusting.text('/')) as { message: string };
  assert.match(message, /authority that is not trusted/);
  const plain = await startBench(t, worker, { vars: { URL: url } });
  assert.match(await plain.text('/'), /no encryption/);
});
