// Node.js modules and globals, by compatibility date and flags, on real workerd.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type TestContext, test } from 'node:test';
import { BuildError, type Project } from '../../src/index.ts';
import { ask, createWorkbench, type Workbench } from '../workbench.ts';

const socketsModule = fileURLToPath(new URL('./fixtures/sockets.ts', import.meta.url));
const files = {
  'src/index.ts': `import { Buffer } from 'node:buffer';
    import { createHash } from 'crypto';
    import path from 'path';
    import { required } from './required.cjs';
    export default { fetch: () => Response.json([
      Buffer.from('x').toString('hex'), globalThis.Buffer === Buffer, createHash('md5').update('').digest('hex'),
      path.join('a', '..', 'b'), typeof process.env, process.env.NODE_ENV, typeof required.EventEmitter, typeof required.readFile,
      typeof setImmediate, typeof global, required.util ]) };`,
  'src/required.cjs': `exports.required = { EventEmitter: require('events'), readFile: require('node:fs').readFileSync,
    util: require('util').format('%s', 1) };`,
};

async function workbench(
  t: TestContext,
  project: Partial<Project>,
  sources: Record<string, string> = files,
): Promise<Workbench> {
  return createWorkbench(t, sources, { socketsModule, project });
}

const ages: [string, string[]][] = [
  ['2024-09-23', ['nodejs_compat']],
  ['2025-10-01', ['nodejs_compat']],
  ['2026-08-01', ['nodejs_compat', 'nodejs_compat_v2']],
  ['2026-11-17', []],
  ['2026-11-17', ['nodejs_compat']],
];

for (const [compatibilityDate, compatibilityFlags] of ages) {
  test(`Node.js modules, globals and require() work at ${compatibilityDate} [${compatibilityFlags.join()}]`, async (t) => {
    const bench = await workbench(t, { compatibilityDate, compatibilityFlags });
    const runtime = await bench.start();
    const { body } = await ask(runtime.socketPath, '/');
    const expected = [
      '78',
      true,
      'd41d8cd98f00b204e9800998ecf8427e',
      'b',
      'object',
      'development',
      'function',
      'function',
    ];
    assert.deepEqual(JSON.parse(body), [...expected, 'function', 'object', '1'], JSON.stringify(bench.logs));
  });
}

test('a CommonJS driver that loads its socket package by condition, as pg does, gets ours', async (t) => {
  const bench = await workbench(
    t,
    { compatibilityDate: '2026-08-01', compatibilityFlags: ['nodejs_compat'] },
    {
      'src/index.ts': `import driver from 'driver'; import { connect } from 'cloudflare:sockets';
        export default { async fetch() { const client = new driver.Client(); return Response.json([await client.socket() === connect, client.on === driver.Emitter.prototype.on]); } };`,
      'node_modules/driver/index.js': `const EventEmitter = require('events').EventEmitter; const net = require('net');
        let native; try { native = require('driver-native') } catch { native = undefined }
        class Client extends EventEmitter { async socket() { const { load } = require('driver-cloudflare'); return load(); } }
        module.exports = { Client, Emitter: EventEmitter, net, native };`,
      'node_modules/driver-cloudflare/package.json':
        '{"name":"driver-cloudflare","exports":{".":{"workerd":{"import":"./load.mjs","require":"./load.js"},"default":"./empty.js"}}}',
      'node_modules/driver-cloudflare/load.js':
        'exports.load = async () => { const mod = await import("cloudflare:sockets"); return mod.connect; };',
      'node_modules/driver-cloudflare/load.mjs': 'import cjs from "./load.js"; export const load = cjs.load;',
      'node_modules/driver-cloudflare/empty.js': 'module.exports = {};',
    },
  );
  const runtime = await bench.start();
  const { body } = await ask(runtime.socketPath, '/');
  assert.deepEqual(JSON.parse(body), [true, true], JSON.stringify(bench.logs));
});

test('require() of a package that unenv replaces gives what the package would: a function, with its parts on it', async (t) => {
  const bench = await workbench(
    t,
    { compatibilityDate: '2026-08-01', compatibilityFlags: ['nodejs_compat'] },
    {
      'src/index.ts': `import seen from './old.cjs'; export default { fetch: () => Response.json(seen) };`,
      'src/old.cjs': `const inherits = require('inherits'); const fetch = require('node-fetch');
        function Child() {} inherits(Child, Array);
        module.exports = [new Child() instanceof Array, typeof fetch, typeof fetch.Headers, typeof require('fsevents')];`,
    },
  );
  const runtime = await bench.start();
  const { body } = await ask(runtime.socketPath, '/');
  assert.deepEqual(JSON.parse(body), [true, 'function', 'function', 'object'], JSON.stringify(bench.logs));
});

test('without Node.js compatibility node: imports stay imports, with a warning that says what to add', async (t) => {
  const source = {
    'src/index.ts': `import fs from 'node:fs'; export default { fetch: () => new Response(typeof fs) };`,
  };
  const bench = await workbench(t, { compatibilityDate: '2025-01-01' }, source);
  const { warnings } = await bench.build();
  assert.equal(warnings[0]?.code, 'node_module_unavailable');
  assert.match(warnings[0]?.remedy ?? '', /nodejs_compat/);
  assert.equal(warnings[0]?.line, 1);
});

test('without Node.js compatibility a bare built-in is an error that says what to add', async (t) => {
  const source = { 'src/index.ts': `import fs from 'fs'; export default { fetch: () => new Response(typeof fs) };` };
  const bench = await workbench(t, { compatibilityDate: '2025-01-01' }, source);
  await assert.rejects(bench.build(), (error) => {
    assert.ok(error instanceof BuildError);
    const [diagnostic] = error.diagnostics;
    assert.equal(diagnostic?.code, 'node_module_unavailable');
    assert.deepEqual([diagnostic?.line, diagnostic?.column], [1, 16]);
    return true;
  });
});

test('nodejs_als alone gives AsyncLocalStorage without a warning', async (t) => {
  const bench = await workbench(
    t,
    { compatibilityDate: '2025-01-01', compatibilityFlags: ['nodejs_als'] },
    {
      'src/index.ts': `import { AsyncLocalStorage } from 'node:async_hooks';
        export default { fetch: () => new Response(typeof new AsyncLocalStorage()) };`,
    },
  );
  const { warnings } = await bench.build();
  assert.deepEqual(warnings, []);
  const runtime = await bench.start();
  assert.equal((await ask(runtime.socketPath, '/')).body, 'object');
});

test('Node.js can be opted out of at a date where it is the default', async (t) => {
  const source = { 'src/index.ts': `export default { fetch: () => new Response(typeof process) };` };
  const flags = { compatibilityDate: '2026-11-17', compatibilityFlags: ['no_nodejs_compat', 'no_nodejs_compat_v2'] };
  const bench = await workbench(t, flags, source);
  const runtime = await bench.start();
  assert.equal((await ask(runtime.socketPath, '/')).body, 'undefined');
});

test('the first version of Node.js compatibility is refused with a remedy', async (t) => {
  const bench = await workbench(t, { compatibilityDate: '2024-01-01', compatibilityFlags: ['nodejs_compat'] });
  await assert.rejects(bench.build(), (error) => {
    assert.ok(error instanceof BuildError);
    assert.equal(error.diagnostics[0]?.code, 'node_compat_v1');
    return true;
  });
});
