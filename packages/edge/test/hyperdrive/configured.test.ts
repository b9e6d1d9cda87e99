// Bindings by id: configurations of the control store, created, changed and deleted while Workers use them.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { needs, type PostgresServer, startPostgres, use } from '@sallyport/testkit';
import { Edge, RemoteTunnels } from '../../src/index.ts';
import { config, type DevBench, modules, startBench, temporaryFolder, writeFiles } from '../support/dev-bench.ts';

const asking = `import { Client } from 'pg';
  export default { async fetch(request, env, ctx) {
    const client = new Client({ connectionString: env.DB.connectionString });
    try {
      await client.connect();
      const { rows } = await client.query('select inet_server_port() as port');
      return Response.json(rows[0]);
    } catch (error) { return Response.json({ message: error.message, code: error.code }); }
    finally { ctx.waitUntil(client.end().catch(() => {})); }
  } };`;

const binding = (id: string): string =>
  config({ compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id }] });

interface Envelope<Result> {
  success: boolean;
  errors: { code: number; message: string; error: string }[];
  result: Result;
}

interface Explained {
  cacheable: boolean;
  why: string;
}

interface Pool {
  name: string;
  pool: { connections: number };
  logins: number;
}

interface Api {
  controlUrl: string;
  controlToken: string;
}

async function call<Result>(api: Api, method: string, path: string, body?: object): Promise<Envelope<Result>> {
  const response = await fetch(`${api.controlUrl}/accounts/default/hyperdrive/${path}`, {
    method,
    headers: { authorization: `Bearer ${api.controlToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Envelope<Result>;
}

const toOrigin = ({ port, user, password, database }: PostgresServer, host = '127.0.0.1'): object => {
  return { scheme: 'postgresql', host, port, user, password, database };
};

async function create(api: Api, name: string, origin: object): Promise<Envelope<{ id: string }>> {
  return call(api, 'POST', 'configs', { name, origin, mtls: { sslmode: 'disable' } });
}

const answer = async (bench: DevBench): Promise<{ port?: number; message?: string; code?: string }> =>
  JSON.parse(await bench.text('/')) as { port?: number };

test('dev: a configuration can be created, changed and deleted while its Worker runs', async (t) => {
  if (!needs(t, 'postgres')) return;
  const [one, two] = await Promise.all([use(t, startPostgres()), use(t, startPostgres())]);
  const bench = await startBench(t, { 'wrangler.json': binding(''), 'src/index.js': asking });
  const api = bench.server.tunnels!;
  const { result } = await create(api, 'shop', toOrigin(one));
  await bench.write({ 'wrangler.json': binding('shop') });
  const remedy = `That is a configuration's name: write its id, ${result.id}, as id.`;
  await bench.event('diagnostics', ({ diagnostics }) => diagnostics[0]?.remedy === remedy);
  await bench.event('ready', ({ reload }) => reload);
  await bench.write({ 'wrangler.json': binding(result.id.toUpperCase()) });
  await bench.event('ready', ({ reload }) => reload);
  assert.deepEqual(await answer(bench), { port: one.port });
  const path = `configs/${result.id}`;
  const moved = await call(api, 'PATCH', path, { origin: toOrigin(two) });
  assert.equal(moved.success, true, JSON.stringify(moved.errors));
  assert.deepEqual(await answer(bench), { port: two.port });
  const { result: pools } = await call<Pool[]>(api, 'GET', 'status');
  const [status] = pools;
  assert.equal(status!.name, 'shop');
  assert.ok(status!.pool.connections > 0);
  assert.equal(status!.logins, 2);
  await call(api, 'DELETE', path);
  assert.deepEqual(await answer(bench), {
    message: `There is no Hyperdrive configuration ${result.id}`,
    code: '58000',
  });
});

test('a configuration that does not work is not accepted, with the documented number and the precise cause', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const bench = await startBench(t, { 'src/index.js': 'export default {};' });
  const api = bench.server.tunnels!;
  const good = toOrigin(postgres);
  const refused: readonly [code: number, origin: object, message: RegExp][] = [
    [2008, { ...good, host: 'nowhere.invalid' }, /nowhere\.invalid/],
    [2009, { ...good, host: '169.254.169.254' }, /destination_denied.*169\.254\.169\.254/],
    // The control API itself: an edge does not connect to an edge.
    [2009, { ...good, port: Number(new URL(api.controlUrl).port) }, /tcp_loop/],
    [2011, { ...good, port: 1 }, /connection_refused/],
    [2013, { ...good, password: 'wrong' }, /password authentication failed for user "postgres"/],
    [2014, { ...good, database: 'nowhere' }, /database "nowhere" does not exist/],
  ];
  for (const [code, origin, message] of refused) {
    const { success, errors } = await create(api, 'shop', origin);
    assert.equal(success, false);
    assert.equal(errors[0]?.code, code, JSON.stringify(errors));
    assert.match(errors[0]?.message ?? '', message);
  }
  const withTls = await call(api, 'POST', 'configs', { name: 'shop', origin: good });
  assert.equal(withTls.errors[0]?.code, 2012);
  assert.equal((await create(api, 'shop', good)).success, true);
});

test('the control API explains a query, and drops what the cache has', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const bench = await startBench(t, { 'src/index.js': 'export default {};' });
  const api = bench.server.tunnels!;
  const { result } = await create(api, 'shop', toOrigin(postgres));
  const path = `configs/${result.id}`;
  const explain = async (sql: string): Promise<Explained> =>
    (await call<Explained>(api, 'POST', `${path}/explain`, { sql })).result;
  assert.deepEqual((await explain('select relname from pg_class')).cacheable, false);
  const volatile = await explain('select now()');
  assert.equal(volatile.cacheable, false);
  assert.match(volatile.why, /now/);
  assert.equal((await explain('select 1')).cacheable, true);
  assert.deepEqual((await call(api, 'POST', `${path}/purge`, {})).result, { purged: 0 });
});

