// A project under `sallyport dev`: what its Worker gets, and what is reported about it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerPolicy } from '@sallyport/egress';
import { createAuthority, startPeer, use } from '@sallyport/testkit';
import { startDevServer } from '../../src/index.ts';
import { config, startBench } from '../support/dev-bench.ts';

test('the first request after the start is answered by the Worker', async (t) => {
  const bench = await startBench(t, `export default { fetch: () => new Response('hello') };`);
  const response = await bench.ask('/');
  assert.deepEqual([response.status, await response.text()], [200, 'hello']);
  const ready = await bench.event('ready');
  assert.equal(ready.reload, false);
  assert.ok(ready.took > 0 && ready.bytes > 0);
});

test('variables: the configuration, over it .dev.vars, over that the caller', async (t) => {
  const bench = await startBench(
    t,
    {
      'wrangler.json': config({ vars: { A: 'config', B: 'config', C: 'config', N: { deep: [1] } } }),
      '.dev.vars': 'B=file\nC=file\n',
      'src/index.js': `export default { fetch: (_, env) => Response.json(env) };`,
    },
    { vars: { C: 'caller' } },
  );
  assert.deepEqual(JSON.parse(await bench.text('/')), { A: 'config', B: 'file', C: 'caller', N: { deep: [1] } });
});

test('the environment asked for decides about variables', async (t) => {
  const bench = await startBench(
    t,
    {
      'wrangler.json': config({ vars: { A: 'top' }, env: { staging: { vars: { A: 'staging' } } } }),
      'src/index.js': `export default { fetch: (_, env) => new Response(env.A) };`,
    },
    { project: { env: 'staging' } },
  );
  assert.equal(await bench.text('/'), 'staging');
});

test('what a Worker logs is reported line by line, with its level', async (t) => {
  const bench = await startBench(
    t,
    `export default { fetch() { console.log('one', { two: 2 }); console.warn('three'); return new Response('ok'); } };`,
  );
  await bench.text('/');
  const first = await bench.event('log');
  const second = await bench.event('log');
  assert.deepEqual([first.log.kind, first.log.level, first.log.message], ['console', 'log', 'one { two: 2 }']);
  assert.deepEqual([second.log.level, second.log.message], ['warn', 'three']);
});

test('an exception is reported with its place in the sources, and shown to who asked', async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({ main: 'src/index.ts' }),
    'src/index.ts': `import { fail } from './fail.ts';\nexport default { fetch: (): Response => fail('boom') };`,
    'src/fail.ts': `interface Unused { a: string }\n\nexport function fail(text: string): never {\n  throw new TypeError(text);\n}`,
  });
  const response = await bench.ask('/x?y=1');
  const body = await response.text();
  assert.equal(response.status, 500);
  assert.match(body, /^The Worker threw an exception\n\nTypeError: boom\n\s+at fail \(src\/fail\.ts:4:9\)/);
  const { log } = await bench.event('log');
  assert.equal(log.kind, 'exception');
  assert.match(log.message, /src\/fail\.ts:4:9[\s\S]*src\/index\.ts:2:\d+/);
  const request = await bench.requests.next(() => true);
  assert.deepEqual([request.method, request.target, request.status], ['GET', '/x?y=1', 500]);
});

test('a page shows an exception to a browser, with the text escaped', async (t) => {
  const bench = await startBench(t, `export default { fetch() { throw new Error('<script>'); } };`);
  const response = await bench.ask('/', { headers: { accept: 'text/html' } });
  assert.match(response.headers.get('content-type') ?? '', /text\/html/);
  const page = await response.text();
  assert.ok(page.includes('Error: &#60;script&#62;'));
});

test("a Worker's own 500 passes as it is", async (t) => {
  const bench = await startBench(t, `export default { fetch: () => new Response('mine', { status: 500 }) };`);
  const response = await bench.ask('/');
  assert.deepEqual([response.status, await response.text()], [500, 'mine']);
});

