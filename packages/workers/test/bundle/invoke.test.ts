// Every shape of export runs inside an invocation on real workerd, and notices nothing.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type TestContext, test } from 'node:test';
import type { Project, Runtime } from '../../src/index.ts';
import { ask, createWorkbench, type Workbench } from '../workbench.ts';

const socketsModule = fileURLToPath(new URL('./fixtures/sockets.ts', import.meta.url));
const prelude = `
  import { connect as invocation, hasNative } from 'cloudflare:sockets';
  import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
`;

interface Started {
  bench: Workbench;
  runtime: Runtime;
}

async function start(t: TestContext, source: string, project: Partial<Project> = {}): Promise<Started> {
  const bench = await createWorkbench(t, { 'src/index.ts': prelude + source }, { socketsModule, project });
  return { bench, runtime: await bench.start() };
}

async function answer(t: TestContext, source: string, project?: Partial<Project>): Promise<unknown> {
  const { runtime } = await start(t, source, project);
  const { body } = await ask(runtime.socketPath, '/');
  return JSON.parse(body);
}

const counter = { binding: 'COUNTER', className: 'Counter', sqlite: true };

test('an object of handlers runs in one invocation a call, keeping its this', async (t) => {
  const { runtime } = await start(
    t,
    `const atTop = invocation();
     const handlers = { fetch() { return Response.json({ atTop, here: invocation(), own: this === handlers, hasNative }); } };
     export default handlers;`,
  );
  const ask1 = JSON.parse((await ask(runtime.socketPath, '/')).body) as unknown;
  assert.deepEqual(ask1, { atTop: 0, here: 1, own: true, hasNative: true });
  const { body } = await ask(runtime.socketPath, '/');
  assert.equal((JSON.parse(body) as { here: number }).here, 2);
});

test('an invocation reaches timers, promises and waitUntil', async (t) => {
  const seen = await answer(
    t,
    `export default { async fetch(request, env, ctx) {
       const seen = [];
       await new Promise((resolve) => setTimeout(() => resolve(seen.push(invocation())), 1));
       await Promise.resolve().then(() => seen.push(invocation()));
       const later = (async () => { await null; seen.push(invocation()); })();
       ctx.waitUntil(later);
       await later;
       return Response.json(seen);
     } };`,
  );
  assert.deepEqual(seen, [1, 1, 1]);
});

test('an instance with handlers on its prototype, in fields and behind getters keeps its private members', async (t) => {
  const seen = await answer(
    t,
    `class Base { #secret = 'kept'; get secret() { return this.#secret; } }
     class App extends Base {
       routes = 1;
       fetch = (request) => this.dispatch(request);
       dispatch() { return Response.json([invocation(), this.secret, this.routes, this instanceof App]); }
       get scheduled() { return () => {}; }
     }
     export default new App();`,
  );
  assert.deepEqual(seen, [1, 'kept', 1, true]);
});

test('frozen handlers and a proxy as the default export are wrapped too', async (t) => {
  assert.equal(await answer(t, `export default Object.freeze({ fetch: () => Response.json(invocation()) });`), 1);
  const router = `export default { __proto__: new Proxy({}, { get: (_, name) => () => name }),
    async fetch() { return Response.json(invocation()); } };`;
  assert.equal(await answer(t, router), 1);
});

test('a class default export runs its handlers in an invocation and stays itself', async (t) => {
  const seen = await answer(
    t,
    `export default class Main extends WorkerEntrypoint {
       static made = 0;
       static #hidden = 'static private';
       static reveal() { return this.#hidden; }
       #field = invocation();
       constructor(ctx, env) { super(ctx, env); Main.made++; this.direct = new.target === Main; }
       async fetch() {
         return Response.json({ here: invocation(), field: this.#field > 0, made: this.constructor.made, direct: this.direct,
           own: this.constructor === Main, is: this instanceof Main, name: this.constructor.name,
           hidden: this.constructor.reveal(), env: this.env.WHO });
       }
     }`,
    { vars: { WHO: 'me' } },
  );
  const expected = { field: true, made: 1, direct: true, own: true, is: true, name: 'Main', hidden: 'static private' };
  const { here, ...rest } = seen as Record<string, unknown>;
  assert.ok(Number(here) > 0);
  assert.deepEqual(rest, { ...expected, env: 'me' });
});

