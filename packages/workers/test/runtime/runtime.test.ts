// A Worker from source to answers, on real workerd.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { edgeHeaders } from '../../src/index.ts';
import { ask, createWorkbench, startGateway } from '../workbench.ts';

test('startRuntime() serves a Worker and says how long it took', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { async fetch(request: Request): Promise<Response> { return new Response('hello ' + request.url) } }`,
  });
  const bundling = performance.now();
  await bench.build();
  const starting = performance.now();
  const runtime = await bench.start();
  const ready = performance.now();
  const answer = await ask(runtime.socketPath, '/path', { headers: { [edgeHeaders.protocol]: 'https' } });
  assert.deepEqual(answer, { status: 200, body: 'hello https://worker.example/path' });
  t.diagnostic(`first bundle ${(starting - bundling).toFixed(0)} ms`);
  t.diagnostic(`rebuild and start until ready ${(ready - starting).toFixed(0)} ms`);
  t.diagnostic(`first answer ${(performance.now() - ready).toFixed(0)} ms`);
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