test('each connection of a Worker is reported with destination and decision', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `import { connect } from 'cloudflare:sockets';
    export default { async fetch(request) {
      const socket = connect(new URL(request.url).searchParams.get('to'));
      try { await socket.opened; await socket.close(); return new Response('open'); }
      catch (error) { return new Response(error.code + ': ' + error.message, { status: 502 }); }
    } };`,
  );
  assert.equal(await bench.text(`/?to=${peer.address}`), 'open');
  const event = await bench.gateway.next(() => true);
  assert.deepEqual(
    [event.kind, event.destination, event.code, event.decision?.verdict],
    ['socket', peer.address, undefined, 'allow'],
  );
  assert.match(event.decision?.rule ?? '', /loopback/);

  const denied = await bench.ask('/?to=169.254.169.254:80');
  assert.match(await denied.text(), /^destination_denied: proxy request failed, cannot connect/);
  const refusal = await bench.gateway.next(() => true);
  assert.deepEqual([refusal.code, refusal.decision?.verdict], ['destination_denied', 'deny']);

  const loop = await bench.ask(`/?to=${new URL(bench.server.url).host}`);
  assert.match(await loop.text(), /^tcp_loop: TCP Loop detected/);
});

test("production's policy refuses loopback for sockets and fetch()", async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `import { connect } from 'cloudflare:sockets';
    export default { async fetch(request, env) {
      const error = await connect(env.TO).opened.catch((reason) => reason);
      const response = await fetch('http://' + env.TO + '/');
      return Response.json([error.code, response.status, response.headers.get('sallyport-error')]);
    } };`,
    { policy: workerPolicy, vars: { TO: peer.address } },
  );
  assert.deepEqual(JSON.parse(await bench.text('/')), ['destination_denied', 403, 'destination_denied']);
  assert.equal(peer.connections, 0);
});

test('TLS trusts the authority the host was given, and no other', async (t) => {
  const authority = await createAuthority();
  const good = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('good') } }));
  const unknown = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('unknown-ca') } }));
  const bench = await startBench(
    t,
    `import { connect } from 'cloudflare:sockets';
    export default { async fetch(request) {
      const socket = connect(new URL(request.url).searchParams.get('to'), { secureTransport: 'on' });
      try {
        await socket.opened;
        const writer = socket.writable.getWriter();
        await writer.write(new TextEncoder().encode('secret'));
        const { value } = await socket.readable.getReader().read();
        return new Response(value);
      } catch (error) { return new Response(error.code); }
    } };`,
    { authorities: [{ pem: authority.ca }] },
  );
  assert.equal(await bench.text(`/?to=localhost:${good.port}`), 'secret');
  assert.equal(await bench.text(`/?to=localhost:${unknown.port}`), 'tls_unknown_authority');
});

const ignore = (): void => {};

test('a folder without a project is refused at once, with the reason', async () => {
  const events = { onHostEvent: ignore, onGatewayEvent: ignore, onRequest: ignore };
  await assert.rejects(
    startDevServer({ project: { cwd: '/', processEnv: {} }, policy: workerPolicy, port: 0, ...events }),
    ({ diagnostics }: { diagnostics: { code: string }[] } & Error) => diagnostics[0]?.code === 'config_not_found',
  );
});

test("the inspector listens when asked for, and is out of the Worker's reach", async (t) => {
  const bench = await startBench(
    t,
    `import { connect } from 'cloudflare:sockets';
    export default { async fetch(request) {
      const error = await connect(new URL(request.url).searchParams.get('to')).opened.catch((reason) => reason);
      return new Response(error.code ?? 'open');
    } };`,
    { inspectorPort: 0 },
  );
  const { inspectorPort } = bench.server;
  assert.ok(inspectorPort !== undefined && inspectorPort > 0);
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as unknown[];
  assert.ok(targets.length > 0);
  assert.equal(await bench.text(`/?to=127.0.0.1:${inspectorPort}`), 'tcp_loop');
});

test('without watching, a change takes effect on reload() alone', async (t) => {
  const bench = await startBench(t, `export default { fetch: () => new Response('one') };`, { watch: false });
  await bench.event('ready');
  await bench.write({ 'src/index.js': `export default { fetch: () => new Response('two') };` });
  assert.equal(await bench.text('/'), 'one');
  await bench.server.reload();
  assert.equal(await bench.text('/'), 'two');
  assert.equal((await bench.event('ready')).reload, true);
});

test('request.cf is there, with what is known here; a client cannot set it', async (t) => {
  const bench = await startBench(t, `export default { fetch: ({ cf }) => Response.json(cf) };`);
  const response = await bench.ask('/', { headers: { 'sallyport-cf': '{"country":"XX"}' } });
  assert.deepEqual(await response.json(), { httpProtocol: 'HTTP/1.1' });
});
