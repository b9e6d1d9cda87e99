// A Worker from source to answers, on real workerd.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { edgeHeaders } from '../../src/index.ts';
import { sample, string } from 'fast-check';
import { toWorkerdConfig } from '../../src/runtime/workerd-config.ts';
import { ask, createWorkbench, startGateway } from '../workbench.ts';

test('startRuntime() serves a Worker and says how long it took', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { async fetch(request: Request): Promise<Response> { return new Response('hello ' + request.url) } }`,
  });
  const bundling = performance.now();
  await bench.build();
  const rebuilding = performance.now();
  const bundle = await bench.build();
  const starting = performance.now();
  const runtime = await bench.start(bundle);
  const ready = performance.now();
  const answer = await ask(runtime.socketPath, '/path', { headers: { [edgeHeaders.protocol]: 'https' } });
  assert.deepEqual(answer, { status: 200, body: 'hello https://worker.example/path' });
  const answered = performance.now();
  t.diagnostic(
    `first build ${(rebuilding - bundling).toFixed(0)} ms, rebuild ${(starting - rebuilding).toFixed(0)} ms`,
  );
  t.diagnostic(
    `start until ready ${(ready - starting).toFixed(0)} ms, first answer ${(answered - ready).toFixed(0)} ms`,
  );
});

test('fetch() leaves through the gateway in absolute form', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch: () => fetch('https://api.internal:8443/x?y') }`,
  });
  await startGateway(t, join(bench.folder, 'gateway.sock'));
  const runtime = await bench.start();
  const { body } = await ask(runtime.socketPath, '/');
  assert.equal(body, 'gateway got GET https://api.internal:8443/x?y');
});

test('the configuration holds no network service, and a Worker without a gateway reaches nothing', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch: () => fetch('http://127.0.0.1:9/').then(() => new Response('out'), () => new Response('in')) };`,
  });
  const bundle = await bench.build();
  const paths = {
    gatewaySocket: '/g',
    httpSocket: '/h',
    triggersSocket: '/t',
    stateDirectory: '/s',
    triggers: '',
    cache: '',
  };
  const config = toWorkerdConfig({
    project: bench.project,
    bundle,
    moduleFile: String,
    hyperdrive: [],
    vpc: [],
    throwing: '',
    ...paths,
  });
  assert.doesNotMatch(config, /network/);
  assert.equal(config.match(/name = "internet"/g)?.length, 1);
  const runtime = await bench.start(bundle);
  assert.equal((await ask(runtime.socketPath, '/')).body, 'in');
});

test('no value of a variable can change the configuration around it', async (t) => {
  const values = sample(string({ unit: 'binary', maxLength: 40 }), 300);
  const hostile = ['", "', '\\"', '\\', '#', '"), (name = "internet", network = (allow = ["private"]))', '\u2028'];
  const vars = Object.fromEntries([...hostile, ...values].map((value, index) => [`V${index}`, value]));
  const bench = await createWorkbench(
    t,
    { 'src/index.ts': `export default { fetch: (_: unknown, env: unknown) => Response.json(env) };` },
    { project: { vars } },
  );
  const runtime = await bench.start();
  assert.deepEqual(JSON.parse((await ask(runtime.socketPath, '/')).body), vars);
});

test('request.cf and the scheme come from the edge, and its headers do not reach the Worker', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch: (request: Request & { cf?: any }) =>
      Response.json([request.url, request.cf?.colo, [...request.headers.keys()].filter((name) => name.startsWith('sallyport'))]) };`,
  });
  const runtime = await bench.start();
  const headers = { [edgeHeaders.protocol]: 'https', [edgeHeaders.cf]: JSON.stringify({ colo: 'HERE' }) };
  const { body } = await ask(runtime.socketPath, '/a', { headers });
  assert.deepEqual(JSON.parse(body), ['https://worker.example/a', 'HERE', []]);
});

test('the inspector listens where it was asked to', async (t) => {
  const bench = await createWorkbench(t, { 'src/index.ts': `export default {};` });
  const runtime = await bench.start(undefined, { inspectorHost: '127.0.0.1' });
  const answer = await fetch(`http://127.0.0.1:${runtime.inspectorPort}/json`);
  assert.equal(answer.status, 200);
  assert.ok(Array.isArray(await answer.json()));
});

test('the Cache API works and finds nothing', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { async fetch() {
      const seen: unknown[] = [];
      for (const cache of [caches.default, await caches.open('own')]) {
        const headers = { 'cache-control': 'max-age=60' };
        await cache.put('https://a.example/', new Response('x'.repeat(1e6), { headers }));
        seen.push((await cache.match('https://a.example/')) === undefined, await cache.delete('https://a.example/'));
      }
      return Response.json(seen);
    } };`,
  });
  const runtime = await bench.start();
  assert.equal((await ask(runtime.socketPath, '/')).body, '[true,false,true,false]');
  assert.deepEqual(bench.logs, []);
});
