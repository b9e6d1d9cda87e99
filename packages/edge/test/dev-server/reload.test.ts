// Files change while requests come in: the port stays, the Worker becomes what the files say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, type DevBench, startBench } from '../support/dev-bench.ts';

const says = (text: string): string => `export default { fetch: () => new Response('${text}') };`;

/** Requests without a pause, each on a connection of its own, until stopped; whatever is not 200 is a failure. */
function hammer(bench: DevBench, clients: number): () => Promise<{ answers: Set<string>; failures: string[] }> {
  const answers = new Set<string>();
  const failures: string[] = [];
  const stop = new AbortController();
  const client = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        const response = await bench.ask('/', { headers: { connection: 'close' } });
        const body = await response.text();
        if (response.status === 200) answers.add(body);
        else failures.push(`${response.status} ${body}`);
      } catch (error) {
        failures.push(String((error as Error).cause ?? error));
      }
    }
  };
  const running = Array.from({ length: clients }, client);
  return async () => {
    stop.abort();
    await Promise.all(running);
    return { answers, failures };
  };
}

test('no request fails while the Worker is replaced five times', async (t) => {
  const bench = await startBench(t, says('v0'));
  await bench.event('ready');
  const stop = hammer(bench, 8);
  for (let version = 1; version <= 5; version += 1) {
    await bench.write({ 'src/index.js': says(`v${version}`) });
    const ready = await bench.event('ready');
    assert.equal(ready.reload, true);
    assert.equal(await bench.text('/'), `v${version}`);
  }
  const { answers, failures } = await stop();
  assert.deepEqual(failures, []);
  t.diagnostic(`answers: ${[...answers].join(' ')}`);
});

test('the configuration, .dev.vars and an imported text each cause a reload', async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({ vars: { A: '1' } }),
    'src/index.js': `import text from './page.txt';
      export default { fetch: (_, env) => new Response([env.A, env.B, text].join(' ')) };`,
    'src/page.txt': 'page1',
  });
  assert.equal(await bench.text('/'), '1  page1');
  await bench.event('ready');
  await bench.write({ 'wrangler.json': config({ vars: { A: '2' } }) });
  await bench.event('ready');
  assert.equal(await bench.text('/'), '2  page1');
  await bench.write({ '.dev.vars': 'B=secret' });
  await bench.event('ready');
  assert.equal(await bench.text('/'), '2 secret page1');
  await bench.write({ 'src/page.txt': 'page2' });
  await bench.event('ready');
  assert.equal(await bench.text('/'), '2 secret page2');
  await bench.write({ '.dev.vars': null });
  await bench.event('ready');
  assert.equal(await bench.text('/'), '2  page2');
});

test('a syntax error is reported with its place and leaves the old version running, until it is repaired', async (t) => {
  const bench = await startBench(t, says('good'));
  await bench.event('ready');
  await bench.write({ 'src/index.js': `\nexport default { fetch: () => new Response('bad' };` });
  const { error, stillRunning } = await bench.event('failed');
  assert.equal(stillRunning, true);
  const [problem] = (error as Error & { diagnostics: { file: string; line: number; column: number }[] }).diagnostics;
  assert.deepEqual([problem?.file.endsWith('/src/index.js'), problem?.line], [true, 2]);
  assert.equal(await bench.text('/'), 'good');
  await bench.write({ 'src/index.js': says('repaired') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'repaired');
});

test('a Worker with errors from the start shows them, and comes up when it is repaired', async (t) => {
  const bench = await startBench(t, `export default {`);
  const { stillRunning } = await bench.event('failed');
  assert.equal(stillRunning, false);
  const response = await bench.ask('/');
  assert.equal(response.status, 503);
  assert.match(await response.text(), /could not be started\n\n.*src\/index\.js:1:1[67]: /);
  await bench.write({ 'src/index.js': says('up') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'up');
});

test('a configuration with errors keeps the old version, and repairing it takes effect', async (t) => {
  const bench = await startBench(t, says('one'));
  await bench.event('ready');
  await bench.write({ 'wrangler.json': '{ "name": ' });
  const { diagnostics } = await bench.event('diagnostics');
  assert.equal(diagnostics[0]?.code, 'config_syntax');
  assert.equal((await bench.event('failed')).stillRunning, true);
  assert.equal(await bench.text('/'), 'one');
  await bench.write({ 'wrangler.json': config({ vars: { A: 'x' } }) });
  await bench.event('ready');
  assert.equal(bench.server.project?.vars['A'], 'x');
});

test('a configuration with errors from the start is waited for', async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({ kv_namespaces: [{ binding: 'KV', id: 'x' }] }),
    'src/index.js': says('up'),
  });
  assert.match(await (await bench.ask('/')).text(), /kv_namespaces/);
  assert.equal(bench.server.project, undefined);
  await bench.write({ 'wrangler.json': config() });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'up');
});

