// `sallyport hyperdrive` and `sallyport cert` against a real control API.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError, type HyperdriveConfig, type ResolvedHyperdriveConfig } from '@sallyport/control';
import { testAuthority } from '@sallyport/testkit';
import { createControlBench } from '../support/control-bench.ts';

const url = 'postgres://app:s%40cret@db.internal/sales?sslmode=verify-full';

test('a connection string makes a configuration, and the binding to paste is printed', async (t) => {
  const tried: ResolvedHyperdriveConfig[] = [];
  const check = (config: ResolvedHyperdriveConfig): Promise<void> => Promise.resolve(void tried.push(config));
  const { control, sallyport } = await createControlBench(t, { hyperdrive: { check } });
  const args = ['--connection-string', url, '--max-age', '5', '--origin-connection-limit', '7', '--binding', 'DB'];
  const { code, stdout, stderr } = await sallyport(['hyperdrive', 'create', 'sales', ...args]);
  assert.deepEqual([code, stderr], [0, '']);
  const config = control.hyperdrive.find('sales')!;
  assert.equal(
    stdout,
    `Created Hyperdrive PostgreSQL configuration sales: ${config.id}\n\n` +
      "To use it as env.DB, add this to the project's configuration:\n\n" +
      `"hyperdrive": [\n  {\n    "binding": "DB",\n    "id": "${config.id}"\n  }\n]\n`,
  );
  assert.deepEqual(tried[0]!.origin, {
    scheme: 'postgres',
    host: 'db.internal',
    port: 5432,
    database: 'sales',
    user: 'app',
    password: 's@cret',
  });
  assert.deepEqual(
    [config.mtls.sslmode, config.caching.max_age, config.origin_connection_limit],
    ['verify-full', 5, 7],
  );
});

test('single options and a password from standard input or a variable do as well', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const origin = ['--host', '10.0.0.7', '--port', '6432', '--database', 'sales', '--user', 'app'];
  const create = ['hyperdrive', 'create', '--caching-disabled=true', '--json', ...origin];
  const piped = await sallyport([...create, 'one', '--password', '-'], { input: 'from a pipe\n' });
  assert.deepEqual([piped.code, piped.stderr], [0, '']);
  const config = JSON.parse(piped.stdout) as HyperdriveConfig;
  assert.deepEqual([config.origin.port, config.caching], [6432, { disabled: true }]);
  assert.equal(control.hyperdrive.resolve(config.id)!.origin.password, 'from a pipe');
  const env = { SALLYPORT_ORIGIN_PASSWORD: 'a variable' };
  assert.equal((await sallyport([...create, 'two'], { env })).code, 0);
  assert.equal(control.hyperdrive.resolve(control.hyperdrive.find('two')!.id)!.origin.password, 'a variable');
  const input = `${url}&channel_binding=require\n`;
  const string = await sallyport(['hyperdrive', 'create', 'three', '--connection-string', '-'], { input });
  assert.equal(string.code, 0);
  const { mtls } = control.hyperdrive.find('three')!;
  assert.deepEqual(mtls, { sslmode: 'verify-full', channel_binding: 'require' });
  assert.equal(control.hyperdrive.find('three')!.origin.user, 'app');
});

test('the binding is written into the project, and not over one that is there', async (t) => {
  const { control, sallyport, home } = await createControlBench(t);
  const file = join(home, 'wrangler.jsonc');
  await writeFile(file, '{\n  // mine\n  "name": "w"\n}\n');
  const create = ['hyperdrive', 'create', '--connection-string', url, '--update-config', '--binding', 'DB'];
  const { code, stdout } = await sallyport([...create, 'one']);
  const { id } = control.hyperdrive.find('one')!;
  assert.equal(code, 0);
  assert.match(stdout, /Added to .*wrangler\.jsonc: env\.DB\n$/);
  const text = `{\n  // mine\n  "name": "w",\n  "hyperdrive": [\n    {\n      "binding": "DB",\n      "id": "${id}"\n    }\n  ]\n}\n`;
  assert.equal(await readFile(file, 'utf8'), text);
  const again = await sallyport([...create, 'two']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, new RegExp(`binds env\\.DB already, to ${id}; nothing was created\\n`));
  assert.equal(control.hyperdrive.find('two'), undefined);
  assert.equal(await readFile(file, 'utf8'), text);
});

