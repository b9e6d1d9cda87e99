// The life of a Worker's sockets: they belong to one invocation, end with it, and are counted in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { config, startBench } from '../support/dev-bench.ts';

const imports = `import { connect } from 'cloudflare:sockets';
  const encoder = new TextEncoder();
  const roundTrip = async (socket, text) => {
    const writer = socket.writable.getWriter();
    await writer.write(encoder.encode(text));
    const { value } = await socket.readable.getReader().read();
    return new TextDecoder().decode(value);
  };`;

test('what an invocation leaves open is closed when it ends', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `${imports} export default { async fetch(request, env) {
      return new Response(await roundTrip(connect(env.TO), 'left open'));
    } };`,
    { vars: { TO: peer.address } },
  );
  assert.equal(await bench.text('/'), 'left open');
  await peer.next('close');
  assert.equal(peer.open.length, 0);
});

test('waitUntil() keeps the sockets of its invocation open', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `${imports} export default { fetch(request, env, ctx) {
      const socket = connect(env.TO);
      ctx.waitUntil(scheduler.wait(300).then(async () => console.log('later: ' + await roundTrip(socket, 'still open'))));
      return new Response('answered');
    } };`,
    { vars: { TO: peer.address } },
  );
  assert.equal(await bench.text('/'), 'answered');
  assert.equal(peer.pending('close'), 0);
  await bench.log('later: still open');
  await peer.next('close');
});

test("another invocation's socket is refused with the documented error", async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `${imports} let kept; export default { async fetch(request, env, ctx) {
      const { pathname } = new URL(request.url);
      if (pathname === '/keep') {
        kept = connect(env.TO);
        await kept.opened;
        ctx.waitUntil(scheduler.wait(5000));
        return new Response('kept');
      }
      try { return new Response(await roundTrip(kept, 'stolen')); }
      catch (error) { return new Response(error.name + ': ' + error.message, { status: 500, headers: { mine: '1' } }); }
    } };`,
    { vars: { TO: peer.address } },
  );
  assert.equal(await bench.text('/keep'), 'kept');
  const response = await bench.ask('/use');
  assert.match(await response.text(), /^Error: Cannot perform I\/O on behalf of a different request/);
  assert.equal(peer.received.length, 0);
});

test('connect() outside a handler throws the documented error', async (t) => {
  const bench = await startBench(
    t,
    `${imports} let thrown = 'nothing';
    try { connect('127.0.0.1:9'); } catch (error) { thrown = error.message; }
    export default { fetch: () => new Response(thrown) };`,
  );
  assert.match(await bench.text('/'), /^Disallowed operation called within global scope\./);
});

const slots = `${imports} export default { async fetch(request, env) {
    const sockets = Array.from({ length: 7 }, () => connect(env.TO));
    await Promise.all(sockets.slice(0, 6).map(({ opened }) => opened));
    const seventh = sockets[6].opened.then(() => 'open');
    await roundTrip(sockets[1], 'x');
    const before = await Promise.race([seventh, Promise.resolve('waits')]);
    if (new URL(request.url).pathname === '/hold') { console.log('holding'); await scheduler.wait(500); }
    await sockets[0].close();
    return new Response(before + ' ' + await seventh);
  } };`;

test('the seventh socket waits, and invocations at the same time do not share slots', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(t, slots, { vars: { TO: peer.address } });
  const first = bench.text('/hold');
  await bench.log('holding');
  for (let count = 0; count < 6; count += 1) await peer.next('connection');
  assert.equal(peer.pending('connection'), 0);
  assert.equal(await bench.text('/'), 'waits open');
  assert.equal(await first, 'waits open');
});

test('cloudflare:sockets can be imported dynamically', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    `export default { async fetch(request, env) {
      const { connect } = await import('cloudflare:sockets');
      const socket = connect(env.TO);
      const writer = socket.writable.getWriter();
      await writer.write(new TextEncoder().encode('dynamic'));
      return new Response((await socket.readable.getReader().read()).value);
    } };`,
    { vars: { TO: peer.address } },
  );
  assert.equal(await bench.text('/'), 'dynamic');
});

test('scheduled(), queue() and alarm() connect too', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    {
      'wrangler.json': config({
        durable_objects: { bindings: [{ name: 'OBJECT', class_name: 'Alarmed' }] },
        migrations: [{ tag: 'v1', new_sqlite_classes: ['Alarmed'] }],
        queues: { consumers: [{ queue: 'jobs' }] },
      }),
      'src/index.js': `${imports}
        import { DurableObject } from 'cloudflare:workers';
        const say = async (env, what) => console.log(await roundTrip(connect(env.TO), what));
        export class Alarmed extends DurableObject {
          async fetch() { await this.ctx.storage.setAlarm(Date.now()); return new Response('set'); }
          async alarm() { await say(this.env, 'from alarm'); }
        }
        export default {
          fetch: (request, env) => env.OBJECT.get(env.OBJECT.idFromName('x')).fetch(request),
          scheduled: (controller, env) => say(env, 'from scheduled'),
          queue: (batch, env) => say(env, 'from queue ' + batch.messages[0].body),
        };`,
    },
    { vars: { TO: peer.address } },
  );
  await bench.text('/cdn-cgi/handler/scheduled?cron=*+*+*+*+*');
  await bench.log('from scheduled');
  await peer.next('close');
  const queued = await bench.ask('/cdn-cgi/handler/queue?queue=jobs', { method: 'POST', body: '["job"]' });
  assert.equal(queued.status, 200);
  await bench.log('from queue job');
  await peer.next('close');
  await bench.text('/');
  await bench.log('from alarm');
});

test('a Durable Object may keep a socket from one event to the next', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const bench = await startBench(
    t,
    {
      'wrangler.json': config({
        durable_objects: { bindings: [{ name: 'OBJECT', class_name: 'Keeper' }] },
        migrations: [{ tag: 'v1', new_sqlite_classes: ['Keeper'] }],
      }),
      'src/index.js': `${imports}
        import { DurableObject } from 'cloudflare:workers';
        export class Keeper extends DurableObject {
          async fetch() {
            this.socket ??= connect(this.env.TO);
            this.writer ??= this.socket.writable.getWriter();
            this.reader ??= this.socket.readable.getReader();
            await this.writer.write(encoder.encode('kept'));
            return new Response((await this.reader.read()).value);
          }
        }
        export default { fetch: (request, env) => env.OBJECT.get(env.OBJECT.idFromName('x')).fetch(request) };`,
    },
    { vars: { TO: peer.address } },
  );
  for (let event = 0; event < 3; event += 1) assert.equal(await bench.text('/'), 'kept');
  assert.equal(peer.connections, 1);
});