test('edge: two Workers share the pool of one configuration, each with credentials of its own', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const { edge, ask } = await startEdge(t, ['one', 'two']);
  const { result } = await create(edge.tunnels, 'shop', toOrigin(postgres));
  await writeFiles(edge.folder, {
    'one/wrangler.json': named('one', result.id),
    'two/wrangler.json': named('two', result.id),
  });
  await edge.reloaded;
  assert.deepEqual(await ask('one'), { port: postgres.port });
  assert.deepEqual(await ask('two'), { port: postgres.port });
  const { result: all } = await call<Pool[]>(edge.tunnels, 'GET', 'status');
  assert.equal(all.length, 1);
  assert.equal(all[0]?.logins, 2);
  const page = await (await fetch(`http://127.0.0.1:${edge.metricsPort}/metrics`)).text();
  assert.match(page, /^sallyport_hyperdrive_logins_total\{config="[0-9a-f]{32}",name="shop"\} 2$/m);
});

test('dev with the tunnels of another edge uses the pools and caches there, and learns no password', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const { edge } = await startEdge(t, []);
  const { result } = await create(edge.tunnels, 'shop', toOrigin(postgres));
  const { controlUrl: url, controlToken: token } = edge.tunnels;
  const tunnels = await RemoteTunnels.start({ url, token, account: 'default', source: 'test' }, { failed: () => {} });
  t.after(() => tunnels[Symbol.dispose]());
  const files = { 'wrangler.json': binding(result.id), 'src/index.js': asking };
  const bench = await startBench(t, files, { tunnels });
  const answers = await Promise.all(Array.from({ length: 10 }, () => answer(bench)));
  for (const each of answers) assert.deepEqual(each, { port: postgres.port });
  const { result: pools } = await call<Pool[]>(edge.tunnels, 'GET', 'status');
  assert.deepEqual(
    pools.map(({ name, logins }) => [name, logins]),
    [['shop', 10]],
  );
  await bench.write({ 'wrangler.json': binding('f'.repeat(32)) });
  const { diagnostics } = await bench.event('diagnostics');
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['hyperdrive_remote'],
  );
  await bench.event('ready', ({ reload }) => reload);
  assert.deepEqual(await answer(bench), {
    message: `There is no Hyperdrive configuration ${'f'.repeat(32)}`,
    code: '58000',
  });
  await bench.write({ 'wrangler.json': binding('shop') });
  const named = await bench.event('diagnostics');
  assert.equal(named.diagnostics[0]!.remedy, `That is a configuration's name: write its id, ${result.id}, as id.`);
});

