// `sallyport tunnel run` as a process: how it finds what it needs, what it says, and how it ends.
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { once } from 'node:events';
import { startPeer, use } from '@sallyport/testkit';
import { toCredentialsFile } from '@sallyport/tunnel';
import { run } from '../support/run.ts';
import { type Bench, createBench, registered, startRun, tunnelId } from './support.ts';

/** Each way to say which tunnel, made ready in a bench. */
const ways: Record<string, (bench: Bench) => Promise<{ args: string[]; env?: Record<string, string> }>> = {
  '--token': async ({ token }) => ({ args: ['--token', token] }),
  '--token-file': async ({ token, home }) => {
    await writeFile(join(home, 'token'), `${token}\n`, { mode: 0o600 });
    return { args: ['--token-file', 'token'] };
  },
  $TUNNEL_TOKEN: async ({ token }) => ({ args: [], env: { TUNNEL_TOKEN: token } }),
  $SALLYPORT_TUNNEL_TOKEN: async ({ token }) => ({ args: [], env: { SALLYPORT_TUNNEL_TOKEN: token } }),
  '--credentials-file': async ({ file }) => ({ args: ['--credentials-file', file] }),
  '--cred-file and the name': async ({ file }) => ({ args: ['--cred-file', file, 'home'] }),
  '--credentials-contents': async ({ credentials }) => ({
    args: ['--credentials-contents', toCredentialsFile(credentials), tunnelId],
  }),
  'its id, with the file in ~/.sallyport': async ({ home, file }) => {
    await mkdir(join(home, '.sallyport'));
    await writeFile(join(home, '.sallyport', `${tunnelId}.json`), await readFile(file), { mode: 0o600 });
    return { args: [tunnelId] };
  },
  'its name, with the file in ~/.cloudflared': async ({ home, file }) => {
    await mkdir(join(home, '.cloudflared'));
    await writeFile(join(home, '.cloudflared', `${tunnelId}.json`), await readFile(file), { mode: 0o600 });
    await writeFile(join(home, '.cloudflared', '00000000-0000-4000-8000-000000000000.json'), '{"AccountTag":"cf"}');
    return { args: ['home'] };
  },
  'config.yml in ~/.sallyport': async ({ home }) => {
    await mkdir(join(home, '.sallyport'));
    const config = `tunnel: home\ncredentials-file: ~/credentials.json\ningress:\n  - service: hello_world\n`;
    await writeFile(join(home, '.sallyport', 'config.yml'), config);
    return { args: [] };
  },
  '--config beside the credentials': async ({ home, file }) => {
    await writeFile(join(home, `${tunnelId}.json`), await readFile(file), { mode: 0o600 });
    await writeFile(join(home, 'my.yml'), `tunnel: ${tunnelId}\ningress: [{service: hello_world}]\n`);
    return { args: ['--config', join(home, 'my.yml')] };
  },
};