test('a main file that does not exist yet is waited for', async (t) => {
  const bench = await startBench(t, { 'wrangler.json': config() });
  await bench.event('failed');
  await bench.write({ 'src/index.js': says('created') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'created');
});

test('an import that does not exist yet is waited for', async (t) => {
  const bench = await startBench(
    t,
    `import { text } from './lib/text.js'; export default { fetch: () => new Response(text) };`,
  );
  await bench.event('failed');
  await bench.write({ 'src/lib/text.js': `export const text = 'found';` });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'found');
});

test('a Worker that throws while it starts is shown, and repaired', async (t) => {
  const bench = await startBench(t, `throw new Error('not today'); export default {};`);
  await bench.event('failed');
  assert.match(await (await bench.ask('/')).text(), /not today/);
  await bench.write({ 'src/index.js': says('today') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'today');
});

test('saving a file without changing it does not restart the Worker', async (t) => {
  const bench = await startBench(
    t,
    `const born = Math.random(); let n = 0; export default { fetch: () => new Response(String(n += 1)) };`,
  );
  assert.equal(await bench.text('/'), '1');
  await bench.write({
    'wrangler.json': config(),
    'src/index.js': `const born = Math.random(); let n = 0; export default { fetch: () => new Response(String(n += 1)) };`,
  });
  await bench.event('unchanged');
  assert.equal(await bench.text('/'), '2');
});

const counter = (version: string): string => `
    import { DurableObject } from 'cloudflare:workers';
    export class Counter extends DurableObject {
      async fetch(request) {
        const { storage } = this.ctx;
        const n = ((await storage.get('n')) ?? 0) + 1;
        await storage.put('n', n);
        if (new URL(request.url).pathname === '/alarm') await storage.setAlarm(Date.now() + 1500);
        return new Response('${version} ' + n);
      }
      alarm() { console.log('alarm in ${version}'); }
    }
    export default { fetch: (request, env) => env.COUNTER.get(env.COUNTER.idFromName('x')).fetch(request) };`;

test('a Durable Object keeps its storage and its alarm over a reload', async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({
      durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
      migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
    }),
    'src/index.js': counter('old'),
  });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'old 1');
  assert.equal(await bench.text('/alarm'), 'old 2');
  await bench.write({ 'src/index.js': counter('new') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'new 3');
  await bench.log('alarm in new');
});

test('a request that runs gets time to finish when the Worker is replaced', async (t) => {
  const bench = await startBench(
    t,
    `
    export default { async fetch() {
      console.log('waiting'); await scheduler.wait(700); return new Response('old');
    } };`,
  );
  await bench.event('ready');
  const slow = bench.text('/');
  await bench.log('waiting');
  await bench.write({ 'src/index.js': says('new') });
  assert.equal(await slow, 'old');
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'new');
});

test("a build step's outputs do not cause a build each time they are written", async (t) => {
  const bench = await startBench(t, {
    'wrangler.json': config({ main: 'out/index.js', build: { command: 'mkdir -p out && cp src/index.js out/' } }),
    'src/index.js': says('one'),
  });
  await bench.event('ready');
  await bench.write({ 'src/index.js': says('two') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'two');
  await bench.write({ 'src/index.js': says('three') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'three');
  assert.ok(bench.host.all.length < 6, JSON.stringify(bench.host.all));
});
