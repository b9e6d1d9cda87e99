// What the control API has an edge do for its databases: trying TLS, and looking into and emptying a cache.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, needs, type PostgresServer, startPostgres, testAuthority, use } from '@sallyport/testkit';
import { Client } from 'pg';
import { config, startBench } from '../support/dev-bench.ts';

interface Answer<Result> {
  success: boolean;
  errors: { code: number; message: string; error: string; remedy: string }[];
  result: Result;
}

interface Api {
  controlUrl: string;
  controlToken: string;
}

async function call<Result>(api: Api, method: string, path: string, body: object = {}): Promise<Answer<Result>> {
  const response = await fetch(`${api.controlUrl}/accounts/default/${path}`, {
    method,
    headers: { authorization: `Bearer ${api.controlToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer<Result>;
}

const toOrigin = ({ port, user, password, database }: PostgresServer, host = 'localhost'): object => {
  return { host, port, user, password, database };
};

test('TLS to a database is tried as the configuration says, and what is wrong with it is said with what to do', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const [good, expired] = await Promise.all(
    (['good', 'expired'] as const).map(async (kind) =>
      use(t, startPostgres({ tls: { certificate: await authority.issue(kind) } })),
    ),
  );
  const bench = await startBench(t, { 'src/index.js': 'export default {};' });
  const api = bench.server.tunnels!;
  const upload = async (certificates: string): Promise<string> =>
    (await call<{ id: string }>(api, 'POST', 'mtls_certificates', { certificates, ca: true })).result.id;
  const ca = await upload(authority.ca);
  const another = await upload((await createAuthority('another')).ca);
  const create = async (origin: object, mtls: object): Promise<Answer<{ id: string }>> =>
    call(api, 'POST', 'hyperdrive/configs', { name: 'shop', origin, mtls });
  const full = { sslmode: 'verify-full', ca_certificate_id: ca };
  const refused: [origin: object, mtls: object, code: number, message: RegExp, remedy: RegExp][] = [
    [toOrigin(expired!), full, 2015, /certificate has expired/, /Renew/],
    [toOrigin(good!), { ...full, ca_certificate_id: another }, 2015, /authority that is not trusted/, /cert upload/],
    [toOrigin(good!), { sslmode: 'verify-full' }, 2015, /authority that is not trusted/, /cert upload/],
    [toOrigin(good!, 'db.localhost'), full, 2015, /db\.localhost/, /host name that the certificate has/],
    [toOrigin(good!, '8.8.8.8'), { sslmode: 'disable' }, 2012, /public address 8\.8\.8\.8/, /private networks/],
    [toOrigin(good!, '169.254.169.254'), {}, 2009, /169\.254\.169\.254/, /Correct the host/],
    [{ ...toOrigin(good!), port: Number(new URL(api.controlUrl).port) }, {}, 2009, /./, /edge's own ports/],
  ];
  for (const [origin, mtls, code, message, remedy] of refused) {
    const { errors } = await create(origin, mtls);
    assert.equal(errors[0]?.code, code, JSON.stringify(errors));
    assert.match(errors[0]?.message ?? '', message);
    assert.match(errors[0]?.remedy ?? '', remedy);
  }
  const { result } = await create(toOrigin(good!), full);
  const path = `hyperdrive/configs/${result.id}`;
  assert.equal((await call(api, 'PATCH', path, { origin: { host: 'db.localhost' } })).errors[0]?.code, 2015);
  assert.equal((await call(api, 'PATCH', path, { caching: { max_age: 5 } })).success, true);
  // Nobody has used it yet: what the answer depends on is asked of the database now.
  const { result: idle } = await call<{ cacheable: boolean }>(api, 'POST', `${path}/explain`, { sql: 'select 1' });
  assert.equal(idle.cacheable, true);
  assert.deepEqual((await call(api, 'POST', `${path}/purge`)).result, { purged: 0 });
});

const reading = `import { Client } from 'pg';
  export default { async fetch(request, env, ctx) {
    const client = new Client({ connectionString: env.DB.connectionString });
    await client.connect();
    const { rows } = await client.query('select count(*)::int as count from orders');
    ctx.waitUntil(client.end());
    return Response.json(rows[0]);
  } };`;

test('a cache is looked into, and emptied of what depends on a table', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const { port, user, password, database } = postgres;
  const direct = new Client({ host: '127.0.0.1', port, user, password, database });
  // The server ends before its client does.
  direct.on('error', () => {});
  await direct.connect();
  t.after(() => direct.end());
  await direct.query('create table orders (id int); create table items (id int)');
  const bench = await startBench(t, { 'src/index.js': 'export default {};' });
  const api = bench.server.tunnels!;
  const settings = { name: 'shop', origin: toOrigin(postgres), mtls: { sslmode: 'disable' } };
  const { result: created } = await call<{ id: string }>(api, 'POST', 'hyperdrive/configs', settings);
  await bench.write({
    'wrangler.json': config({
      compatibility_flags: ['nodejs_compat'],
      hyperdrive: [{ binding: 'DB', id: created.id }],
    }),
    'src/index.js': reading,
  });
  await bench.event('ready', ({ reload }) => reload);
  const path = `hyperdrive/configs/${created.id}`;
  const count = async (): Promise<number> => (JSON.parse(await bench.text('/')) as { count: number }).count;
  const purge = async (...tables: string[]): Promise<number> =>
    (await call<{ purged: number }>(api, 'POST', `${path}/purge`, tables.length === 0 ? {} : { tables })).result.purged;
  type Explained = { cacheable: boolean; cacheStatus: string; why: string; tables: string[]; entry?: { hits: number } };
  const explain = async (sql: string): Promise<Explained> =>
    (await call<Explained>(api, 'POST', `${path}/explain`, { sql })).result;

  const answer = await explain('select count(*)::int as count from orders');
  assert.equal(answer.cacheable, true, answer.why);
  assert.deepEqual(answer.tables, ['public.orders']);
  assert.equal((await explain('select now()')).cacheable, false);
  // What the database told for the explanation is known now, so this is kept.
  assert.equal(await count(), 0);
  // Past the edge, which therefore does not know.
  await direct.query('insert into orders values (1)');
  assert.equal(await count(), 0);
  assert.equal(await purge('items'), 0);
  assert.equal(await count(), 0);
  const nowhere = await call(api, 'POST', `${path}/purge`, { tables: ['nowhere', 'orders_old', 'items'] });
  assert.deepEqual(nowhere.result, { purged: 0, unknown_tables: ['nowhere', 'orders_old'] });
  const said = await explain('/* sallyport: maxage=5 */ select count(*)::int as count from orders');
  assert.match(said.why, /"maxage=5", which is not known/);
  assert.equal(await purge('orders'), 1);
  assert.equal(await count(), 1);
  assert.equal(await purge(), 1);
});
