// Every example of README.md is run as it stands there, against servers on the ports it names (moved to free ones).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPeer, startRefusing, testAuthority, use } from '@sallyport/testkit';
import { socketErrorCodes } from '../src/errors.table.ts';

const run = promisify(execFile);
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code!);

test('every example of the README runs and prints what it should', async (t) => {
  const authority = await testAuthority();
  const certificate = await authority.issue('good');
  const echo = await use(t, startPeer('echo', { host: 'localhost' }));
  const starttls = await use(
    t,
    startPeer(
      (socket, peer) => {
        socket.write('ready');
        void peer.secure(socket, { certificate });
      },
      { host: 'localhost' },
    ),
  );
  const tls = await use(t, startPeer('echo', { host: 'localhost', tls: { certificate, alpn: ['echo'] } }));
  const refusing = await use(t, startRefusing('localhost'));
  const ports: Record<string, number> = { 7000: echo.port, 7001: starttls.port, 7002: tls.port, 7003: refusing.port };
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-readme-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'private-ca.pem'), authority.ca);
  const entry = new URL('../src/index.ts', import.meta.url).href;
  const runner = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));
  const outputs: string[] = [];
  for (const [index, example] of examples.entries()) {
    const path = join(folder, `example-${index}.mjs`);
    const code = example.replaceAll(/\b70\d\d\b/g, (port) => String(ports[port]));
    await writeFile(path, code.replaceAll("'@sallyport/sockets'", `'${entry}'`));
    // StartTLS has no option for trust: the platform's is what the example relies on.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'private-ca.pem') };
    const { stdout } = await run(process.execPath, [runner, path], { cwd: folder, env, timeout: 20_000 });
    outputs.push(stdout.trim());
  }
  assert.deepEqual(outputs, [
    'hello',
    'ready on',
    'echo',
    'connection_refused - Nothing listens on that port: check the port and that the server runs.',
  ]);
});

test('the README names every error code', () => {
  const named = new Set([...readme.matchAll(/`([a-z]+_?[a-z0-9_]*)`/g)].map(([, code]) => code));
  assert.deepEqual(
    socketErrorCodes.filter((code) => !named.has(code)),
    [],
  );
});

test('the README names every option', async () => {
  const source = await readFile(new URL('../src/options.ts', import.meta.url), 'utf8');
  const [, body = ''] = /export interface SocketOptions \{(.*?)^\}/ms.exec(source) ?? [];
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name!);
  assert.equal(options.length, 8);
  for (const option of options) assert.match(readme, new RegExp(`^\\| \`${option}\` \\|`, 'm'));
});
