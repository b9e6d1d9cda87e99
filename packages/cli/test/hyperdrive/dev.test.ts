// From nothing to a cached query: the commands against a running `sallyport dev` and a real database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { config } from '../../../edge/test/support/dev-bench.ts';
import { type Outcome, run, startDev } from '../support/run.ts';

const worker = `import { Client } from 'pg';
  export default { async fetch(request, env, ctx) {
    if (env.DB === undefined) return new Response('no binding');
    const client = new Client({ connectionString: env.DB.connectionString });
    await client.connect();
    const { rows } = await client.query('select 6 * 7 as answer');
    ctx.waitUntil(client.end());
    return new Response(rows[0].answer);
  } };`;

test('a database is created, bound, asked, explained, told of and deleted', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const dev = await startDev(t, {
    'wrangler.json': config({ compatibility_flags: ['nodejs_compat'] }),
    'src/index.js': worker,
  });
  await dev.next('ready');
  assert.equal(await dev.text(), 'no binding');
  const hyperdrive = (args: string[], input?: string): Promise<Outcome> =>
    run(['hyperdrive', ...args], { cwd: dev.folder, ...(input === undefined ? {} : { input }) });
  const { port, user, password, database } = postgres;
  const place = ['--host', '127.0.0.1', '--port', String(port), '--user', user, '--database', database];
  const create = ['create', 'shop', ...place, '--sslmode', 'disable', '--password', '-'];

  const wrong = await hyperdrive(create, 'wrong');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /Invalid database credentials: .*password authentication failed for user "postgres"/);
  const plain = await hyperdrive(['create', 'shop', ...place, '--password', '-'], password);
  assert.match(plain.stderr, /TLS \(SSL\) not supported by the database/);

  const made = await hyperdrive([...create, '--binding', 'DB', '--update-config'], password);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  await dev.lines.next(({ kind, reload }) => kind === 'ready' && reload === true);
  assert.equal(await dev.text(), '42');

  const explained = await hyperdrive(['explain', 'shop', 'select random()']);
  assert.equal(explained.code, 1);
  assert.match(explained.stdout, /cached +no\n.*why +.*random/s);
  const { stdout } = await hyperdrive(['status', 'shop']);
  assert.match(stdout, /^NAME +CONNECTIONS[^\n]+\nshop +[12]\/20 /);
  assert.equal((await hyperdrive(['purge', 'shop', '--all'])).code, 0);
  assert.equal((await hyperdrive(['delete', 'shop'])).code, 0);
  assert.match((await hyperdrive(['list'])).stdout, /no Hyperdrive configurations/);
});

test('the pool of a local connection string is asked by the name and the id that status prints', async (t) => {
  if (!needs(t, 'postgres')) return;
  const postgres = await use(t, startPostgres());
  const dev = await startDev(
    t,
    {
      'wrangler.json': config({
        name: 'local',
        compatibility_flags: ['nodejs_compat'],
        hyperdrive: [{ binding: 'DB', id: '' }],
      }),
      'src/index.js': worker,
    },
    { env: { CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB: postgres.url } },
  );
  await dev.next('ready');
  assert.equal(await dev.text(), '42');
  const hyperdrive = (args: string[], input?: string): Promise<Outcome> =>
    run(['hyperdrive', ...args], { cwd: dev.folder, ...(input === undefined ? {} : { input }) });
  const { stdout } = await hyperdrive(['status']);
  const id = stdout.trim().split(/\s+/).at(-1)!;
  assert.equal(id, 'local-local-DB');
  for (const name of ['DB', id]) {
    const one = await hyperdrive(['status', name]);
    assert.deepEqual([one.code, one.stderr], [0, '']);
    assert.match(one.stdout, /\nDB +\d+\/20 /);
    const explained = await hyperdrive(['explain', name, 'select 6 * 7 as answer']);
    assert.deepEqual([explained.code, explained.stderr], [0, '']);
    assert.match(explained.stdout, /cached +yes/);
  }
  assert.equal(await dev.text(), '42');
  const purged = await hyperdrive(['purge', 'DB', '--all']);
  assert.deepEqual([purged.code, purged.stderr], [0, '']);
  const wrong = await hyperdrive(['purge', 'DC', '--all']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /DC is neither .* nor a pool that runs\n.*hyperdrive status/);
  // It still serves.
  assert.equal(await dev.text(), '42');
});