test('calls that make no sense are explained before anything is asked', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const cases: [args: string[], code: number, says: RegExp][] = [
    [['create', 'a', '--connection-string', 'mysql://a:b@c/d'], 1, /MySQL is not supported/],
    [['create', 'a', '--connection-string', 'postgres://u:top%secret@h/d'], 1, /percent-encoding/],
    [['create', 'a', '--connection-string', 'postgres://u@h/d'], 1, /password of the database is missing/],
    [['create', 'a', '--connection-string', `${url}&sslrootcert=/root.pem`], 1, /cert upload/],
    [['create', 'a', '--connection-string', url, '--host', 'b'], 64, /--connection-string says the host too/],
    [['create', 'a', '--connection-string', url, '--password', 'b'], 64, /has a password/],
    [['create', 'a', '--host', 'b'], 1, /The name of the database is missing: --database/],
    [['create', 'a', '--service-id', 'b', '--host', 'c'], 64, /stands in place of --origin-host/],
    [
      ['create', 'a', '--service-id', 'b', '--database', 'c', '--user', 'd', '--password', 'e'],
      1,
      /b is neither the ID nor the name of a VPC service/,
    ],
    [['create', 'a', '--connection-string', url, '--service-id', 'b'], 64, /leave out either it or --service-id/],
    [['create', 'a', '--connection-string', url, '--max-age', 'x'], 64, /--max-age takes a whole number/],
    [['create', 'a', '--connection-string', url, '--binding', 'a b'], 64, /identifier/],
    [['create', 'a', '--connection-string', url, '--sslmode', 'prefer'], 1, /in between/],
    [
      ['create', 'a', '--max-age', '-1'],
      64,
      /--max-age has no value; .*--max-age=VALUE\nRun sallyport hyperdrive create --help/,
    ],
    [['create', 'a', '--max-age=-1'], 64, /whole number, not -1\nRun sallyport hyperdrive create --help/],
    [
      ['create', 'a', '--connection-string', `${url}&sslmodee=require`],
      1,
      /sslmodee is not known\nDid you mean sslmode\?/,
    ],
    [['update', 'a'], 64, /Nothing is to be changed\nRun sallyport hyperdrive update --help/],
    [['get', 'a'], 1, /neither the ID nor the name/],
    [['purge', 'a'], 64, /either --all, or which/],
    [['purge', 'a', '--all', '--table', 'b'], 64, /either --all, or which/],
  ];
  for (const [args, code, says] of cases) {
    const outcome = await sallyport(['hyperdrive', ...args]);
    assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, says);
    assert.doesNotMatch(outcome.stderr, /s@cret|s%40cret|top%secret|at .*\.js:/);
  }
  assert.deepEqual(control.hyperdrive.list(), []);
});

const hasNoDatabase = (): Promise<never> =>
  Promise.reject(new ApiError('origin_database', 'database "sales" does not exist'));

test('an origin that the edge cannot use is told with cause and remedy', async (t) => {
  const { sallyport } = await createControlBench(t, { hyperdrive: { check: hasNoDatabase } });
  const { code, stderr } = await sallyport(['hyperdrive', 'create', 'sales', '--connection-string', url]);
  assert.equal(code, 1);
  assert.match(stderr, /^Could not create .*: The specified database name does not exist: database "sales" does not/);
  assert.match(stderr, /Check the name of the database/);
});

