// `sallyport dev` as a process: its options, what it prints, what it says when it cannot start.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, startPeer, use } from '@sallyport/testkit';
import { config, temporaryFolder, writeFiles } from '../../edge/test/support/dev-bench.ts';
import { createProject, run, startDev } from './support/run.ts';

const connects = `import { connect } from 'cloudflare:sockets';
export default { async fetch(request, env) {
  console.log('asked', request.method);
  try { await connect(env.TO, { secureTransport: env.TLS ?? 'off' }).opened; return new Response('open'); }
  catch (error) { return new Response(error.code, { status: 502 }); }
} };`;

test('--json says one object a line: ready, listening, log, socket, request', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const dev = await startDev(t, connects, { args: ['--var', `TO:${peer.address}`] });
  const ready = await dev.next('ready');
  assert.deepEqual(Object.keys(ready), ['kind', 'took', 'bytes', 'reload']);
  assert.equal(await dev.text('/path?q=1'), 'open');
  const { log } = (await dev.next('log')) as unknown as { log: { level: string; message: string } };
  assert.deepEqual([log.level, log.message], ['log', 'asked GET']);
  const socket = await dev.next('socket');
  assert.deepEqual(
    [socket['destination'], (socket['decision'] as { verdict: string }).verdict],
    [peer.address, 'allow'],
  );
  const request = await dev.next('request');
  assert.deepEqual([request['method'], request['target'], request['status']], ['GET', '/path?q=1', 200]);
  assert.equal(typeof request['took'], 'number');
});

test('--no-watch ends with 1 when the Worker cannot be built or started: nobody will repair it', async (t) => {
  for (const source of ['export default {\n  fetch: (\n};', "throw new Error('at the start')"]) {
    const folder = await createProject(t, source);
    const { code, stdout } = await run(['dev', '--no-watch', '--port', '0'], { cwd: folder });
    assert.equal(code, 1, stdout);
    assert.doesNotMatch(stdout, /Listening on/);
  }
});

test('a build error in --json has its places', async (t) => {
  const dev = await startDev(t, `export default {\n  fetch: (\n};`);
  const { error, stillRunning } = (await dev.next('failed')) as unknown as {
    error: { code: string; diagnostics: { file: string; line: number }[] };
    stillRunning: boolean;
  };
  assert.deepEqual([error.code, error.diagnostics[0]?.line, stillRunning], ['build_failed', 3, false]);
  await writeFiles(dev.folder, { 'src/index.js': `export default { fetch: () => new Response('fine') };` });
  await dev.next('ready');
  assert.equal(await dev.text(), 'fine');
});

test('for people: lines without colours when nobody watches, and nothing a Worker logs can drive the terminal', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const folder = await createProject(t, connects);
  const main = new URL('../dist/main.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, 'dev', '-p', '0', '--var', `TO:${peer.address}`], { cwd: folder });
  t.after(() => void child.kill('SIGKILL'));
  let text = '';
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(text);
      if (match !== null) return match;
      await new Promise((resolve) => child.stdout.once('data', resolve));
    }
  };
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [, url] = await until(/Listening on (http:\S+)\n/);
  assert.match(text, /^Ready in \d+ ms \(\d+ KiB\)\n/);
  await until(/--strict forbids them/);
  await fetch(`${url}/a?b=%1b`);
  await until(/GET \/a\?b=%1b 200 [\d.]+ ms\n/);
  assert.match(text, /\nasked GET\n {2}→ 127\.0\.0\.1:\d+ \S.* [\d.]+ ms\n/);
  // oxlint-disable-next-line no-control-regex -- that there are none is the point
  assert.ok(!/[\u0000-\u0009\u000b-\u001f]/.test(text), JSON.stringify(text));
});

test('variables: --env, .dev.vars and --var', async (t) => {
  const files = {
    'wrangler.json': config({
      vars: { A: 'top' },
      env: { staging: { vars: { A: 'staging', B: 'staging', C: 'staging' } } },
    }),
    '.dev.vars': 'B=file\nC=file',
    'src/index.js': `export default { fetch: (_, env) => Response.json(env) };`,
  };
  const dev = await startDev(t, files, { args: ['-e', 'staging', '--var', 'C:with:colons', '--var', 'D:'] });
  assert.deepEqual(JSON.parse(await dev.text()), { A: 'staging', B: 'file', C: 'with:colons', D: '' });
  const other = await startDev(t, files, { env: { CLOUDFLARE_ENV: 'staging' } });
  assert.equal((JSON.parse(await other.text()) as { A: string }).A, 'staging');
});

test('--strict refuses loopback; --ca trusts a private authority', async (t) => {
  const authority = await createAuthority();
  const peer = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('good') } }));
  const file = join(await temporaryFolder(t), 'ca.pem');
  await writeFile(file, authority.ca);
  const variables = ['--var', `TO:localhost:${peer.port}`, '--var', 'TLS:on'];
  const trusting = await startDev(t, connects, { args: [...variables, '--ca', file] });
  assert.equal(await trusting.text(), 'open');
  const distrusting = await startDev(t, connects, { args: variables });
  assert.equal(await distrusting.text(), 'tls_unknown_authority');
  const strict = await startDev(t, connects, { args: [...variables, '--ca', file, '--strict'] });
  assert.equal(await strict.text(), 'destination_denied');
});

test('--ip listens on that address; --persist-to is relative to the current folder', async (t) => {
  const dev = await startDev(
    t,
    {
      'wrangler.json': config({
        durable_objects: { bindings: [{ name: 'OBJECT', class_name: 'Counter' }] },
        migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
      }),
      'src/index.js': `import { DurableObject } from 'cloudflare:workers';
        export class Counter extends DurableObject {
          async fetch() { await this.ctx.storage.put('a', 1); return new Response('put'); }
        }
        export default { fetch: (request, env) => env.OBJECT.get(env.OBJECT.idFromName('x')).fetch(request) };`,
    },
    { args: ['--ip', '::1', '--persist-to', 'my-state'] },
  );
  assert.match(dev.url, /^http:\/\/\[::1\]:\d+$/);
  assert.equal(await dev.text(), 'put');
  assert.deepEqual(await readdir(join(dev.folder, 'my-state')), ['bench-Counter']);
});

test('what keeps it from starting is said in a sentence with its remedy, exit code 1', async (t) => {
  const folder = await createProject(t, `export default { fetch: () => new Response('x') };`);
  const holder = createServer();
  await new Promise<void>((resolve) => {
    holder.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => void holder.close());
  const { port } = holder.address() as { port: number };
  const cases: [string[], string, RegExp][] = [
    [['-p', String(port)], folder, new RegExp(`^The port is taken: .*${port}\\n.*--port`)],
    [['--ip', '192.0.2.1', '-p', '0'], folder, /^Cannot listen there: .*192\.0\.2\.1.*\n.*--ip/],
    [['--config', 'absent.toml'], folder, /absent\.toml[\s\S]*--config/],
    [[], '/', /no wrangler\.json.*or any folder above[\s\S]*fix:/],
  ];
  for (const [args, cwd, message] of cases) {
    const { code, stdout, stderr } = await run(['dev', ...args], { cwd });
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    assert.ok(!stderr.includes('    at '), stderr);
    assert.ok(!stdout.includes('Ready'), stdout);
  }
});