test('a named entrypoint is called over RPC: methods, getters, arguments, errors', async (t) => {
  const seen = await answer(
    t,
    `class Shared extends WorkerEntrypoint { inherited() { return ['inherited', invocation() > 0]; } }
     export class Service extends Shared {
       #prefix = 'hello ';
       field = () => 'instance members are not reachable';
       get version() { return 'v' + (invocation() > 0); }
       async greet(name) { return this.#prefix + name + this.#helper(); }
       #helper() { return invocation() > 0 ? '!' : '?'; }
       fail() { throw new RangeError('refused'); }
       callback(fn) { return fn(2); }
       async both() { return [invocation(), this.own()]; }
       own() { return invocation(); }
     }
     export const helper = (x) => x;
     export const table = { rows: [1] };
     export default { async fetch(request, env, ctx) {
       const service = ctx.exports.Service({ props: {} });
       const failed = await service.fail().catch((error) => error.name + ' ' + error.message);
       const hidden = await service.field().catch((error) => error.name);
       const both = await service.both();
       return Response.json([await service.greet('you'), await service.version, await service.inherited(), failed, hidden,
         await service.callback((x) => x * 2), both[0] === both[1]]);
     } };`,
  );
  const expected = ['hello you!', 'vtrue', ['inherited', true], 'RangeError refused', 'TypeError', 4, true];
  assert.deepEqual(seen, expected);
});

test('a Durable Object has an invocation in its constructor, fetch and RPC methods', async (t) => {
  const seen = await answer(
    t,
    `export class Counter extends DurableObject {
       #made = invocation() > 0;
       count = 0;
       constructor(ctx, env) { super(ctx, env); ctx.blockConcurrencyWhile(async () => { this.ready = invocation() > 0; }); }
       async fetch() { return Response.json([this.#made, this.ready, invocation() > 0]); }
       increment() { this.count += 1; return [this.count, invocation() > 0]; }
     }
     export default { async fetch(request, { COUNTER }) {
       const stub = COUNTER.getByName('a');
       return Response.json([await (await stub.fetch(request)).json(), await stub.increment(), await stub.increment()]);
     } };`,
    { durableObjects: [counter] },
  );
  assert.deepEqual(seen, [
    [true, true, true],
    [1, true],
    [2, true],
  ]);
});

test('a Durable Object class that extends nothing and has handlers as fields is wrapped', async (t) => {
  const seen = await answer(
    t,
    `export class Counter { constructor(state) { this.state = state; } fetch = async () => Response.json(invocation() > 0); }
     export default { fetch: (request, { COUNTER }) => COUNTER.get(COUNTER.idFromName('a')).fetch(request) };`,
    { durableObjects: [counter] },
  );
  assert.equal(seen, true);
});

test('what a handler throws is reported once, with its stack in the sources and its causes', async (t) => {
  const { bench, runtime } = await start(
    t,
    `function fail(): never { throw new TypeError('boom', { cause: Object.assign(new Error('inner'), { code: 'deep' }) }); }
     interface Unused { type: string }
     export default { async fetch() { await null; fail(); } };`,
  );
  const { status } = await ask(runtime.socketPath, '/');
  assert.equal(status, 500);
  const { exception } = await bench.log(({ kind }) => kind === 'exception');
  assert.equal(exception?.event, 'fetch');
  assert.equal(exception?.name, 'TypeError');
  assert.match(
    exception?.stack ?? '',
    /^TypeError: boom\n {4}at fail \(src\/index\.ts:4:\d+\)\n {4}at .*src\/index\.ts:6:/,
  );
  assert.doesNotMatch(exception?.stack ?? '', /sallyport/);
  assert.equal(exception?.cause?.code, 'deep');
  await runtime.close();
  assert.deepEqual(
    bench.logs.map(({ kind }) => kind),
    ['exception'],
  );
});
