import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, plain, summarize } from './folder.ts';

/** One key each, written on line 5 after the plain configuration. */
const cases: [title: string, line: string, expected: string[]][] = [
  ['a number as a name', '"name": 5', ['warning duplicate_key 5', 'error wrong_type 5']],
  ['a name with capitals', '"name": "My Shop"', ['warning duplicate_key 5', 'error invalid_value 5']],
  ['an entry module that is not there', '"main": "nope.js"', ['warning duplicate_key 5', 'error file_missing 5']],
  ['a Python entry module', '"main": "index.py"', ['warning duplicate_key 5', 'error unsupported_key 5']],
  ['a tsconfig that is not there', '"tsconfig": "nope.json"', ['error file_missing 5']],
  ['an unsupported binding', '"kv_namespaces": [{ "binding": "KV" }]', ['error unsupported_key 5']],
  ['an unsupported binding that is an object', '"ai": { "binding": "AI" }', ['error unsupported_key 5']],
  ['sending to a queue', '"queues": { "producers": [{ "binding": "Q", "queue": "q" }] }', ['error unsupported_key 5']],
  ['static assets', '"assets": { "directory": "public" }', ['error unsupported_key 5']],
  ['modules beside the bundle', '"find_additional_modules": true', ['error unsupported_key 5']],
  ['triggers other than cron', '"triggers": { "events": [{}] }', ['error unsupported_key 5']],
  ['an unknown key', '"compatability_flags": []', ['warning unknown_key 5']],
  ['an unknown key of an object', '"dev": { "prot": 1 }', ['warning unknown_key 5']],
  ['an ignored key', '"observability": { "enabled": true }', []],
  ['an array where an object is expected', '"vars": []', ['error wrong_type 5']],
  ['an object where an array is expected', '"rules": {}', ['error wrong_type 5']],
  ['a string among variables of the wrong kind', '"define": { "A": 1, "B": "2" }', ['error wrong_type 5']],
  ['a port that is not one', '"dev": { "port": 70000 }', ['error wrong_type 5']],
  ['a rule of an unknown type', '"rules": [{ "type": "Txt", "globs": [] }]', ['error invalid_value 5']],
  ['a rule without globs', '"rules": [{ "type": "Text" }]', ['error missing_key 5']],
  ['a Python rule', '"rules": [{ "type": "PythonModule", "globs": [] }]', ['error unsupported_key 5']],
  ['a cron expression with six fields', '"triggers": { "crons": ["* * * * * *"] }', ['error invalid_cron 5']],
  ['a cron expression that is a number', '"triggers": { "crons": [5] }', ['error wrong_type 5']],
  ['a queue consumer without its queue', '"queues": { "consumers": [{}] }', ['error missing_key 5']],
  [
    'a pulling consumer',
    '"queues": { "consumers": [{ "queue": "q", "type": "http_pull" }] }',
    ['error invalid_value 5'],
  ],
  ['a batch of none', '"queues": { "consumers": [{ "queue": "q", "max_batch_size": 0 }] }', ['error wrong_type 5']],
  ['a date of no calendar', '"compatibility_date": "2026-02-30"', ['warning duplicate_key 5', 'error invalid_value 5']],
  [
    'a date the runtime does not know',
    '"compatibility_date": "2026-11-22"',
    ['warning duplicate_key 5', 'error future_compatibility_date 5'],
  ],
  ['flags that contradict each other', '"compatibility_flags": ["a", "no_a"]', ['error contradictory_flags 5']],
  [
    'a Durable Object without a migration',
    '"durable_objects": { "bindings": [{ "name": "A", "class_name": "B" }] }',
    ['warning missing_migration 5'],
  ],
  [
    'a Durable Object of another Worker',
    '"durable_objects": { "bindings": [{ "name": "A", "class_name": "B", "script_name": "other" }] }',
    ['error foreign_durable_object 5'],
  ],
  [
    'a name that is bound twice',
    '"vars": { "A": 1 }, "migrations": [{ "tag": "1", "new_classes": ["B"] }], "durable_objects": { "bindings": [{ "name": "A", "class_name": "B" }] }',
    ['error duplicate_binding 5'],
  ],
  ['a key that reaches for the prototype', '"__proto__": { "name": "x" }', ['error forbidden_key 5']],
  ['the same deeper', '"vars": { "A": { "__proto__": 1 } }', ['error forbidden_key 5']],
];

for (const [title, line, expected] of cases) {
  test(`loadProject() names the place of ${title}`, async (t) => {
    const lines = Object.entries(plain).map(([key, value]) => `  "${key}": "${value}",`);
    const text = ['{', ...lines, `  ${line}`, '}'].join('\n');
    const { project, diagnostics } = await load(t, { 'wrangler.jsonc': text });
    assert.deepEqual(summarize(diagnostics), expected);
    assert.equal(
      project === undefined,
      expected.some((entry) => entry.startsWith('error')),
    );
    for (const { remedy, column, quote } of diagnostics) {
      assert.ok(remedy !== '' && column! >= 3);
      assert.ok(quote?.includes(line));
    }
  });
}

test('loadProject() suggests the key that was meant', async (t) => {
  const { diagnostics } = await load(t, { 'wrangler.json': { ...plain, compatability_flags: [], durableobjects: {} } });
  assert.deepEqual(
    diagnostics.map(({ message }) => message),
    [
      'compatability_flags is not a known key; did you mean compatibility_flags?',
      'durableobjects is not a known key; did you mean durable_objects?',
    ],
  );
});

test('loadProject() asks for quotes around a TOML date', async (t) => {
  const text = 'main = "index.js"\ncompatibility_date = 2026-01-01\nvars = { since = 2026-01-01, nothing = nan }';
  const { diagnostics } = await load(t, { 'wrangler.toml': text });
  assert.deepEqual(
    diagnostics.map(({ message, remedy }) => `${message} ${remedy}`),
    [
      'compatibility_date has to be a string but is the date 2026-01-01 Put the value in quotes.',
      'vars.since has to be a JSON value but is the date 2026-01-01 Put the value in quotes.',
      'vars.nothing has to be a JSON value but is the number NaN Change the value to a JSON value.',
    ],
  );
});

test('loadProject() stops counting at a hundred diagnostics', async (t) => {
  const keys = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`zz${index}`, 1]));
  assert.equal((await load(t, { 'wrangler.json': { ...plain, ...keys } })).diagnostics.length, 100);
});
