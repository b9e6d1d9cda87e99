// `sallyport edge` as a process, with everything an operator does around it: a tunnel, routes, a connector, questions.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { config, temporaryFolder, writeFiles } from '../../edge/test/support/dev-bench.ts';
import { startEcho } from '../../edge/test/support/tunnel-bench.ts';
import { ok, startConnector, startEdge } from './support/edge.ts';
import { createProject, type Line, run, start, startDev } from './support/run.ts';

const caller = `import { connect } from 'cloudflare:sockets';
export default { async fetch(request, env) {
  try {
    const socket = connect(decodeURIComponent(new URL(request.url).search.slice(1)));
    await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode(env.NAME));
    await writer.close();
    return new Response(socket.readable);
  } catch (error) { return new Response(error.code, { status: 502 }); }
} };`;

const worker = (name: string): Record<string, string> => ({
  [`${name}/wrangler.json`]: config({ name, vars: { NAME: name } }),
  [`${name}/src/index.js`]: caller,
});

test('two Workers, one tunnel, routes in two virtual networks, and a question about them', async (t) => {
  const port = await startEcho(t);
  const edge = await startEdge(
    t,
    `
[[worker]]
project = "api"
hostnames = ["api.example.com"]

[[worker]]
project = "lab"
network = "lab"
`,
    { ...worker('api'), ...worker('lab') },
  );
  await ok(edge.sallyport('tunnel', 'create', 'office'));
  await ok(edge.sallyport('tunnel', 'vnet', 'add', 'lab'));
  await ok(edge.sallyport('tunnel', 'route', 'hostname', 'add', 'echo.internal', 'office'));
  await ok(edge.sallyport('tunnel', 'route', 'ip', 'add', '10.77.0.0/16', 'office', '--vnet', 'lab'));
  await startConnector(
    t,
    edge,
    `ingress:
  - hostname: echo.internal
    service: tcp://127.0.0.1:${port}
  - hostname: 10.77.0.5
    service: tcp://127.0.0.1:${port}
  - service: http_status:404
`,
  );
  const ask = async (host: string, target: string): Promise<string> => {
    const { request } = await import('node:http');
    const asked = request(edge.url, { path: `/?${target}`, headers: { host } }).end();
    const [answer] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    return body;
  };
  assert.equal(await ask('api.example.com', `echo.internal:${port}`), 'api');
  assert.equal(await ask('elsewhere.example.com', `10.77.0.5:${port}`), 'lab');
  assert.equal(await ask('api.example.com', `10.77.0.5:${port}`), 'destination_denied');
  assert.equal(await ask('elsewhere.example.com', `echo.internal:${port}`), 'dns_error');
  assert.equal(await ask('api.example.com', `127.0.0.1:${port}`), 'destination_denied');

  const told = await ok(edge.sallyport('explain', 'connect', 'api', `ECHO.internal:${port}`));
  assert.match(told, /^worker +api\nverdict +allow\ndestination +echo\.internal port \d+\nrule +allow routed\n/);
  assert.match(
    told,
    /resolver +the connector's.*\n[\s\S]*tunnel +office \([\da-f-]{36}\)\n[\s\S]*link +[\da-f-]{36} \(0 open\)\n/,
  );
  assert.match(told, /round trip +(?:[\d.]+ ms|not measured yet)/);
  const denied = await edge.sallyport('explain', 'connect', 'api', `10.77.0.5:${port}`, '--json');
  assert.equal(denied.code, 1);
  assert.equal((JSON.parse(denied.stdout) as { decision: { rule: string } }).decision.rule, 'deny private');
  const unknown = await edge.sallyport('explain', 'connect', 'nobody', 'a:1');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /no Worker nobody\. This edge runs api, lab/);
});

test('a public host name is served, and dev can use the tunnels of the edge', async (t) => {
  const port = await startEcho(t);
  const edge = await startEdge(t);
  await ok(edge.sallyport('tunnel', 'create', 'office'));
  await ok(edge.sallyport('tunnel', 'route', 'hostname', 'add', 'echo.internal', 'office'));
  await ok(edge.sallyport('tunnel', 'route', 'dns', 'office', 'hello.example.com'));
  await startConnector(
    t,
    edge,
    `ingress:
  - hostname: echo.internal
    service: tcp://127.0.0.1:${port}
  - hostname: hello.example.com
    service: hello_world
  - service: http_status:404
`,
  );
  const { request } = await import('node:http');
  const asked = request(edge.url, { headers: { host: 'hello.example.com' } }).end();
  const [answer] = (await once(asked, 'response')) as [{ statusCode: number }];
  assert.equal(answer.statusCode, 200);

  const dev = await startDev(
    t,
    { 'wrangler.json': config({ vars: { NAME: 'dev' } }), 'src/index.js': caller },
    {
      args: ['--edge', edge.state, '--strict'],
    },
  );
  assert.equal(await dev.text(`/?echo.internal:${port}`), 'dev');
  assert.equal(await dev.text(`/?127.0.0.1:${port}`), 'destination_denied');
});

