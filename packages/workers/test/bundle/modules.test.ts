// Modules beside the bundle, variables and defines, as the running Worker sees them.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type TestContext, test } from 'node:test';
import { ask, createWorkbench, type WorkbenchOptions } from '../workbench.ts';

const socketsModule = fileURLToPath(new URL('./fixtures/sockets.ts', import.meta.url));

/** `(module (func (export "answer") (result i32) i32.const 42))` */
const wasm = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 10, 1, 6, 97, 110, 115, 119, 101, 114, 0, 0, 10,
  6, 1, 4, 0, 65, 42, 11,
]);

type Files = Record<string, string | Uint8Array>;

async function answer(t: TestContext, files: Files, options: WorkbenchOptions = {}): Promise<unknown> {
  const bench = await createWorkbench(t, files, { socketsModule, ...options });
  const runtime = await bench.start();
  const { status, body } = await ask(runtime.socketPath, '/');
  assert.equal(status, 200, JSON.stringify(bench.logs));
  return JSON.parse(body);
}

test('text, data and WebAssembly files are modules of their own, also from packages and by require()', async (t) => {
  const seen = await answer(
    t,
    {
      'src/index.js': `
      import text from './hello.txt';
      import page from '../pages/page.html';
      import data from './bytes.bin';
      import plain from './add.wasm';
      import queried from './add.wasm?module';
      import packaged from 'pkg/deep.wasm';
      import { required } from './required.cjs';
      const run = (module) => new WebAssembly.Instance(module).exports.answer();
      export default { fetch: () => Response.json([text, page, [...new Uint8Array(data)], run(plain), run(queried), run(packaged), required]) };`,
      'src/required.cjs': `exports.required = require('./hello.txt');`,
      'src/hello.txt': 'hello "world"\n',
      'pages/page.html': '<p>',
      'src/bytes.bin': Uint8Array.from([0, 255, 10]),
      'src/add.wasm': wasm,
      'node_modules/pkg/deep.wasm': wasm,
      'node_modules/pkg/package.json': '{"name":"pkg","exports":{"./deep.wasm":"./deep.wasm"}}',
    },
    { project: { main: 'src/index.js' } },
  );
  assert.deepEqual(seen, ['hello "world"\n', '<p>', [0, 255, 10], 42, 42, 42, 'hello "world"\n']);
});

test('a rule of the user replaces the default of its type, or adds to it with fallthrough', async (t) => {
  const files = {
    'src/index.ts': `import a from './a.md'; import b from './b.txt'; export default { fetch: () => Response.json([a, b]) };`,
    'src/a.md': 'A',
    'src/b.txt': 'B',
  };
  const rule = { type: 'Text' as const, globs: ['**/*.md'] };
  assert.deepEqual(await answer(t, files, { project: { rules: [{ ...rule, fallthrough: true }] } }), ['A', 'B']);
  // esbuild knows .txt itself.
  const bench = await createWorkbench(t, files, { project: { rules: [{ ...rule, fallthrough: false }] } });
  const { modules } = await bench.build();
  assert.equal(modules.filter(({ type }) => type === 'text').length, 1);
});

test('variables arrive as text or JSON, whatever characters they hold', async (t) => {
  const vars = {
    TEXT: 'quote " backslash \\ newline \n nul \u0000 unit \u001e é 漢 😀 \u007f `${x}`',
    EMPTY: '',
    JSON: { nested: ['a', 1, null, '"'] },
    NUMBER: 1.5,
    TRUTH: false,
  };
  const seen = await answer(
    t,
    { 'src/index.ts': `export default { fetch: (_: unknown, env: unknown) => Response.json(env) };` },
    { project: { vars } },
  );
  assert.deepEqual(seen, vars);
});

test('defines, aliases, JSX and conditions work as in wrangler', async (t) => {
  const seen = await answer(
    t,
    {
      'src/index.jsx': `import who from 'aliased'; import condition from 'conditional';
        const h = (tag, props, ...children) => ({ tag, children });
        export default { fetch: () => Response.json([process.env.NODE_ENV, globalThis.process.env.NODE_ENV,
          navigator.userAgent, VERSION, who, condition, <b>x</b>]) };`,
      'lib/who.ts': `export default 'me';`,
      'node_modules/conditional/package.json':
        '{"name":"conditional","exports":{"workerd":"./workerd.js","custom":"./custom.js","default":"./default.js"}}',
      'node_modules/conditional/workerd.js': 'export default "workerd"',
      'node_modules/conditional/default.js': 'export default "default"',
    },
    {
      project: {
        main: 'src/index.jsx',
        define: { VERSION: '"1.2"' },
        alias: { aliased: './lib/who.ts' },
        jsxFactory: 'h',
      },
    },
  );
  const element = { tag: 'b', children: ['x'] };
  assert.deepEqual(seen, ['development', 'development', 'Cloudflare-Workers', '1.2', 'me', 'workerd', element]);
});

test('WRANGLER_BUILD_CONDITIONS replaces the conditions', async (t) => {
  const files = {
    'src/index.ts': `import c from 'conditional'; export default { fetch: () => Response.json(c) };`,
    'node_modules/conditional/package.json': '{"name":"conditional","exports":{"workerd":"./w.js","custom":"./c.js"}}',
    'node_modules/conditional/w.js': 'export default "workerd"',
    'node_modules/conditional/c.js': 'export default "custom"',
  };
  const environment = { WRANGLER_BUILD_CONDITIONS: 'custom' };
  assert.equal(await answer(t, files, { environment }), 'custom');
});

test('cloudflare:sockets is our module in dependencies, by import(), static import and require()', async (t) => {
  const seen = await answer(t, {
    'src/index.ts': `import { connect } from 'cloudflare:sockets'; import dynamic from 'dynamic'; import required from 'required';
      export default { async fetch() { return Response.json([connect === await dynamic(), connect === required(), connect()]); } };`,
    'node_modules/dynamic/index.js': `export default async () => (await import('cloudflare:sockets')).connect;`,
    'node_modules/required/index.js': `module.exports = () => require('cloudflare:sockets').connect;`,
  });
  assert.deepEqual(seen, [true, true, 1]);
});

test('no_bundle passes modules as they are, found by rules, with cloudflare:sockets bound', async (t) => {
  const seen = await answer(
    t,
    {
      'src/index.mjs': `import { inner } from './lib/inner.mjs'; import text from './note.txt'; import common from './c.cjs';
        export default { fetch: () => Response.json([inner(), text, common.value]) };`,
      'src/lib/inner.mjs': `import { connect } from 'cloudflare:sockets'; export const inner = () => connect();`,
      'src/note.txt': 'note',
      'src/c.cjs': `exports.value = 3;`,
      'src/unrelated.ts': 'not read',
    },
    {
      project: {
        main: 'src/index.mjs',
        noBundle: true,
        rules: [
          { type: 'ESModule', globs: ['**/*.mjs'], fallthrough: false },
          { type: 'CommonJS', globs: ['**/*.cjs'], fallthrough: false },
        ],
      },
    },
  );
  assert.deepEqual(seen, [1, 'note', 3]);
});

test('an old compatibility date still has what sockets need', async (t) => {
  const seen = await answer(
    t,
    {
      'src/index.ts': `import { connect } from 'cloudflare:sockets'; export default { fetch() {
        new ReadableStream({ type: 'bytes', pull() {} }); new TransformStream({ transform() {} });
        return new Response(JSON.stringify(connect())); } };`,
    },
    { project: { compatibilityDate: '2021-11-03' } },
  );
  assert.equal(seen, 1);
});
