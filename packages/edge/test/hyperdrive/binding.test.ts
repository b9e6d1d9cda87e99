// `env.DB` in a Worker: the pool behind it, the ways to it, who may use it, and what the Worker gets to see.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEgress } from '@sallyport/egress';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { loadProject } from '@sallyport/workers';
import { HyperdriveService } from '../../src/hyperdrive/hyperdrive-service.ts';
import { databasePolicy } from '../../src/hyperdrive/origin.ts';
import { config, startBench, temporaryFolder, writeFiles } from '../support/dev-bench.ts';

const variable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';
const id = '0123456789abcdef0123456789abcdef';

const configured = config({ compatibility_flags: ['nodejs_compat'], hyperdrive: [{ binding: 'DB', id }] });

/** A Worker that answers each path with what the function of that name returns, which gets a connected client. */
const worker = (steps: string): string => `
  import { Socket } from 'node:net';
  import { Client } from 'pg';
  async function connected(options) {
    const client = new Client(options);
    await client.connect();
    return client;
  }
  const numberOf = async (client) => (await client.query('select 42 as n')).rows[0].n;
  const steps = { ${steps} };
  export default { async fetch(request, env, ctx) {
    try { return Response.json(await steps[new URL(request.url).pathname.slice(1)](env)); }
    catch (error) { return Response.json({ thrown: error.message, code: error.code, hint: error.hint }); }
  } };`;

test('requests read through the pool of their binding, with far fewer connections to the origin', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const read = `async read(env) {
    const client = await connected({ connectionString: env.DB.connectionString });
    const { rows } = await client.query('select pg_backend_pid() as pid, current_user as "user"');
    await client.end();
    return rows[0];
  }`;
  const files = { 'wrangler.json': configured, 'src/index.js': worker(read) };
  const bench = await startBench(t, files, { project: { processEnv: { [variable]: postgres.url } } });
  const pids = new Set<number>();
  for (let request = 0; request < 20; request += 1) {
    const { pid, user } = await json<{ pid: number; user: string }>(bench.text('/read'));
    assert.equal(user, postgres.user);
    pids.add(pid);
  }
  // One for the requests; the cache looks up what it has to know on others.
  assert.ok(pids.size <= 3, `${pids.size} connections`);
});

test('by name, by IP address, through node:net and by env.DB.connect() a Worker reaches its database', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const steps = `
    async name({ DB: { host, port, user, password, database } }) {
      return numberOf(await connected({ host, port, user, password, database }));
    },
    async ip({ DB: { ip: host, port, user, password, database } }) {
      return numberOf(await connected({ host, port, user, password, database }));
    },
    async net({ DB: { host, port, user, password, database } }) {
      return numberOf(await connected({ host, port, user, password, database, stream: () => new Socket() }));
    },
    async connect({ DB }) {
      const socket = DB.connect();
      const writer = socket.writable.getWriter();
      // SSLRequest, which has a short answer.
      await writer.write(new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]));
      const { value } = await socket.readable.getReader().read();
      await socket.close();
      return new TextDecoder().decode(value);
    },`;
  const files = { 'wrangler.json': configured, 'src/index.js': worker(steps) };
  const bench = await startBench(t, files, { project: { processEnv: { [variable]: postgres.url } } });
  for (const way of ['name', 'ip', 'net']) assert.equal(await json(bench.text(`/${way}`)), 42, way);
  assert.equal(await json(bench.text('/connect')), 'N');
});

test('connections to a binding count among the six of a request only while they connect', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const many = `async many(env) {
    const clients = await Promise.all(Array.from({ length: 12 }, () => connected({ connectionString: env.DB.connectionString })));
    const numbers = await Promise.all(clients.map(numberOf));
    await Promise.all(clients.map((client) => client.end()));
    return numbers;
  }`;
  const files = { 'wrangler.json': configured, 'src/index.js': worker(many) };
  const bench = await startBench(t, files, { project: { processEnv: { [variable]: postgres.url } } });
  assert.deepEqual(
    await json(bench.text('/many')),
    Array.from({ length: 12 }, () => 42),
  );
});

