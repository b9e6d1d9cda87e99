// The way from the edge to a database: TLS of every mode, tunnels, and what a driver in the Worker is told when the way,
// or the database at its end, is not as the configuration says.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needs, type PostgresServer, startPostgres, testAuthority, use } from '@sallyport/testkit';
import {
  type BenchOptions,
  config,
  type DevBench,
  startBench,
  writeFiles,
  temporaryFolder,
} from '../support/dev-bench.ts';
import { startTunnelBench } from '../support/tunnel-bench.ts';

const prefix = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_';

/** A Worker that answers `/BINDING` with what its database says of the connection, or with the error. */
function toWorker(strings: Readonly<Record<string, string>>): {
  files: Record<string, string>;
  options: BenchOptions;
} {
  const bindings = Object.keys(strings);
  const hyperdrive = bindings.map((binding) => ({ binding, id: '' }));
  const files = {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'], hyperdrive }),
    'src/index.js': `import { Client } from 'pg';
      export default { async fetch(request, env, ctx) {
        const { connectionString } = env[new URL(request.url).pathname.slice(1)];
        try {
          const client = new Client({ connectionString });
          await client.connect();
          const { rows } = await client.query(
            'select inet_server_port() as port, ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()');
          ctx.waitUntil(client.end());
          return Response.json(rows[0]);
        } catch (error) { return Response.json({ message: error.message, code: error.code, hint: error.hint }); }
      } };`,
  };
  const processEnv = Object.fromEntries(bindings.map((binding) => [prefix + binding, strings[binding]]));
  return { files, options: { project: { processEnv } } };
}

async function startWorker(t: TestContext, strings: Readonly<Record<string, string>>): Promise<DevBench> {
  const { files, options } = toWorker(strings);
  return startBench(t, files, options);
}

interface Answer {
  port?: number;
  ssl?: boolean;
  client_dn?: string | null;
  message?: string;
  code?: string;
  hint?: string;
}

const ask = async (bench: DevBench, binding: string): Promise<Answer> =>
  JSON.parse(await bench.text(`/${binding}`)) as Answer;

test('every sslmode of a local connection string does what libpq does', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const certificate = await authority.issue('good', { names: ['localhost'] });
  const client = await authority.issue('client', { commonName: 'the edge' });
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { 'ca.pem': authority.ca, 'client.pem': client.cert, 'client.key': client.key });
  const [secure, plain] = await Promise.all([
    use(t, startPostgres({ tls: { certificate, clientCa: authority.ca }, requireTls: true })),
    use(t, startPostgres()),
  ]);
  const own = `sslcert=${join(folder, 'client.pem')}&sslkey=${join(folder, 'client.key')}`;
  const ca = `sslrootcert=${join(folder, 'ca.pem')}`;
  const byName = secure.url.replace('127.0.0.1', 'localhost');
  const bench = await startWorker(t, {
    REQUIRE: `${secure.url}?sslmode=require&${own}`,
    DEFAULT: `${secure.url}?${own}`,
    VERIFY_CA: `${secure.url}?sslmode=verify-ca&${ca}&${own}`,
    VERIFY_FULL: `${byName}?sslmode=verify-full&${ca}&${own}`,
    NO_CERTIFICATE: `${secure.url}?sslmode=require`,
    WRONG_NAME: `${secure.url}?sslmode=verify-full&${ca}&${own}`,
    UNKNOWN_CA: `${byName}?sslmode=verify-full&sslrootcert=system&${own}`,
    DISABLED: `${secure.url}?sslmode=disable`,
    BOUND: `${secure.url}?sslmode=require&channel_binding=require&${own}`,
    PLAIN: plain.url,
    PLAIN_BOUND: `${plain.url}?channel_binding=require`,
    PLAIN_REQUIRE: `${plain.url}?sslmode=require`,
  });
  const overTls = { port: secure.port, ssl: true, client_dn: '/CN=the edge' };
  for (const name of ['REQUIRE', 'DEFAULT', 'VERIFY_CA', 'VERIFY_FULL', 'BOUND'])
    assert.deepEqual(await ask(bench, name), overTls);
  assert.deepEqual(await ask(bench, 'PLAIN'), { port: plain.port, ssl: false, client_dn: null });
  const refusals: readonly [binding: string, message: RegExp][] = [
    ['NO_CERTIFICATE', /requires a valid client certificate/],
    ['WRONG_NAME', /TLS.*127\.0\.0\.1/],
    ['UNKNOWN_CA', /TLS.*authority that is not trusted/],
    ['DISABLED', /no pg_hba\.conf entry.*no encryption/],
    ['PLAIN_BOUND', /channel binding is required/],
    ['PLAIN_REQUIRE', /does not support TLS/],
  ];
  for (const [binding, message] of refusals) assert.match((await ask(bench, binding)).message ?? '', message, binding);
});

