// The built package, laid out as npm would install it, on every Node version we support: what users run is the build.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { needs, nodeBinary, startPeer, startPostgres, startSmtp, use } from '@sallyport/testkit';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../../', import.meta.url));
const versions = ['20', '22', '24'];
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-register-'));
  const installed = join(folder, 'node_modules/@sallyport/sockets');
  await mkdir(installed, { recursive: true });
  await copyFile(join(repository, 'packages/sockets/package.json'), join(installed, 'package.json'));
  const tsc = join(repository, 'node_modules/.bin/tsc');
  const flags = ['--outDir', join(installed, 'dist'), '--tsBuildInfoFile', join(folder, 'build-info')];
  await run(tsc, ['-p', join(repository, 'packages/sockets'), ...flags]).catch((error: { stdout?: string }) => {
    assert.fail(`packages/sockets does not build: ${error.stdout}`);
  });
  for (const name of ['pg', 'pg-cloudflare', 'worker-mailer']) {
    await symlink(join(repository, 'node_modules', name), join(folder, 'node_modules', name));
  }
});
after(() => rm(folder, { recursive: true }));

async function runApp(version: string, name: string, source: string, flags: string[], ...args: string[]) {
  const path = join(folder, name);
  await writeFile(path, source);
  const all = ['--import', '@sallyport/sockets/register', ...flags, path, ...args];
  const { stdout, stderr } = await run(await nodeBinary(version), all, { cwd: folder, timeout: 30_000 });
  assert.equal(stderr, '');
  return stdout.trim();
}

const app = `
import { connect } from 'cloudflare:sockets';
import * as direct from '@sallyport/sockets';
const dynamic = await import('cloudflare:sockets');
const socket = connect(process.argv[2]);
const writer = socket.writable.getWriter();
await writer.write(new TextEncoder().encode('hello'));
const { value } = await socket.readable.getReader().read();
await socket.close();
console.log(new TextDecoder().decode(value), connect === direct.connect && connect === dynamic.connect);
`;

const commonJs = `
import('cloudflare:sockets').then(async ({ connect }) => {
  const socket = connect(process.argv[2]);
  await socket.opened;
  await socket.close();
  console.log('opened');
});
`;

const withPg = `
import pg from 'pg';
import { CloudflareSocket } from 'pg-cloudflare';
const config = { connectionString: process.argv[2], stream: () => new CloudflareSocket(false) };
const client = new pg.Client(config);
await client.connect();
const { rows } = await client.query('select n, n * n as square from generate_series(1, 1000) as n');
await client.end();
console.log(rows.length, rows[999].square);
`;

const withRequire = `
const { WorkerMailer } = require('worker-mailer');
const { connect } = require('cloudflare:sockets');
const [port, username, password] = process.argv.slice(2);
(async () => {
  // Its timers outlive what they were for.
  const timeouts = { socketTimeoutMs: 2000, responseTimeoutMs: 2000 };
  const login = { credentials: { username, password }, authType: 'plain', logLevel: 4 };
  const mailer = await WorkerMailer.connect({ host: '127.0.0.1', port: Number(port), secure: false, startTls: false, ...login, ...timeouts });
  await mailer.send({ from: 'a@example.com', to: 'b@example.com', subject: 'hello', text: 'hello' });
  await mailer.close();
  console.log('sent', connect === (await import('@sallyport/sockets')).connect);
})();
`;

for (const version of versions) {
  test(`cloudflare:sockets resolves on Node ${version}, by static and dynamic import`, async (t) => {
    const peer = await use(t, startPeer('echo'));
    assert.equal(await runApp(version, 'app.mjs', app, [], peer.address), 'hello true');
    assert.equal(await runApp(version, 'app.cjs', commonJs, [], peer.address), 'opened');
  });

  test(`a dependency that imports cloudflare:sockets works on Node ${version}: pg reads rows`, async (t) => {
    if (!needs(t, 'postgres')) return;
    const { url } = await use(t, startPostgres());
    assert.equal(await runApp(version, 'pg.mjs', withPg, ['--conditions=workerd'], url), '1000 1000000');
  });

  test(`a dependency that requires cloudflare:sockets works on Node ${version}: worker-mailer sends`, async (t) => {
    const { port, user, password } = await use(t, startSmtp());
    assert.equal(await runApp(version, 'mail.cjs', withRequire, [], String(port), user, password), 'sent true');
  });
}
