// Events that are not HTTP requests: scheduled, queue, alarm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, createWorkbench } from '../workbench.ts';

test('a scheduled event is triggered with its cron and time', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { scheduled(controller: any) { console.log(controller.cron, controller.scheduledTime); } };`,
  });
  const runtime = await bench.start();
  const { status, body } = await ask(
    runtime.triggersSocketPath,
    '/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*&time=1700000000000',
  );
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body), { outcome: 'ok', noRetry: false });
  const { message } = await bench.log(({ kind }) => kind === 'console');
  assert.equal(message, '*/5 * * * * 1700000000000');
  assert.equal((await ask(runtime.triggersSocketPath, '/__scheduled')).status, 200);
});

test('a scheduled handler that throws, or is missing, answers 500 with its outcome', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch: () => new Response(), scheduled() { throw new Error('not today'); } };`,
  });
  const runtime = await bench.start();
  const { status, body } = await ask(runtime.triggersSocketPath, '/cdn-cgi/handler/scheduled');
  assert.equal(status, 500);
  assert.equal((JSON.parse(body) as { outcome: string }).outcome, 'exception');
  const { exception } = await bench.log(({ kind }) => kind === 'exception');
  assert.equal(exception?.event, 'scheduled');
});

test('queue messages are delivered with bodies, ids and attempts, and the acknowledgements come back', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { queue(batch: any) {
      console.log(JSON.stringify([batch.queue, ...batch.messages.map((m: any) => [m.id, m.body, m.attempts])]));
      batch.messages[0].ack(); batch.messages[1].retry(); } };`,
  });
  const runtime = await bench.start();
  const { status, body } = await ask(runtime.triggersSocketPath, '/cdn-cgi/handler/queue?queue=jobs', {
    method: 'POST',
    body: JSON.stringify([
      { id: 'a', body: { n: 1 }, attempts: 3 },
      { id: 'b', body: 'text' },
    ]),
  });
  const { message } = await bench.log(({ kind }) => kind === 'console');
  assert.deepEqual(JSON.parse(message), ['jobs', ['a', { n: 1 }, 3], ['b', 'text', 1]]);
  assert.equal(status, 200);
  const result = JSON.parse(body) as { explicitAcks: string[]; retryMessages: { msgId: string }[] };
  assert.deepEqual(result.explicitAcks, ['a']);
  assert.equal(result.retryMessages[0]?.msgId, 'b');
});

test('malformed triggers are refused with what is wrong', async (t) => {
  const bench = await createWorkbench(t, { 'src/index.ts': `export default { queue() {}, scheduled() {} };` });
  const { triggersSocketPath: path } = await bench.start();
  const queue = '/cdn-cgi/handler/queue';
  const post = (body: string, target = `${queue}?queue=q`): Promise<{ status: number }> =>
    ask(path, target, { method: 'POST', body });
  assert.equal((await post('{')).status, 400);
  assert.equal((await post('{}')).status, 400);
  assert.equal((await post('[]', queue)).status, 400);
  assert.equal((await post('[{"body":1,"timestamp":"yesterday-ish"}]')).status, 400);
  assert.equal((await ask(path, `${queue}?queue=q`)).status, 405);
  assert.equal((await ask(path, '/cdn-cgi/handler/scheduled?time=soon')).status, 400);
  assert.equal((await ask(path, '/elsewhere')).status, 404);
});

test('a Durable Object keeps its storage over a restart, and its alarm then runs unasked', async (t) => {
  const source = `import { DurableObject } from 'cloudflare:workers';
    export class Counter extends DurableObject {
      async fetch(request) {
        const n = ((await this.ctx.storage.get('n')) ?? 0) + 1;
        await this.ctx.storage.put('n', n);
        this.ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS seen (n)');
        this.ctx.storage.sql.exec('INSERT INTO seen VALUES (?)', n);
        if (request.url.endsWith('/alarm')) await this.ctx.storage.setAlarm(Date.now() + 300);
        return Response.json([n, this.ctx.storage.sql.exec('SELECT count(*) AS c FROM seen').one().c]);
      }
      async alarm() { console.log('alarm', await this.ctx.storage.get('n')); }
    }
    export default { fetch: (request, env) => env.COUNTER.getByName('a').fetch(request) };`;
  const durableObjects = [{ binding: 'COUNTER', className: 'Counter', sqlite: true }];
  const bench = await createWorkbench(
    t,
    { 'src/index.js': source },
    { project: { main: 'src/index.js', durableObjects } },
  );
  const first = await bench.start();
  assert.equal((await ask(first.socketPath, '/')).body, '[1,1]');
  assert.equal((await ask(first.socketPath, '/alarm')).body, '[2,2]');
  await first.close();
  const second = await bench.start();
  const { message } = await bench.log(({ kind }) => kind === 'console');
  assert.equal(message, 'alarm 2');
  assert.equal((await ask(second.socketPath, '/')).body, '[3,3]');
});

test('a rejection nobody handles is reported with its stack', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch() { void Promise.reject(new Error('forgotten')); return new Response('fine'); } };`,
  });
  const runtime = await bench.start();
  assert.equal((await ask(runtime.socketPath, '/')).status, 200);
  const { exception } = await bench.log(({ kind }) => kind === 'exception');
  assert.equal(exception?.event, 'unhandledrejection');
  assert.match(exception?.stack ?? '', /src\/index\.ts:1:\d+/);
});