for (const [way, prepare] of Object.entries(ways)) {
  test(`a tunnel is run by ${way}`, { timeout: 30_000 }, async (t) => {
    const bench = await createBench(t);
    const { args, env = {} } = await prepare(bench);
    const { says } = startRun(t, [...args, '--ha-connections', '1'], { home: bench.home, env });
    assert.equal((await says(registered))['connIndex'], 0);
    assert.equal(bench.edge.registry.links(tunnelId).length, 1);
  });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} drains: what runs finishes, exit code 0`, { timeout: 30_000 }, async (t) => {
    const { edge, home, file } = await createBench(t);
    const peer = await use(t, startPeer('echo'));
    const config = join(home, 'config.yml');
    await writeFile(config, `ingress: [{service: hello_world}]\nprivate-network: {allow: [127.0.0.1]}\n`);
    const { child, outcome, says } = startRun(t, ['--cred-file', file, '--config', config, '--ha-connections', '2'], {
      home,
    });
    await says(registered);
    await says(registered);
    const { stream } = await edge.registry.open(tunnelId, { hostname: '127.0.0.1', port: peer.port });
    child.kill(signal);
    await says(`Initiating graceful shutdown due to signal ${signal}`);
    stream.end('still served');
    let heard = '';
    for await (const chunk of stream) heard += String(chunk);
    assert.equal(heard, 'still served');
    assert.deepEqual([(await outcome).code, (await outcome).stdout], [0, '']);
  });
}

test('a second signal ends it at once with 130; the grace period ends it in time', { timeout: 30_000 }, async (t) => {
  for (const [grace, expected] of [
    ['1h', 130],
    ['10ms', 0],
  ] as const) {
    const { edge, home, file } = await createBench(t);
    const peer = await use(t, startPeer('silent'));
    const config = join(home, 'config.yml');
    await writeFile(
      config,
      `ingress: [{service: hello_world}]\nprivate-network: {allow: [127.0.0.1]}\ngrace-period: ${grace}\n`,
    );
    const { child, outcome, says } = startRun(t, ['--cred-file', file, '--config', config, '--ha-connections', '1'], {
      home,
    });
    await says(registered);
    const { stream } = await edge.registry.open(tunnelId, { hostname: '127.0.0.1', port: peer.port });
    stream.on('error', () => {});
    child.kill('SIGTERM');
    await says('Initiating graceful shutdown');
    if (expected === 130) child.kill('SIGTERM');
    assert.equal((await outcome).code, expected);
  }
});

test('SIGHUP reads the configuration, and one that is broken changes nothing', { timeout: 30_000 }, async (t) => {
  const { home, file } = await createBench(t);
  const config = join(home, 'config.yml');
  await writeFile(config, 'ingress: [{service: hello_world}]\n');
  const { child, says } = startRun(t, ['--cred-file', file, '--config', config, '--ha-connections', '1'], { home });
  await says(registered);
  await writeFile(config, 'ingress: [{service: "http_status:404"}]\n');
  child.kill('SIGHUP');
  assert.equal((await says('Updated to new configuration'))['version'], 1);
  await writeFile(config, 'ingress: [{service: nope}]\n');
  child.kill('SIGHUP');
  assert.match(
    String((await says('The changed configuration is not used'))['error']),
    /config\.yml:1:\d+: nope is an invalid address/,
  );
  assert.equal(child.exitCode, null);
});

test('the file is followed without being asked', { timeout: 30_000 }, async (t) => {
  const { home, file } = await createBench(t);
  const config = join(home, 'config.yml');
  await writeFile(config, 'ingress: [{service: hello_world}]\n');
  const { says } = startRun(t, ['--cred-file', file, '--config', config, '--ha-connections', '1'], { home });
  await says(registered);
  await writeFile(config, 'ingress: [{service: "http_status:404"}]\n');
  await says('Updated to new configuration');
});

test('/ready answers where the log says', { timeout: 30_000 }, async (t) => {
  const { home, file } = await createBench(t);
  const { says } = startRun(t, ['--cred-file', file], { home });
  const { message } = await says('Starting metrics server on ');
  for (let link = 0; link < 4; link += 1) await says(registered);
  const address = message.slice('Starting metrics server on '.length).replace('/metrics', '');
  const response = await fetch(`http://${address}/ready`);
  assert.equal(((await response.json()) as { readyConnections: number }).readyConnections, 4);
});

test('--url serves one origin for everything', { timeout: 30_000 }, async (t) => {
  const { home, file, edge } = await createBench(t);
  const { says } = startRun(t, ['--cred-file', file, '--url', 'http_status:418', '--ha-connections', '1'], { home });
  await says(registered);
  const { stream } = await edge.registry.open(tunnelId, { hostname: 'any.test', port: 80, kind: 'http' });
  stream.on('error', () => {});
  stream.write('GET / HTTP/1.1\r\nHost: any.test\r\n\r\n');
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1\.1 418 /);
});

test('--edge and the file\'s "edge" stand in for the addresses in the token', { timeout: 30_000 }, async (t) => {
  const { home, file, edge, credentials } = await createBench(t);
  await writeFile(file, toCredentialsFile({ ...credentials, edges: ['nobody.invalid:1'] }));
  const there = `127.0.0.1:${edge.port}`;
  const config = join(home, 'config.yml');
  await writeFile(config, `edge: ["${there}"]\nnope: 1\nha-connections: 1\n`);
  for (const args of [
    ['--edge', there, '--ha-connections', '1'],
    ['--config', config],
  ]) {
    const { says } = startRun(t, ['--cred-file', file, ...args], { home });
    assert.equal((await says(registered))['edge'], there);
  }
});

test('--logfile gets the log too, and a secret that others can read is told', { timeout: 30_000 }, async (t) => {
  const { home, file } = await createBench(t);
  await chmod(file, 0o644);
  const { says, child, outcome } = startRun(t, ['--cred-file', file, '--logfile', 'x.log'], { home });
  assert.equal((await says('Others on this machine can read the secret'))['file'], file);
  await says(registered);
  child.kill('SIGTERM');
  await outcome;
  assert.match(await readFile(join(home, 'x.log'), 'utf8'), /"message":"Registered tunnel connection"/);
});

test('without --json the log is lines for people', { timeout: 30_000 }, async (t) => {
  const { home, token } = await createBench(t);
  const garbled = token.slice(0, -8);
  const { stderr, code } = await run(['tunnel', 'run', '--token', garbled], { cwd: home, env: { HOME: home } });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^The token or credentials file cannot be used: The token .+\n.*sallyport tunnel token NAME.*\n$/,
  );
});