test('the Worker sees credentials of its own, new with each start, and nothing of the origin', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const show = `show(env) {
    const { connectionString, host, port, user, password, database } = env.DB;
    return { connectionString, host, port, user, password, database, env: JSON.stringify(env), names: Object.keys(env) };
  },`;
  const files = {
    'wrangler.json': configured,
    // As wrangler takes it: what the file says is for the edge, and no variable of the Worker.
    '.env': `${variable}=${postgres.url}\nOTHER=value\n`,
    'src/index.js': worker(show),
  };
  const bench = await startBench(t, files);
  const seen = await json<Record<string, string>>(bench.text('/show'));
  const { user, password, host, database } = seen;
  assert.match(host!, /^[0-9a-f]{32}\.hyperdrive\.local$/);
  assert.equal(seen['connectionString'], `postgresql://${user}:${password}@${host}:5432/${database}?sslmode=disable`);
  assert.deepEqual(seen['names'], ['OTHER', 'DB']);
  for (const secret of [postgres.password, `:${postgres.port}`, postgres.url]) {
    assert.ok(!JSON.stringify(seen).includes(secret), 'the Worker sees something of the origin');
  }
  await bench.write({ 'src/index.js': worker(`${show} another: 1`) });
  await bench.event('ready', ({ reload }) => reload);
  const later = await json<Record<string, string>>(bench.text('/show'));
  for (const name of ['user', 'password', 'database']) assert.notEqual(later[name], seen[name]);
});

test('what the runtime is told of a database holds nothing of the origin', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { 'wrangler.json': configured, 'src/index.js': 'export default {};' });
  const secret = 'postgres://originuser:originword@origin.internal:6543/origindata';
  const { project } = await loadProject({ cwd: folder, processEnv: { [variable]: secret } });
  const egress = createEgress({ policy: databasePolicy });
  const service = await use(t, Promise.resolve(new HyperdriveService({ egress, usesLocal: true })));
  const { channels, close } = await service.open(project!, folder);
  t.after(close);
  assert.equal(channels.length, 1);
  assert.doesNotMatch(JSON.stringify(channels), /origin|6543/);
  assert.doesNotMatch(JSON.stringify(project!.vars), /origin/);
});

test('a configuration that is not there is an error at the start, and one that the driver gets', async (t) => {
  const read = `async read(env) { return numberOf(await connected({ connectionString: env.DB.connectionString })); }`;
  const bench = await startBench(t, { 'wrangler.json': configured, 'src/index.js': worker(read) });
  const { diagnostics } = await bench.event('diagnostics');
  assert.deepEqual(
    diagnostics.map(({ code, severity, message }) => ({ code, severity, message })),
    [
      {
        code: 'hyperdrive_unknown',
        severity: 'error',
        message: `There is no Hyperdrive configuration ${id}, which DB is bound to`,
      },
    ],
  );
  assert.match(diagnostics[0]!.remedy, /sallyport hyperdrive create/);
  assert.match(diagnostics[0]!.remedy, /CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB/);
  const told = await json<{ thrown: string; code: string; hint: string }>(bench.text('/read'));
  assert.equal(told.thrown, `There is no Hyperdrive configuration ${id}`);
  assert.equal(told.code, '58000');
  assert.match(told.hint, /sallyport hyperdrive create/);
});

test('a reload keeps the pool of a connection string, and ends one that the project no longer has', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const read = `async read(env) { return numberOf(await connected({ connectionString: (env.DB ?? env.OTHER).connectionString })); },`;
  const bound = (binding: string): string =>
    config({
      compatibility_flags: ['nodejs_compat'],
      hyperdrive: [{ binding, id: '', localConnectionString: postgres.url }],
    });
  const bench = await startBench(t, { 'wrangler.json': bound('DB'), 'src/index.js': worker(read) });
  const { controlUrl, controlToken } = bench.server.tunnels!;
  const pools = async (): Promise<string[]> => {
    const response = await fetch(`${controlUrl}/accounts/default/hyperdrive/status`, {
      headers: { authorization: `Bearer ${controlToken}` },
    });
    const { result } = (await response.json()) as { result: { name: string; logins: number }[] };
    return result.map(({ name, logins }) => `${name} ${logins}`);
  };
  await bench.text('/read');
  await bench.write({ 'src/index.js': worker(`${read} another: 1`) });
  await bench.event('ready', ({ reload }) => reload);
  await bench.text('/read');
  assert.deepEqual(await pools(), ['DB 2']);
  await bench.write({ 'wrangler.json': bound('OTHER') });
  await bench.event('ready', ({ reload }) => reload);
  await bench.text('/read');
  assert.deepEqual(await pools(), ['OTHER 1']);
});

async function json<T>(text: Promise<string>): Promise<T> {
  return JSON.parse(await text) as T;
}