test('a promise of waitUntil() that rejects is reported with its stack, in handlers and in classes', async (t) => {
  const source = `import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
    const later = async (name: string) => { await scheduler.wait(1); throw new Error(name); };
    export class Counter extends DurableObject {
      fetch() { this.ctx.waitUntil(later('object')); return new Response(); }
    }
    export default class extends WorkerEntrypoint {
      async fetch(request: Request) {
        this.ctx.waitUntil(later('entrypoint'));
        this.ctx.waitUntil(Promise.resolve());
        return this.env.COUNTER.getByName('a').fetch(request);
      }
      scheduled(controller, env, ctx) { (ctx ?? this.ctx).waitUntil(later('scheduled')); }
    }`;
  const durableObjects = [{ binding: 'COUNTER', className: 'Counter', sqlite: true }];
  const bench = await createWorkbench(t, { 'src/index.ts': source }, { project: { durableObjects } });
  const runtime = await bench.start();
  await ask(runtime.socketPath, '/');
  await ask(runtime.triggersSocketPath, '/cdn-cgi/handler/scheduled');
  for (const name of ['entrypoint', 'object', 'scheduled']) {
    const { exception } = await bench.log((log) => log.exception?.message === name);
    assert.equal(exception?.event, 'waitUntil');
    assert.match(exception?.stack ?? '', /src\/index\.ts:2:\d+/);
  }
});

test('ctx.waitUntil() of an object of handlers reports too, once, and keeps its guise', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { fetch(request, env, ctx) {
      if (request.url.endsWith('/done')) return new Response(console.log('done'));
      const error = new Error('both');
      const rejected = Promise.reject(error);
      ctx.waitUntil(rejected);
      const { waitUntil } = Object.getPrototypeOf(ctx);
      if (request.url.endsWith('/throw')) throw error;
      return Response.json([waitUntil.name, waitUntil.length]);
    } };`,
  });
  const runtime = await bench.start();
  const first = await ask(runtime.socketPath, '/');
  assert.equal(JSON.parse(first.body)[0], 'waitUntil');
  await ask(runtime.socketPath, '/throw');
  await ask(runtime.socketPath, '/done');
  await bench.log(({ message }) => message === 'done');
  assert.deepEqual(
    bench.logs.map(({ kind, exception }) => exception?.message ?? kind),
    ['both', 'both', 'console'],
  );
});

for (const compatibilityDate of ['2022-01-01', '2026-03-02', '2026-03-03']) {
  test(`a rejection handled some microtasks later is not reported, at ${compatibilityDate}`, async (t) => {
    const source = `export default { async fetch() {
      const rejected = Promise.reject(new Error('handled'));
      for (let i = 0; i < 10; i++) await null;
      await rejected.catch(() => {});
      void Promise.reject(new Error('forgotten'));
      return new Response();
    } };`;
    const bench = await createWorkbench(t, { 'src/index.ts': source }, { project: { compatibilityDate } });
    const runtime = await bench.start();
    await ask(runtime.socketPath, '/');
    const { exception } = await bench.log(({ kind }) => kind === 'exception');
    assert.equal(exception?.message, 'forgotten');
  });
}