test('without the token nobody gets into a pool, and with other credentials neither', async (t) => {
  const { edge } = await startEdge(t, []);
  const { port, hostname } = new URL(edge.tunnels.controlUrl);
  const statusWith = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const path = `${'f'.repeat(32)}.hyperdrive.local:5432`;
      const asked = request({ host: hostname, port, method: 'CONNECT', path, headers, agent: false });
      asked.once('connect', ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode);
      });
      asked.once('response', ({ statusCode }) => resolve(statusCode));
      asked.once('error', reject).end();
    });
  const credentials = Buffer.from('{"user":"u","password":"p","database":"d"}').toString('base64url');
  const authorization = `Bearer ${edge.tunnels.controlToken}`;
  assert.equal(await statusWith({ 'sallyport-credentials': credentials }), 407);
  assert.equal(await statusWith({ 'proxy-authorization': authorization }), 502);
  assert.equal(await statusWith({ 'proxy-authorization': authorization, 'sallyport-credentials': 'x' }), 502);
  assert.equal(await statusWith({ 'proxy-authorization': authorization, 'sallyport-credentials': credentials }), 200);
});

const named = (name: string, id: string): string =>
  config({ name, compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id }] });

interface RunningEdge {
  tunnels: Api;
  metricsPort: number;
  folder: string;
  /** When every Worker runs for the second time. */
  reloaded: Promise<unknown>;
}

async function startEdge(
  t: TestContext,
  workers: readonly string[],
): Promise<{ edge: RunningEdge; ask: (name: string) => Promise<unknown> }> {
  const folder = await temporaryFolder(t);
  await symlink(modules, join(folder, 'node_modules'));
  for (const name of workers) {
    await writeFiles(join(folder, name), { 'wrangler.json': named(name, '0'.repeat(32)), 'src/index.js': asking });
  }
  const anywhere = { host: '127.0.0.1', port: 0 };
  const waiting = new Set(workers);
  const events = new EventEmitter();
  const reloaded = once(events, 'all');
  const edge = await use(
    t,
    Edge.start({
      config: {
        file: join(folder, 'sallyport.toml'),
        state: join(folder, 'state'),
        http: anywhere,
        tunnel: { ...anywhere, advertise: undefined },
        control: anywhere,
        metrics: anywhere,
        hyperdrive: { cacheBytes: undefined, trustFunctions: false },
        workers: workers.map((name) => ({
          project: join(folder, name),
          env: undefined,
          hostnames: [`${name}.example.com`],
          network: undefined,
          policy: workerPolicy,
        })),
        trust: [],
      },
      eventsOf: (name) => ({
        onGatewayEvent: () => {},
        onHostEvent: (event) => {
          if (event.type === 'ready' && event.reload) waiting.delete(name);
          if (waiting.size === 0) events.emit('all');
        },
      }),
      onRequest: () => {},
      onTunnelEvent: () => {},
    }),
  );
  const { port } = new URL(edge.url);
  const ask = async (name: string): Promise<unknown> => {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/', headers: { host: `${name}.example.com` } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text)));
      })
        .on('error', reject)
        .end();
    });
  };
  return { edge: { tunnels: edge.tunnels, metricsPort: edge.metrics!.port, folder, reloaded }, ask };
}
