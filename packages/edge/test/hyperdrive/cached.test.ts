// The cache behind a binding, as Workers meet it: in development as in production.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { config, startBench } from '../support/dev-bench.ts';

const prefix = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_';

test('a read is answered from the cache until some Worker writes, also through another binding of the database', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const direct = new Client({ connectionString: postgres.url });
  direct.on('error', () => {});
  await direct.connect();
  await direct.query('create table stock (n int); insert into stock values (1)');
  const files = {
    'wrangler.json': config({
      compatibility_flags: ['nodejs_compat'],
      hyperdrive: ['DB', 'OTHER'].map((binding) => ({ binding, id: '' })),
    }),
    'src/index.js': `import { Client } from 'pg';
      export default { async fetch(request, env, ctx) {
        const [, name, sql] = decodeURI(new URL(request.url).pathname).split('/');
        const client = new Client({ connectionString: env[name].connectionString });
        await client.connect();
        const { rows } = await client.query(sql);
        ctx.waitUntil(client.end());
        return Response.json(rows);
      } };`,
  };
  const processEnv = { [`${prefix}DB`]: postgres.url, [`${prefix}OTHER`]: postgres.url };
  const bench = await startBench(t, files, { project: { processEnv } });
  const ask = async (name: string, sql: string): Promise<unknown> =>
    JSON.parse(await bench.text(`/${name}/${encodeURI(sql)}`));
  const read = 'select n from stock';
  // What the tables are is asked of the database in the background; until that is known, nothing is kept.
  for (let asked = 0; ; asked += 1) {
    await ask('DB', read);
    await direct.query('update stock set n = n + 1');
    const [{ n }] = (await ask('DB', read)) as [{ n: number }];
    if (n === asked + 1) break;
    assert.ok(asked < 1_000, 'the cache never answered');
  }
  const [{ n: kept }] = (await ask('DB', read)) as [{ n: number }];
  await ask('OTHER', 'update stock set n = 100');
  assert.deepEqual(await ask('DB', read), [{ n: 100 }]);
  assert.notEqual(kept, 100);
  await direct.end();
});
