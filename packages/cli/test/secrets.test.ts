// Secrets as those who look for them find them: in what is printed, in process lists, in environments and in files.
import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs, startPostgres, use } from '@sallyport/testkit';
import { decodeToken } from '@sallyport/tunnel';
import { config } from '../../edge/test/support/dev-bench.ts';
import { childrenOf } from './support/processes.ts';
import { type Outcome, run, start, startDev } from './support/run.ts';

const variable = 'CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_DB';

const worker = `import { Client } from 'pg';
import { connect } from 'cloudflare:sockets';
const query = async (connectionString) => {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  await client.query('select 1');
  await client.end();
};
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  const headers = { authorization: 'Bearer ' + env.API_KEY, cookie: 'session=' + env.API_KEY };
  if (pathname === '/query') await query(env.DB.connectionString);
  else if (pathname === '/wrong') await query(env.OTHER.connectionString);
  else if (pathname === '/fetch') await fetch('http://user:' + env.API_KEY + '@127.0.0.1:1/', { headers });
  else if (pathname === '/fail') await fetch('https://169.254.169.254/', { headers, method: 'POST', body: env.API_KEY });
  else if (pathname === '/connect') await connect('nobody.invalid:5432').opened;
  else throw new Error('on purpose');
  return new Response('done');
} };`;

/** The beginning of what is in a PEM file, or of a key that is none. */
const body = (pem: string): string => pem.split('\n')[1]!.slice(0, 40) || pem.trim().slice(0, 40);

/** Every process below one, however deep. */
async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  const deeper = await Promise.all(children.map((child) => descendantsOf(child.pid)));
  return [...children.map((child) => child.pid), ...deeper.flat()];
}

const ofProcess = async (pid: number, name: string): Promise<string> =>
  readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');

test(
  'no secret is in a log, an error, an answer, a process list, an environment or a file of everybody’s',
  { timeout: 120_000 },
  async (t) => {
    if (!needs(t, 'postgres')) return;
    const postgres = await use(t, startPostgres({ password: 'password-of-the-database-4713' }));
    const apiKey = 'key-of-the-api-4711';
    const wrongPassword = 'wrong-password-4712';
    const files = {
      'wrangler.json': config({
        compatibility_flags: ['nodejs_compat'],
        hyperdrive: [
          { binding: 'DB', id: '' },
          { binding: 'OTHER', id: '', localConnectionString: postgres.url.replace(postgres.password, wrongPassword) },
        ],
      }),
      'src/index.js': worker,
      '.dev.vars': `API_KEY=${apiKey}\n`,
    };
    const dev = await startDev(t, files, {
      env: { [variable]: postgres.url, HOME: '/nonexistent' },
    });
    const said: string[] = [];
    dev.child.stderr!.on('data', (text: string) => said.push(text));
    const state = join(dev.folder, '.sallyport');
    const sallyport = async (args: string[], input?: string): Promise<Outcome> => {
      const outcome = await run(args, { cwd: dev.folder, ...(input === undefined ? {} : { input }) });
      said.push(outcome.stdout, outcome.stderr);
      return outcome;
    };
    for (const path of ['query', 'wrong', 'fetch', 'fail', 'connect', 'throw']) said.push(await dev.text(`/${path}`));
    assert.equal(await dev.text('/query'), 'done');

    const url = `${postgres.url}?sslmode=disable`;
    const wrongUrl = url.replace(postgres.password, wrongPassword);
    for (const more of [[], ['--json']]) {
      await sallyport(['tunnel', 'create', `office${more.length}`, ...more]);
      await sallyport(['tunnel', 'info', `office${more.length}`, ...more]);
      const made = await sallyport(
        ['hyperdrive', 'create', `sales${more.length}`, '--connection-string', '-', ...more],
        url,
      );
      assert.equal(made.code, 0, made.stderr);
      const refused = await sallyport(['hyperdrive', 'create', 'wrong', '--connection-string', '-', ...more], wrongUrl);
      assert.equal(refused.code, 1);
      await sallyport(['hyperdrive', 'get', `sales${more.length}`, ...more]);
      await sallyport(['hyperdrive', 'status', ...more]);
    }
    // The one answer that is a secret goes into a file.
    const { stdout: token } = await run(['tunnel', 'token', 'office0'], { cwd: dev.folder });
    const { secret } = decodeToken(token.trim());
    await writeFile(join(dev.folder, 'token'), token, { mode: 0o600 });
    const connector = start(['tunnel', 'run', '--token-file', 'token', '--loglevel', 'debug'], { cwd: dev.folder });
    t.after(() => {
      connector.child.kill('SIGKILL');
      return connector.outcome.then(() => {});
    });
    await dev.next('link-registered');

    const controlToken = (await readFile(join(state, 'control.token'), 'utf8')).trim();
    const keys = await Promise.all(['ca.key', 'secrets.key'].map((name) => readFile(join(state, name), 'utf8')));
    const secrets: Record<string, string> = {
      'the variable': apiKey,
      "the database's password": postgres.password,
      'the wrong password': wrongPassword,
      "the control API's token": controlToken,
      "the tunnel's secret": Buffer.from(secret).toString('base64').slice(0, 20),
      "the tunnel's token": token.trim().slice(40, 100),
      "the authority's key": body(keys[0]!),
      "the store's key": keys[1]!.trim().slice(0, 40),
    };
    for (const [name, text] of Object.entries(secrets)) assert.ok(text.length >= 8, name);
    const pids = [...(await descendantsOf(dev.child.pid!)), ...(await descendantsOf(connector.child.pid!))];
    const programs = await Promise.all(pids.map((pid) => ofProcess(pid, 'cmdline')));
    assert.ok(programs.some((program) => program.includes('workerd')));
    const places: Record<string, string> = {};
    for (const pid of pids) {
      places[`arguments of ${pid}`] = await ofProcess(pid, 'cmdline');
      // A build, which is the developer's own, sees what its developer has set; the runtime does not.
      const [program = ''] = places[`arguments of ${pid}`]!.split('\0');
      if (!program.endsWith('esbuild')) places[`environment of ${pid}`] = await ofProcess(pid, 'environ');
    }
    for (const { pid } of [dev.child, connector.child])
      places[`arguments of ${pid}`] = await ofProcess(pid!, 'cmdline');
    connector.child.kill('SIGTERM');
    const { stdout, stderr } = await connector.outcome;
    said.push(stdout, stderr, ...dev.lines.all.map((line) => JSON.stringify(line)));
    places['what was printed'] = said.join('\n');
    for (const parent of [state, dev.temporary]) {
      for (const entry of await readdir(parent, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile() && ((await stat(path)).mode & 0o077) !== 0) places[path] = await readFile(path, 'latin1');
      }
    }
    for (const [place, text] of Object.entries(places)) {
      for (const [name, hidden] of Object.entries(secrets)) assert.ok(!text.includes(hidden), `${name} is in ${place}`);
    }
    assert.ok(places['what was printed']!.includes('destination_denied'));
  },
);