test('dev that uses the tunnels of an edge ends when it cannot start', async (t) => {
  const edge = await startEdge(t);
  const taken = await startEcho(t);
  const folder = await createProject(t, caller);
  const args = ['dev', '--edge', edge.state, '--ip', '127.0.0.1', '--port', String(taken)];
  const { code, stderr } = await run(args, { cwd: folder, env: { HOME: folder } });
  assert.equal(code, 1);
  assert.match(stderr, /EADDRINUSE|in use/);
});

test('SIGTERM lets a running connection finish, and leaves private files only', async (t) => {
  const port = await startEcho(t);
  const edge = await startEdge(
    t,
    `[[worker]]\nproject = "api"\n[[policy]]\naction = "allow"\nto = "127.0.0.1"\n`,
    worker('api'),
  );
  for (const name of ['ca.key', 'secrets.key', 'control.token', 'control.json']) {
    assert.equal((await stat(join(edge.state, name))).mode & 0o077, 0, name);
  }
  const response = await fetch(`${edge.url}/?127.0.0.1:${port}`);
  edge.child.kill('SIGTERM');
  assert.equal(await response.text(), 'api');
  const { code } = await edge.outcome;
  assert.equal(code, 0);
  await assert.rejects(readFile(join(edge.state, 'control.json')), { code: 'ENOENT' });
});

test('a configuration that is wrong is told with its place, and nothing is started', async (t) => {
  const folder = await temporaryFolder(t);
  const cases: [string, RegExp][] = [
    ['[http]\naddress = "nowhere:port"\n', /http\.address.*not an address/],
    ['[[policy]]\naction = "allow"\nto = "10.0.0.1/8"\n', /policy\[0\].*host bits/],
    ['[[worker]]\nenv = "x"\n', /names no project/],
    ['[[worker]]\nproject = "."\n[[worker]]\nproject = "."\n', /two Workers without hostnames/],
    ['[[worker]]\nproject = "absent"\n', /worker\[0\]\.project: there is no/],
    ['[[trust]]\nca = "absent.pem"\n', /trust\[0\]\.ca.*ENOENT/],
    ['state = [', /sallyport\.toml:1/],
  ];
  for (const [toml, expected] of cases) {
    await writeFiles(folder, { 'sallyport.toml': toml });
    const { code, stderr } = await run(['edge'], { cwd: folder, env: { HOME: folder } });
    assert.equal(code, 1, toml);
    assert.match(stderr, expected);
  }
  const none = await run(['edge'], { cwd: await temporaryFolder(t), env: { HOME: folder } });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /^There is no sallyport\.toml in \/.*\n.*--config.*\n\n\[\[worker\]\]\nproject = /);
  const missing = await run(['edge', '-c', 'other.toml'], { cwd: folder, env: { HOME: folder } });
  assert.match(missing.stderr, /other\.toml/);
  assert.equal(missing.code, 1);
});

test('a second edge on one state directory is refused, and the first goes on', async (t) => {
  const edge = await startEdge(t);
  await writeFiles(edge.folder, {
    'second.toml': 'state = "state"\nhttp.address = ":0"\ntunnel.address = ":0"\ncontrol.address = ":0"\n',
  });
  const { code, stderr } = await edge.sallyport('edge', '-c', 'second.toml');
  assert.equal(code, 1);
  assert.match(stderr, /Another edge uses this state directory: .*state, by the one at http/);
  await ok(edge.sallyport('tunnel', 'create', 'office'));
  edge.child.kill('SIGKILL');
  await edge.outcome;
  const { child, outcome } = start(['edge', '-c', 'second.toml', '--json'], {
    cwd: edge.folder,
    env: { HOME: edge.folder },
  });
  t.after(() => {
    child.kill('SIGKILL');
    return outcome.then(() => {});
  });
  const [first] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  assert.equal((JSON.parse(first) as Line).kind, 'listening', 'one that was killed holds nothing');
});

test('an address that is taken is told with its key', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const folder = await temporaryFolder(t);
  for (const key of ['http', 'tunnel', 'control']) {
    const others = ['http', 'tunnel', 'control'].filter((other) => other !== key);
    await writeFiles(folder, {
      'sallyport.toml': `state = "state"\n${key}.address = ":${port}"\n${others.map((other) => `${other}.address = ":0"\n`).join('')}`,
    });
    const { code, stderr } = await run(['edge'], { cwd: folder, env: { HOME: folder } });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`Cannot listen on 127\\.0\\.0\\.1:${port} \\(${key}\\.address\\)`));
    assert.doesNotMatch(stderr, /--port/);
  }
});
