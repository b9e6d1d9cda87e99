import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, loadGood, plain, summarize } from './folder.ts';

const staged = {
  ...plain,
  compatibility_flags: ['nodejs_als'],
  triggers: { crons: ['* * * * *'] },
  env: { staging: { minify: true }, production: { name: 'live', compatibility_flags: [] } },
};

test('an environment takes over what is inherited and appends its name', async (t) => {
  const project = await loadGood(t, { 'wrangler.json': staged }, { env: 'staging' });
  assert.equal(project.name, 'shop-staging');
  assert.equal(project.environment, 'staging');
  assert.equal(project.minify, true);
  assert.deepEqual(project.compatibilityFlags, ['nodejs_als']);
  assert.deepEqual(project.crons, ['* * * * *']);
});

test('an environment may have a name and values of its own', async (t) => {
  const project = await loadGood(t, { 'wrangler.json': staged }, { env: 'production' });
  assert.equal(project.name, 'live');
  assert.deepEqual(project.compatibilityFlags, []);
});

test('CLOUDFLARE_ENV selects the environment, and --env wins over it', async (t) => {
  const processEnv = { CLOUDFLARE_ENV: 'staging' };
  assert.equal((await loadGood(t, { 'wrangler.json': staged }, { processEnv })).name, 'shop-staging');
  assert.equal((await loadGood(t, { 'wrangler.json': staged }, { processEnv, env: 'production' })).name, 'live');
  assert.equal((await loadGood(t, { 'wrangler.json': staged }, { processEnv, env: '' })).name, 'shop');
});

test('an unknown environment is an error that lists those there are', async (t) => {
  const { diagnostics } = await load(t, { 'wrangler.json': staged }, { env: 'stagin' });
  assert.deepEqual(summarize(diagnostics), ['error unknown_environment 13']);
  assert.equal(diagnostics[0]?.message, 'there is no environment stagin; there is staging, production');
});

test('an environment is an error when the configuration has none', async (t) => {
  for (const env of ['staging', '__proto__', 'constructor']) {
    const { diagnostics } = await load(t, { 'wrangler.json': plain }, { env });
    assert.deepEqual(summarize(diagnostics), ['error unknown_environment']);
  }
});

test('an environment whose name would leave the folder is refused', async (t) => {
  const { diagnostics } = await load(t, { 'wrangler.json': { ...plain, env: { '../x': {} } } }, { env: '../x' });
  assert.deepEqual(summarize(diagnostics), ['error environment_name 6']);
});

test('what is not inherited is missing in the environment, with a warning', async (t) => {
  const text = [
    'name = "shop"',
    'main = "index.js"',
    'compatibility_date = "2026-01-01"',
    'vars = { A = 1 }',
    'define = { B = "1", C = "2" }',
    '[[kv_namespaces]]',
    'binding = "KV"',
    '[[tail_consumers]]',
    'service = "log"',
    '[env.staging.define]',
    'B = "2"',
  ].join('\n');
  const { project, diagnostics } = await load(t, { 'wrangler.toml': text }, { env: 'staging' });
  assert.deepEqual(summarize(diagnostics), [
    'warning entries_not_inherited 10',
    'warning not_inherited 4',
    'warning not_inherited 6',
  ]);
  assert.match(diagnostics[0]!.message, /lacks C/);
  assert.deepEqual([project?.vars, project?.define], [{}, { B: '2' }]);
});

test('a binding in an environment that is not used is no error', async (t) => {
  await loadGood(t, { 'wrangler.json': { ...plain, env: { live: { kv_namespaces: [{ binding: 'KV' }] } } } });
});

test('a binding in the environment in use is an error at its place', async (t) => {
  const config = { ...plain, env: { live: { r2_buckets: [{ binding: 'R2' }] } } };
  const { diagnostics } = await load(t, { 'wrangler.json': config }, { env: 'live' });
  assert.deepEqual(summarize(diagnostics), ['error unsupported_key 7']);
  assert.match(diagnostics[0]!.message, /^env\.live\.r2_buckets is not supported yet: R2 storage$/);
  assert.match(diagnostics[0]!.remedy, /--env/);
});

test('a key that belongs at the top level has no effect in an environment', async (t) => {
  const config = { ...plain, env: { live: { alias: { a: 'b' }, nmae: 'x' } } };
  const { project, diagnostics } = await load(t, { 'wrangler.json': config }, { env: 'live' });
  assert.deepEqual(summarize(diagnostics), ['warning unknown_key 10', 'warning top_level_only 7']);
  assert.deepEqual(project?.alias, {});
});

test('environments of the wrong shape are errors', async (t) => {
  for (const env of [5, [], { live: [] }, { live: 'x' }]) {
    const { diagnostics } = await load(t, { 'wrangler.json': { ...plain, env } }, { env: 'live' });
    assert.ok(diagnostics.some(({ code, severity }) => severity === 'error' && /wrong_type|unknown_env/.test(code)));
  }
});

test('a queue producer is an error only where it is in effect', async (t) => {
  const queues = { producers: [{ binding: 'Q', queue: 'q' }], consumers: [{ queue: 'q' }] };
  const { diagnostics } = await load(t, { 'wrangler.json': { ...plain, queues } });
  assert.deepEqual(
    diagnostics.map(({ message }) => message),
    ['queues.producers[0] is not supported yet: sending to queues'],
  );
});
