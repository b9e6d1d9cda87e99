import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFolder, load, loadGood, loadIn, plain, summarize } from './folder.ts';

test('loadProject() fills in the defaults of a minimal project', async (t) => {
  const folder = await createFolder(t, { 'wrangler.jsonc': plain, 'index.js': 'export default {};' });
  const { project, diagnostics } = await loadIn(folder);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(project, {
    name: 'shop',
    configPath: join(folder, 'wrangler.jsonc'),
    root: folder,
    environment: undefined,
    main: join(folder, 'index.js'),
    compatibilityDate: '2026-01-01',
    compatibilityFlags: [],
    vars: {},
    secretNames: [],
    alias: {},
    define: {},
    jsxFactory: undefined,
    jsxFragment: undefined,
    minify: false,
    keepNames: true,
    noBundle: false,
    rules: [],
    build: { command: undefined, cwd: folder, watchDirs: [] },
    tsconfig: undefined,
    crons: [],
    queueConsumers: [],
    durableObjects: [],
    hyperdrive: [],
    vpcServices: [],
    vpcNetworks: [],
    mtlsCertificates: [],
    dev: { ip: 'localhost', port: 8787 },
    watchFiles: ['wrangler.jsonc', '.dev.vars', '.env', '.env.local'].map((name) => join(folder, name)),
  });
});

const toml = `
name = "shop"
main = "src/index.ts"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
account_id = "0123"
workers_dev = true
routes = [{ pattern = "shop.example/*", zone_name = "shop.example" }]
tsconfig = "tsconfig.json"
jsx_factory = "h"
jsx_fragment = "Fragment"
minify = true
keep_names = false
no_bundle = true
alias = { "pg-native" = "./empty.js" }

[dev]
ip = "0.0.0.0"
port = 3000
local_protocol = "http"

[build]
command = "npm run build"
cwd = "site"
watch_dir = ["src", "lib"]

[define]
VERSION = '"1"'

[vars]
GREETING = "hello"
LIMITS = { cpu = 10, tags = ["a", "b"] }

[triggers]
crons = ["*/5 * * * *", "0 9 * * MON-FRI"]

[[rules]]
type = "Text"
globs = ["**/*.md"]
fallthrough = true

[[queues.consumers]]
queue = "mail"
max_batch_size = 5
max_retries = 2

[[queues.consumers]]
queue = "log"

[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"

[[durable_objects.bindings]]
name = "ROOM"
class_name = "Room"
script_name = "shop"

[[migrations]]
tag = "v1"
new_classes = ["Counter", "Old"]

[[migrations]]
tag = "v2"
new_sqlite_classes = ["Chat"]
deleted_classes = ["Old"]
renamed_classes = [{ from = "Chat", to = "Room" }]
`;

test('loadProject() reads every key that has an effect, from TOML', async (t) => {
  const folder = await createFolder(t, { 'wrangler.toml': toml, 'src/index.ts': '', 'tsconfig.json': '{}' });
  const { project, diagnostics } = await loadIn(folder);
  assert.deepEqual(diagnostics, []);
  const { watchFiles, ...rest } = project!;
  assert.ok(watchFiles.includes(join(folder, 'tsconfig.json')));
  assert.deepEqual(rest, {
    name: 'shop',
    configPath: join(folder, 'wrangler.toml'),
    root: folder,
    environment: undefined,
    main: join(folder, 'src/index.ts'),
    compatibilityDate: '2026-01-01',
    compatibilityFlags: ['nodejs_compat'],
    vars: { GREETING: 'hello', LIMITS: { cpu: 10, tags: ['a', 'b'] } },
    secretNames: [],
    alias: { 'pg-native': './empty.js' },
    define: { VERSION: '"1"' },
    jsxFactory: 'h',
    jsxFragment: 'Fragment',
    minify: true,
    keepNames: false,
    noBundle: true,
    rules: [{ type: 'Text', globs: ['**/*.md'], fallthrough: true }],
    build: {
      command: 'npm run build',
      cwd: join(folder, 'site'),
      watchDirs: [join(folder, 'src'), join(folder, 'lib')],
    },
    tsconfig: join(folder, 'tsconfig.json'),
    crons: ['*/5 * * * *', '0 9 * * MON-FRI'],
    queueConsumers: [
      { queue: 'mail', maxBatchSize: 5 },
      { queue: 'log', maxBatchSize: 10 },
    ],
    durableObjects: [
      { binding: 'COUNTER', className: 'Counter', sqlite: false },
      { binding: 'ROOM', className: 'Room', sqlite: true },
    ],
    hyperdrive: [],
    vpcServices: [],
    vpcNetworks: [],
    mtlsCertificates: [],
    dev: { ip: '0.0.0.0', port: 3000 },
  });
});

test('loadProject() uses a fixed compatibility date when there is none, and says so', async (t) => {
  const { project, diagnostics } = await load(t, { 'wrangler.json': { name: 'shop', main: 'index.js' } });
  assert.deepEqual(summarize(diagnostics), ['warning missing_compatibility_date']);
  assert.equal(project?.compatibilityDate, '2026-11-17');
});

test('loadProject() lets a build step write the entry module later', async (t) => {
  const built = { ...plain, main: 'dist/index.js', build: { command: 'make' } };
  const project = await loadGood(t, { 'wrangler.json': built });
  assert.ok(project.main.endsWith('/dist/index.js'));
  assert.deepEqual(project.build.watchDirs, [join(project.root, 'src')]);
});

test('loadProject() calls a nameless Worker "worker"', async (t) => {
  const { name: _, ...nameless } = plain;
  assert.equal((await loadGood(t, { 'wrangler.json': nameless })).name, 'worker');
});

test('loadProject() accepts what a build tool fills in with emptiness', async (t) => {
  await loadGood(t, {
    'wrangler.json': {
      ...plain,
      kv_namespaces: [],
      queues: { producers: [], consumers: [] },
      durable_objects: { bindings: [] },
      cloudchamber: {},
      unsafe: { bindings: [] },
      triggers: {},
      define: {},
      migrations: [],
      find_additional_modules: false,
    },
  });
});
