import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '../../src/project.ts';
import { createFolder, load, loadGood, loadIn, plain, summarize, type Files } from './folder.ts';

const config = { ...plain, vars: { A: 'config', N: 1 }, env: { live: { vars: { A: 'live' } } } };

interface Case {
  title: string;
  files: Files;
  env?: string;
  processEnv?: Record<string, string>;
  expected: Record<string, Json>;
  secrets: string[];
}

const cases: Case[] = [
  {
    title: '.dev.vars over the variables of the configuration',
    files: { '.dev.vars': 'A=file\nB="two\nlines"\nexport C=$A # comment' },
    expected: { A: 'file', N: 1, B: 'two\nlines', C: '$A' },
    secrets: ['A', 'B', 'C'],
  },
  {
    title: '.dev.vars.<env> instead of .dev.vars',
    files: { '.dev.vars': 'A=file', '.dev.vars.live': 'B=live' },
    env: 'live',
    expected: { A: 'live', B: 'live' },
    secrets: ['B'],
  },
  {
    title: '.dev.vars when the environment has none of its own',
    files: { '.dev.vars': 'B=file', '.env.live': 'B=no' },
    env: 'live',
    expected: { A: 'live', B: 'file' },
    secrets: ['B'],
  },
  {
    title: 'no .env when there is a .dev.vars',
    files: { '.dev.vars': '', '.env': 'B=no' },
    expected: { A: 'config', N: 1 },
    secrets: [],
  },
  {
    title: '.env files, later ones over earlier ones',
    files: {
      '.env': 'B=1\nC=1\nD=1\nE=1',
      '.env.local': 'C=2\nD=2\nE=2',
      '.env.live': 'D=3\nE=3',
      '.env.live.local': 'E=4',
    },
    env: 'live',
    expected: { A: 'live', B: '1', C: '2', D: '3', E: '4' },
    secrets: ['B', 'C', 'D', 'E'],
  },
  {
    title: 'no .env.<env> without an environment',
    files: { '.env': 'B=1', '.env.live': 'B=2' },
    expected: { A: 'config', N: 1, B: '1' },
    secrets: ['B'],
  },
  {
    title: '${NAME} in .env expanded, and never run',
    files: { '.env': 'Z=1\nC=${Z}-$Z-${X:-none}\nD=$(touch hacked)' },
    expected: { A: 'config', N: 1, Z: '1', C: '1-1-none', D: '$(touch hacked)' },
    secrets: ['Z', 'C', 'D'],
  },
  {
    title: 'no .env when that is switched off',
    files: { '.env': 'B=1' },
    processEnv: { CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'false' },
    expected: { A: 'config', N: 1 },
    secrets: [],
  },
  {
    title: 'the process environment over .env when asked for',
    files: { '.env': 'B=1\nC=1' },
    processEnv: { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true', B: '2' },
    expected: { A: 'config', N: 1, CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true', B: '2', C: '1' },
    secrets: ['CLOUDFLARE_INCLUDE_PROCESS_ENV', 'B', 'C'],
  },
  {
    title: 'files with a byte order mark and Windows line ends',
    files: { '.dev.vars': '\uFEFFB=1\r\nC=2\r\n' },
    expected: { A: 'config', N: 1, B: '1', C: '2' },
    secrets: ['B', 'C'],
  },
];
for (const { title, files, env, processEnv = {}, expected, secrets } of cases) {
  test(`variables: ${title}`, async (t) => {
    const { project } = await load(t, { 'wrangler.json': config, ...files }, { env, processEnv });
    assert.deepEqual(project?.vars, expected);
    assert.deepEqual(project?.secretNames, secrets);
  });
}

const secretive = { ...plain, vars: { A: 'config' }, secrets: { required: ['TOKEN', 'KEY'] } };

test('secrets.required limits what files may supply', async (t) => {
  const files = { 'wrangler.json': secretive, '.dev.vars': 'A=file\nTOKEN=t\nKEY=k\nOTHER=o' };
  const project = await loadGood(t, files);
  assert.deepEqual(project.vars, { A: 'file', TOKEN: 't', KEY: 'k' });
  assert.deepEqual(project.secretNames, ['A', 'TOKEN', 'KEY']);
});

test('secrets.required takes secrets from the process environment', async (t) => {
  const processEnv = { TOKEN: 't', KEY: 'k', HOME: '/root' };
  const project = await loadGood(t, { 'wrangler.json': secretive }, { processEnv });
  assert.deepEqual(project.vars, { A: 'config', TOKEN: 't', KEY: 'k' });
});

test('a required secret without a value is a warning that names it', async (t) => {
  const { project, diagnostics } = await load(t, { 'wrangler.json': secretive, '.dev.vars': 'TOKEN=t' });
  assert.deepEqual(summarize(diagnostics), ['warning missing_secrets 9']);
  assert.equal(diagnostics[0]?.message, 'required secrets have no value: KEY');
  assert.deepEqual(project?.vars, { A: 'config', TOKEN: 't' });
});

test('a Durable Object wins over a secret of the same name', async (t) => {
  const files = {
    'wrangler.json': {
      ...plain,
      durable_objects: { bindings: [{ name: 'A', class_name: 'B' }] },
      migrations: [{ tag: '1', new_sqlite_classes: ['B'] }],
    },
    '.dev.vars': 'A=1\nC=2',
  };
  const project = await loadGood(t, files);
  assert.deepEqual([project.vars, project.secretNames], [{ C: '2' }, ['C']]);
});

test('an env file that cannot be used is an error that names it', async (t) => {
  for (const content of [Uint8Array.of(255, 254, 0), 'A='.padEnd(1_048_577, 'x')]) {
    const { diagnostics } = await load(t, { 'wrangler.json': plain, '.dev.vars': content });
    assert.deepEqual(summarize(diagnostics), ['error env_file_invalid']);
    assert.ok(diagnostics[0]?.file.endsWith('.dev.vars'));
  }
});

test('a folder called .env is not an env file', async (t) => {
  const folder = await createFolder(t, { 'wrangler.json': plain, 'index.js': '' });
  await mkdir(join(folder, '.env'));
  assert.deepEqual((await loadIn(folder)).diagnostics, []);
});

test('a switch that is neither true nor false is an error', async (t) => {
  const processEnv = { CLOUDFLARE_INCLUDE_PROCESS_ENV: 'yes' };
  const { diagnostics } = await load(t, { 'wrangler.json': plain }, { processEnv });
  assert.deepEqual(summarize(diagnostics), ['error env_toggle']);
});
