import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'smol-toml';
import { maxTextBytes } from '../../src/config/read-text.ts';
import { configKeys } from '../../src/config/keys.table.ts';
import { createFolder, load, loadGood, loadIn, plain, summarize, writeFiles, type Files } from './folder.ts';

const cases: [title: string, files: Files, expected: string[]][] = [
  ['an empty wrangler.json', { 'wrangler.json': '' }, ['error config_syntax 1']],
  ['an empty wrangler.toml', { 'wrangler.toml': '' }, ['warning missing_compatibility_date', 'error main_missing']],
  ['an array', { 'wrangler.json': '\n[1]' }, ['error config_not_object 2']],
  ['null', { 'wrangler.json': 'null' }, ['error config_not_object 1']],
  ['broken JSON', { 'wrangler.jsonc': '{\n  "name": "x",\n  "main" "y"\n}' }, ['error config_syntax 3']],
  ['broken TOML', { 'wrangler.toml': 'name = "x"\nmain = \n' }, ['error config_syntax 2']],
  ['a repeated TOML key', { 'wrangler.toml': 'a = 1\na = 2' }, ['error config_syntax 2']],
  ['JSON in a TOML file', { 'wrangler.toml': '{ "name": "x" }' }, ['error config_syntax 1']],
  ['a binary file', { 'wrangler.toml': Uint8Array.of(127, 69, 76, 70, 2, 1, 0) }, ['error config_not_text']],
  ['UTF-16', { 'wrangler.json': Buffer.from('\uFEFF{}', 'utf16le') }, ['error config_not_text']],
  ['a huge file', { 'wrangler.json': ' '.repeat(maxTextBytes + 1) }, ['error config_too_large']],
  ['bottomless nesting', { 'wrangler.json': '{"vars":'.repeat(100_000) }, ['error config_too_deep 1']],
  ['a prototype in TOML', { 'wrangler.toml': 'main = "index.js"\n[__proto__]\na = 1' }, ['error forbidden_key 2']],
];
for (const [title, files, expected] of cases) {
  test(`loadProject() answers ${title} with its place and nothing else`, async (t) => {
    const { project, diagnostics } = await load(t, files);
    assert.equal(project, undefined);
    assert.deepEqual(summarize(diagnostics), expected);
    assert.equal(({} as { a?: number }).a, undefined);
  });
}

test('loadProject() accepts a byte order mark', async (t) => {
  assert.equal((await loadGood(t, { 'wrangler.json': `\uFEFF${JSON.stringify(plain)}` })).name, 'shop');
  assert.equal((await loadGood(t, { 'wrangler.toml': `\uFEFF${stringify(plain)}` })).name, 'shop');
});

test('loadProject() says that a file may not be read', { skip: process.getuid?.() === 0 }, async (t) => {
  const folder = await createFolder(t, { 'wrangler.json': plain });
  await chmod(join(folder, 'wrangler.json'), 0);
  assert.deepEqual(summarize((await loadIn(folder)).diagnostics), ['error config_unreadable']);
});

test('loadProject() keeps names of Object.prototype as ordinary names', async (t) => {
  const vars = { constructor: 'a', toString: 'b', hasOwnProperty: 'c' };
  const project = await loadGood(t, { 'wrangler.json': { ...plain, vars, define: { valueOf: '1' } } });
  assert.deepEqual([project.vars, project.define], [vars, { valueOf: '1' }]);
});

const members =
  'bindings consumers producers crons events required type globs tag name class_name queue command ip port';
const key: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...Object.keys(configKeys), ...members.split(' '), 'live') },
  fc.constantFrom('__proto__', 'constructor', 'new_classes', 'renamed_classes', 'from', 'to', 'script_name'),
  fc.string({ unit: 'binary' }),
);
/** Anything at all where a configuration is expected, with the keys that are looked at. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1, 1.5, '', 'index.js', 'v1', '* * * * *', '2026-01-01', 'live'),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('table'),
  ),
  table: fc.dictionary(key, tie('value'), { maxKeys: 8 }),
}));
/** Half of them are projects but for a few keys. */
const config = fc.oneof(
  anything.table,
  anything.table.map((table) => ({ ...plain, ...table })),
  anything.value,
);

async function check(folder: string, file: string, text: string, env: string | undefined): Promise<void> {
  await writeFiles(folder, { [file]: text });
  const { project, diagnostics } = await loadIn(folder, { config: file, env });
  assert.equal(
    project === undefined,
    diagnostics.some(({ severity }) => severity === 'error'),
  );
  for (const { line, column, message, remedy, file: named, quote } of diagnostics) {
    assert.ok(message !== '' && remedy !== '' && named.startsWith(folder));
    if (line === undefined || column === undefined) continue;
    const lines = text.replace(/^\uFEFF/, '').split('\n');
    assert.equal(lines[line - 1]?.replace(/\r$/, ''), quote);
    assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1);
  }
}

const environment = fc.constantFrom(undefined, undefined, 'live', '__proto__', 'name');

test('loadProject() never throws, whatever the structure', async (t) => {
  const folder = await createFolder(t, { 'index.js': '' });
  const property = fc.asyncProperty(config, environment, async (value, env) => {
    await check(folder, 'wrangler.json', JSON.stringify(value, undefined, 1), env);
    const table = JSON.parse(JSON.stringify(value, (_, member: unknown) => member ?? undefined) ?? '1') as unknown;
    if (typeof table !== 'object' || table === null || Array.isArray(table)) return;
    await check(folder, 'wrangler.toml', toToml(table), env);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('loadProject() never throws, whatever the text', async (t) => {
  const folder = await createFolder(t, { 'index.js': '' });
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[[\]{}"'=.,:#/\\\na1_ -]{0,60}$/));
  const property = fc.asyncProperty(text, fc.constantFrom('toml', 'json'), environment, (source, extension, env) =>
    check(folder, `wrangler.${extension}`, source, env),
  );
  await fc.assert(property, { numRuns: 500 });
});

/** smol-toml refuses to write arrays that mix nulls; those say nothing new. */
function toToml(table: object): string {
  try {
    return stringify(table as Record<string, unknown>);
  } catch {
    return '';
  }
}