test('configurations are listed, printed, changed and deleted, by name or ID', async (t) => {
  const { control, sallyport } = await createControlBench(t);
  const hyperdrive = (...args: string[]): ReturnType<typeof sallyport> => sallyport(['hyperdrive', ...args]);
  assert.match((await hyperdrive('list')).stdout, /no Hyperdrive configurations/);
  const origin = { host: 'db.internal', database: 'sales', user: 'app', password: 'secret' };
  const { id } = await control.hyperdrive.create({ name: 'sales', origin });
  const [, row] = (await hyperdrive('list')).stdout.split('\n');
  assert.match(row!, new RegExp(`^${id} sales app +db.internal 5432 PostgreSQL sales +max_age: 60, swr: 15 require`));
  for (const name of ['sales', id, id.toUpperCase()]) {
    const { stdout } = await hyperdrive('get', name);
    assert.deepEqual(JSON.parse(stdout), control.hyperdrive.get(id));
  }
  const changed = await hyperdrive('update', 'sales', '--name', 'shop', '--caching-disabled', '--user', 'other');
  assert.match(changed.stdout, new RegExp(`^Updated Hyperdrive configuration ${id}\\n\\{`));
  const { name, caching, origin: stored } = control.hyperdrive.get(id)!;
  assert.deepEqual([name, caching.disabled, stored.user, stored.host], ['shop', true, 'other', 'db.internal']);
  assert.match((await hyperdrive('list')).stdout, / disabled /);
  await hyperdrive('update', id, '--caching-disabled=false', '--max-age=0');
  assert.equal(control.hyperdrive.get(id)!.caching.max_age, 0);
  assert.equal((await hyperdrive('delete', 'shop')).stdout, `Deleted Hyperdrive configuration shop with id ${id}\n`);
  assert.equal((await hyperdrive('delete', 'shop')).code, 1);
});

test('answers are purged and queries explained; the status has a line for each pool', async (t) => {
  const asked: unknown[] = [];
  const timing = { count: 9, mean: 1, p50: 0.5, p99: null };
  const pool = {
    id: 'f00',
    name: 'sales',
    pool: { max_connections: 20, connections: 3, idle: 2, connecting: 0 },
    waiting_clients: 1,
    longest_wait_ms: 250,
    clients: 9,
    queries: { miss: 2, hit: 40 },
    pins: {},
    errors: {},
    acquire_ms: { ...timing, count: 0 },
    query_ms: timing,
  };
  const { control, sallyport } = await createControlBench(t, {
    hyperdrive: {
      purge: (_, { tables = [], ...what }) => ({
        purged: asked.push({ ...(tables.length === 0 ? {} : { tables }), ...what }),
        unknownTables: tables.filter((name) => name === 'nowhere'),
      }),
      explain: (_, { sql }) => ({
        cacheStatus: sql.includes('now') ? 'volatile' : 'miss',
        cacheable: !sql.includes('now'),
        why: 'because',
        tables: ['public.t'],
        kept: { maxAge: 5, staleWhileRevalidate: 0, tags: ['a', 'b'] },
        key: { text: sql, settings: '', searchPath: ['public'] },
        entry: { age: 1.25, expiresIn: 58.75, hits: 3, bytes: 99, isStale: false },
      }),
      status: (id) => (id === undefined ? [pool] : []),
    },
  });
  const origin = { host: 'db.internal', database: 'sales', user: 'app', password: 'secret' };
  await control.hyperdrive.create({ name: 'sales', origin });
  const hyperdrive = async (...args: string[]): Promise<[number | null, string]> => {
    const { code, stdout } = await sallyport(['hyperdrive', ...args]);
    return [code, stdout];
  };
  assert.deepEqual(await hyperdrive('purge', 'sales', '--table', 'a', '-t', 'b.c'), [0, 'Dropped 1 answer of sales\n']);
  assert.deepEqual(await hyperdrive('purge', 'sales', '--all', '--json'), [0, '{\n  "purged": 2\n}\n']);
  await hyperdrive('purge', 'sales', '--tag', 'x');
  assert.deepEqual(asked, [{ tables: ['a', 'b.c'] }, {}, { tags: ['x'] }]);
  const [, none] = await hyperdrive('purge', 'sales', '--table', 'nowhere');
  assert.match(none, /\nNo table nowhere is known there/);

  const [yes, text] = await hyperdrive('explain', 'sales', 'select 1');
  assert.equal(yes, 0);
  assert.match(
    text,
    /cached +yes\ncacheStatus +miss\nwhy +because\ntables +public\.t\nkept +max-age 5 s, swr 0 s, tags a, b\n/,
  );
  const { stdout: piped } = await sallyport(['hyperdrive', 'explain', 'sales', '-'], { input: 'select\n  now()\n' });
  assert.match(piped, /cacheStatus +volatile/);
  assert.match(text, /entry +1\.3 s old, fresh, ends in 58\.8 s\nserved +3 times, 99 bytes/);
  const [no, answer] = await hyperdrive('explain', 'sales', 'select now()', '--json');
  assert.deepEqual([no, (JSON.parse(answer) as { cacheStatus: string }).cacheStatus], [1, 'volatile']);

  assert.deepEqual(await hyperdrive('status'), [
    0,
    'NAME  CONNECTIONS IDLE CLIENTS WAITING MAXWAIT MS ACQUIRE P50/P99 MS QUERY P50/P99 MS QUERIES       PINS ERRORS ID\n' +
      'sales 3/20        2    9       1       250        -                  0.5/>            hit:40 miss:2 -    -      f00\n',
  ]);
  assert.match((await hyperdrive('status', 'sales'))[1], /No pool runs/);
});