test('the driver is told precisely what is wrong with the database', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { 'ca.pem': authority.ca });
  const expired = { certificate: await authority.issue('expired') };
  const trusted = { certificate: await authority.issue('good') };
  const [postgres, old, good] = await Promise.all([
    use(t, startPostgres()),
    use(t, startPostgres({ tls: expired })),
    use(t, startPostgres({ tls: trusted })),
  ]);
  const { url, port } = postgres;
  const bench = await startWorker(t, {
    PASSWORD: url.replace('secret', 'wrong'),
    DATABASE: url.replace(/postgres$/, 'nowhere'),
    REFUSED: url.replace(`:${port}`, ':1'),
    UNKNOWN_HOST: url.replace('127.0.0.1', 'nowhere.invalid'),
    METADATA: url.replace('127.0.0.1', '169.254.169.254'),
    UNTRUSTED: `${good.url}?sslmode=verify-ca`,
    EXPIRED: `${old.url}?sslmode=verify-ca&sslrootcert=${join(folder, 'ca.pem')}`,
  });
  const told: readonly [binding: string, code: string, message: RegExp][] = [
    ['PASSWORD', '28P01', /password authentication failed for user "postgres"/],
    ['DATABASE', '3D000', /database "nowhere" does not exist/],
    ['REFUSED', '58000', /^Server connection attempt failed: connection_refused/],
    ['UNKNOWN_HOST', '58000', /^Server connection attempt failed: dns_error/],
    ['METADATA', '58000', /^Server connection attempt failed: destination_denied/],
    ['EXPIRED', '58000', /^Server connection attempt failed: TLS.* expired/],
  ];
  for (const [binding, code, message] of told) {
    const answer = await ask(bench, binding);
    assert.match(answer.message ?? '', message, binding);
    assert.equal(answer.code, code, binding);
  }
  const hints: readonly [binding: string, hint: RegExp][] = [
    ['REFUSED', /Nothing listens on that port/],
    ['UNKNOWN_HOST', /tunnel route hostname add/],
    ['METADATA', /Correct the host: at link-local/],
    ['UNTRUSTED', /sslrootcert/],
  ];
  for (const [binding, hint] of hints) assert.match((await ask(bench, binding)).hint ?? '', hint, binding);
  // A login that was refused is in the log too, once.
  const login = await bench.gateway.next((event) => event.code === 'origin_refused');
  assert.deepEqual([login.kind, login.destination], ['database', `127.0.0.1:${port}`]);
  assert.match(login.detail ?? '', /^(?:PASSWORD|DATABASE): /);
  // The log has what the Worker is not told: where, and by which rule.
  const refused = await bench.gateway.next((event) => event.code === 'destination_denied');
  assert.equal(refused.destination, `169.254.169.254:${port}`);
  assert.equal(refused.kind, 'database');
  assert.match(refused.decision?.rule ?? '', /metadata/);
});

test('a database that only a connector reaches is read by name and by address, with TLS from end to end', async (t) => {
  if (!needs(t, 'postgres')) return;
  const authority = await testAuthority();
  const certificate = await authority.issue('good', { names: ['db.internal', '10.77.0.5'] });
  const folder = await temporaryFolder(t);
  await writeFiles(folder, { 'ca.pem': authority.ca });
  const postgres: PostgresServer = await use(t, startPostgres({ tls: { certificate }, requireTls: true }));
  const at = (host: string): string =>
    `${postgres.url.replace('127.0.0.1', host)}?sslmode=verify-full&sslrootcert=${join(folder, 'ca.pem')}`;
  const { files, options } = toWorker({ NAME: at('db.internal'), ADDRESS: at('10.77.0.5') });
  const bench = await startTunnelBench(t, files, options);
  const rules = ['db.internal', '10.77.0.5'].map(
    (host) => `  - hostname: ${host}\n    service: tcp://127.0.0.1:${postgres.port}\n`,
  );
  const { tunnelId } = await bench.join('office', `ingress:\n${rules.join('')}  - service: http_status:404`);
  const { routes } = bench.tunnels.control;
  await routes.hostnames.create({ hostname: 'db.internal', tunnel_id: tunnelId });
  await routes.ip.create({ network: '10.77.0.0/16', tunnel_id: tunnelId });
  const answer = { port: postgres.port, ssl: true, client_dn: null };
  assert.deepEqual(await ask(bench, 'NAME'), answer);
  assert.deepEqual(await ask(bench, 'ADDRESS'), answer);
  const { decision } = await bench.gateway.next((event) => event.destination.startsWith('10.77.0.5:'));
  assert.equal(decision?.route.kind, 'tunnel');
});
