import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFolder, loadIn, plain, summarize, type Files } from './folder.ts';

const entry: Files = { 'index.js': 'export default {};' };
const redirect = '.wrangler/deploy/config.json';
const toml = 'name = "toml"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n';

test('loadProject() searches upward from the current folder', async (t) => {
  const folder = await createFolder(t, { ...entry, 'wrangler.toml': toml, 'src/deep/er/x.js': '' });
  const { project } = await loadIn(join(folder, 'src/deep/er'));
  assert.equal(project?.configPath, join(folder, 'wrangler.toml'));
  assert.equal(project?.main, join(folder, 'index.js'));
});

test('loadProject() prefers wrangler.json to wrangler.jsonc to wrangler.toml', async (t) => {
  const folder = await createFolder(t, { ...entry, 'wrangler.toml': toml });
  assert.equal((await loadIn(folder)).project?.name, 'toml');
  const more = await createFolder(t, {
    ...entry,
    'wrangler.toml': toml,
    'wrangler.jsonc': { ...plain, name: 'jsonc' },
  });
  assert.equal((await loadIn(more)).project?.name, 'jsonc');
  const most = await createFolder(t, {
    ...entry,
    'wrangler.jsonc': plain,
    'wrangler.json': { ...plain, name: 'json' },
  });
  assert.equal((await loadIn(most)).project?.name, 'json');
});

test('loadProject() ignores a folder that is called like a configuration', async (t) => {
  const folder = await createFolder(t, { ...entry, 'wrangler.toml': toml });
  await mkdir(join(folder, 'wrangler.json'));
  assert.equal((await loadIn(folder)).project?.name, 'toml');
});

test('loadProject() takes --config from the current folder', async (t) => {
  const folder = await createFolder(t, {
    ...entry,
    'wrangler.toml': toml,
    'other/my.jsonc': plain,
    'other/index.js': '',
  });
  const { project } = await loadIn(folder, { config: 'other/my.jsonc' });
  assert.equal(project?.main, join(folder, 'other/index.js'));
});

test('loadProject() says what it looked for when there is nothing', async (t) => {
  const folder = await createFolder(t, { 'a/b.txt': '' });
  const { project, diagnostics } = await loadIn(join(folder, 'a'));
  assert.equal(project, undefined);
  assert.equal(diagnostics.length, 1);
  const { code, message, remedy } = diagnostics[0]!;
  assert.equal(code, 'config_not_found');
  assert.match(message, /wrangler\.json, wrangler\.jsonc, wrangler\.toml/);
  assert.ok(message.includes(join(folder, 'a')));
  assert.match(remedy, /--config.*wrangler\.jsonc.*"main"/);
});

const wrongConfigs: [config: string, code: string][] = [
  ['nope.toml', 'error config_missing'],
  ['index.js', 'error config_extension'],
  ['sub', 'error config_unreadable'],
  ['loop.toml', 'error config_unreadable'],
  ['/dev/zero', 'error config_unreadable'],
  ['index.js/wrangler.toml', 'error config_missing'],
  ['a\0b.toml', 'error config_unreadable'],
];
for (const [config, expected] of wrongConfigs) {
  test(`loadProject() refuses --config ${JSON.stringify(config)}`, async (t) => {
    const folder = await createFolder(t, { ...entry, 'sub/x': '' });
    await symlink('loop.toml', join(folder, 'loop.toml'));
    assert.deepEqual(summarize((await loadIn(folder, { config })).diagnostics), [expected]);
  });
}

test('loadProject() follows the redirect of a build tool', async (t) => {
  const folder = await createFolder(t, {
    'wrangler.jsonc': { ...plain, name: 'user', main: 'missing.js' },
    [redirect]: { configPath: '../../dist/wrangler.json' },
    'dist/wrangler.json': { ...plain, name: 'built', topLevelName: 'user', configPath: 'x', legacy_env: true },
    'dist/index.js': '',
    '.dev.vars': 'TOKEN=t',
  });
  const { project, diagnostics } = await loadIn(folder);
  assert.deepEqual(diagnostics, []);
  assert.equal(project?.name, 'built');
  assert.equal(project?.root, join(folder, 'dist'));
  assert.deepEqual(project?.vars, { TOKEN: 't' });
  for (const file of ['wrangler.jsonc', redirect, 'dist/wrangler.json', '.dev.vars']) {
    assert.ok(project?.watchFiles.includes(join(folder, file)), file);
  }
});

test('loadProject() holds a generated configuration to the environment it was built for', async (t) => {
  const built = { ...plain, name: 'shop-staging', targetEnvironment: 'staging' };
  const folder = await createFolder(t, {
    'wrangler.json': plain,
    [redirect]: { configPath: '../../dist/wrangler.json' },
    'dist/wrangler.json': built,
    'dist/index.js': '',
  });
  const staging = await loadIn(folder, { env: 'staging' });
  assert.deepEqual([staging.project?.name, staging.project?.environment], ['shop-staging', 'staging']);
  assert.equal((await loadIn(folder)).project?.environment, 'staging');
  const other = await loadIn(folder, { env: 'production' });
  assert.deepEqual(summarize(other.diagnostics), ['error redirect_environment 5']);
});

const redirects: [title: string, files: Files, expected: string][] = [
  ['itself', { [redirect]: { configPath: 'config.json' } }, 'error redirect_cycle'],
  ['a file that is not there', { [redirect]: { configPath: 'nope.json' } }, 'error redirect_missing'],
  ['nothing', { [redirect]: {} }, 'error redirect_invalid'],
  ['a number', { [redirect]: { configPath: 5 } }, 'error redirect_invalid'],
  ['garbage', { [redirect]: '{{{' }, 'error redirect_invalid'],
  ['binary garbage', { [redirect]: Uint8Array.of(0, 255, 254) }, 'error redirect_invalid'],
];
for (const [title, files, expected] of redirects) {
  test(`loadProject() refuses a redirect to ${title}`, async (t) => {
    const folder = await createFolder(t, { ...entry, 'wrangler.json': plain, ...files });
    assert.deepEqual(summarize((await loadIn(folder)).diagnostics), [expected]);
  });
}

test('loadProject() refuses a redirect that leads to itself through a link', async (t) => {
  const folder = await createFolder(t, { 'wrangler.json': plain, [redirect]: { configPath: 'link.json' } });
  await symlink('config.json', join(folder, '.wrangler/deploy/link.json'));
  assert.deepEqual(summarize((await loadIn(folder)).diagnostics), ['error redirect_cycle']);
});

test('loadProject() refuses a redirect of another folder than the configuration', async (t) => {
  const files = {
    'wrangler.json': plain,
    [`sub/${redirect}`]: { configPath: 'x.json' },
    'sub/.wrangler/deploy/x.json': plain,
  };
  const folder = await createFolder(t, files);
  assert.deepEqual(summarize((await loadIn(join(folder, 'sub'))).diagnostics), ['error redirect_ambiguous']);
});