test('certificates are uploaded from files, listed, printed and deleted', async (t) => {
  const { control, sallyport, home } = await createControlBench(t);
  const authority = await testAuthority();
  const { cert, key } = await authority.issue('client');
  for (const [name, text] of Object.entries({ 'ca.pem': authority.ca, 'c.pem': cert, 'k.pem': key })) {
    await writeFile(join(home, name), text);
  }
  const run = (...args: string[]): ReturnType<typeof sallyport> => sallyport(['cert', ...args]);
  const ca = await run('upload', 'certificate-authority', '--ca-cert', 'ca.pem', '--name', 'root');
  const [stored] = control.certificates.list();
  assert.equal(
    ca.stdout,
    `Success! Uploaded CA certificate root\nID: ${stored!.id}\nIssuer: CN=Sallyport test authority\n` +
      `Expires on ${stored!.expires_on.slice(0, 10)}\n`,
  );
  const own = await run('upload', 'mtls-certificate', '--cert', 'c.pem', '--key', 'k.pem', '--json');
  const { id } = JSON.parse(own.stdout) as { id: string };
  assert.ok(!own.stdout.includes('PRIVATE'));
  const { stdout } = await run('list');
  assert.match(stdout, /root authority CN=Sallyport/);
  assert.match(stdout, new RegExp(`${id} +client +CN=Sallyport`));
  assert.deepEqual(JSON.parse((await run('get', 'root')).stdout), stored);
  const renewed = await authority.issue('client', { commonName: 'renewed' });
  await writeFile(join(home, 'c2.pem'), renewed.cert);
  await writeFile(join(home, 'k2.pem'), renewed.key);
  const { id: replacedId } = JSON.parse(own.stdout) as { id: string };
  const replaced = await run('replace', replacedId, '--cert', 'c2.pem', '--key', 'k2.pem');
  assert.match(replaced.stdout, new RegExp(`Success! Replaced mTLS certificate\nID: ${replacedId}\n`));
  assert.equal(control.certificates.keyOf(replacedId), renewed.key);
  assert.match(
    (await run('replace', replacedId, '--cert', 'c2.pem', '--key', 'k.pem')).stderr,
    /--key does not belong/,
  );
  const swapped = await run('upload', 'mtls-certificate', '--cert', 'c.pem', '--key', 'ca.pem');
  assert.deepEqual([swapped.code, /not a private key/.test(swapped.stderr)], [1, true]);
  assert.match(
    (await run('upload', 'mtls-certificate', '--cert', 'none.pem', '--key', 'k.pem')).stderr,
    /--cert: ENOENT/,
  );
  assert.equal((await run('upload', 'mtls-certificate', '--cert', 'c.pem')).code, 64);
  const origin = { host: 'db.internal', database: 'sales', user: 'app', password: 'secret' };
  await control.hyperdrive.create({ name: 'sales', origin, mtls: { mtls_certificate_id: id } });
  assert.match((await run('delete', id)).stderr, /used by sales/);
  assert.equal(
    (await run('delete', '--name', 'root')).stdout,
    `Deleted certificate ${stored!.id} (root) successfully\n`,
  );
  assert.match((await run('delete', 'root')).stderr, /not found with name or ID "root"/);
  assert.equal((await run('delete')).code, 64);
});
