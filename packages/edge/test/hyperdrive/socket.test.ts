// The socket between a Worker and its binding: what it carries, and how it fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config, type DevBench, startBench } from '../support/dev-bench.ts';
import type { TestContext } from 'node:test';

const variable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';

async function startWorker(t: TestContext, steps: string, url = 'postgres://u:p@127.0.0.1:1/d'): Promise<DevBench> {
  const files = {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id: '' }] }),
    'src/index.js': `import { connect } from 'cloudflare:sockets';
      import { Client } from 'pg';
      let kept;
      async function connected(env) {
        const client = new Client({ connectionString: env.DB.connectionString });
        await client.connect();
        return client;
      }
      const steps = { ${steps} };
      export default { async fetch(request, env) {
        try { return Response.json((await steps[new URL(request.url).pathname.slice(1)](env)) ?? null); }
        catch (error) { return Response.json({ thrown: error.message, code: error.code }); }
      } };`,
  };
  return startBench(t, files, { project: { processEnv: { [variable]: url } } });
}

const json = async (bench: DevBench, path: string): Promise<unknown> => JSON.parse(await bench.text(path));

test('large parameters and results pass whole', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const steps = `async big(env) {
    const client = new Client({ connectionString: env.DB.connectionString });
    await client.connect();
    const text = 'é'.repeat(1_500_000);
    const { rows: [row] } = await client.query('select length($1::text) as length, repeat($1, 4) as big', [text]);
    await client.end();
    return [row.length, row.big === text.repeat(4)];
  }`;
  const bench = await startWorker(t, steps, postgres.url);
  assert.deepEqual(await json(bench, '/big'), [1_500_000, true]);
});

test('a request that ends, or throws, in a transaction is rolled back, and its lock is free for the next', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const steps = `
    async create(env) { await (await connected(env)).query('create table t (n int); insert into t values (1)'); },
    async leave(env) {
      const client = await connected(env);
      await client.query('begin');
      await client.query('update t set n = n + 1');
      return (await client.query('select n from t')).rows[0].n;
    },
    async fail(env) { await this.leave(env); throw new Error('on purpose'); },
    async read(env) {
      const { rows } = await (await connected(env)).query('select n from t for update');
      return rows[0].n;
    }`;
  const bench = await startWorker(t, steps, postgres.url);
  await json(bench, '/create');
  assert.equal(await json(bench, '/leave'), 2);
  assert.equal(await json(bench, '/read'), 1);
  assert.deepEqual(await json(bench, '/fail'), { thrown: 'on purpose' });
  assert.equal(await json(bench, '/read'), 1);
});

test('TLS on the way to a binding is refused with the reason', async (t) => {
  const bench = await startWorker(
    t,
    `async on({ DB }) { await connect({ hostname: DB.host, port: DB.port }, { secureTransport: 'on' }).opened; },
    async starttls({ DB }) {
      const plain = connect({ hostname: DB.host, port: DB.port }, { secureTransport: 'starttls' });
      await plain.opened;
      await plain.startTls().opened;
    }`,
  );
  for (const path of ['/on', '/starttls']) {
    const { thrown, code } = (await json(bench, path)) as { thrown: string; code: string };
    assert.equal(code, 'tls_failed');
    assert.match(thrown, /without TLS/);
  }
});

test('a name of the same form that is no binding of this Worker leads nowhere', async (t) => {
  const bench = await startWorker(
    t,
    `async name({ DB: { host, port } }) { await connect({ hostname: 'f'.repeat(32) + '.hyperdrive.local', port }).opened; },
    async port({ DB: { host } }) { await connect({ hostname: host, port: 5433 }).opened; },
    async ip({ DB: { port } }) { await connect({ hostname: '240.0.255.254', port }).opened; }`,
  );
  for (const path of ['/name', '/port', '/ip']) {
    const { thrown } = (await json(bench, path)) as { thrown: string };
    assert.match(thrown, /^proxy request failed, cannot connect to the specified address/, path);
  }
});

test('a socket of one request is of no use to another', async (t) => {
  const bench = await startWorker(
    t,
    `async open({ DB: { host, port } }) { kept = connect({ hostname: host, port }); await kept.opened; },
    async use() { await kept.writable.getWriter().write(new Uint8Array(8)); }`,
  );
  await json(bench, '/open');
  const { thrown } = (await json(bench, '/use')) as { thrown: string };
  assert.match(thrown, /different request/);
});

test('bytes that are no PostgreSQL get an error and an end, and closing early disturbs nobody', async (t) => {
  const bench = await startWorker(
    t,
    `async garbage({ DB: { host, port } }) {
      const socket = connect({ hostname: host, port });
      const writer = socket.writable.getWriter();
      await writer.write(new TextEncoder().encode('GET / HTTP/1.1\\r\\n\\r\\n'));
      return (await new Response(socket.readable).text()).length > 0;
    },
    async early({ DB: { host, port } }) {
      for (let n = 0; n < 20; n += 1) await connect({ hostname: host, port }).close();
    }`,
  );
  assert.equal(await json(bench, '/garbage'), true);
  assert.equal(await json(bench, '/early'), null);
  assert.equal(await json(bench, '/garbage'), true);
});
