import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'smol-toml';
import { parseConfigText, type TextFormat } from '../../src/config/parse-text.ts';
import type { Path } from '../../src/config/position.ts';
import { isTable } from '../../src/config/value.ts';
import { tomlDocument } from './toml-document.ts';

function place(text: string, format: TextFormat, path: Path): string | undefined {
  const position = parseConfigText(text, format).locate(path);
  return position && `${position.line}:${position.column}`;
}

function complaints(text: string, format: TextFormat): string[] {
  const { value, problems } = parseConfigText(text, format);
  assert.equal(
    value === undefined,
    problems.some(({ severity }) => severity === 'error'),
  );
  return problems.map(({ message, position }) => `${position?.line}:${position?.column} ${message}`);
}

const jsonc = '{\n  // comment\n  "a": { "b": [1, { "c": 2 }] },\n  "a": 3, /* twice */\n  "": [],\n}';

test('parseConfigText() locates keys and elements of JSONC, the last of a repeated key', () => {
  assert.equal(place(jsonc, 'jsonc', ['a']), '4:3');
  assert.equal(place('{"a": [1, {"c": 2}]}', 'jsonc', ['a', 1, 'c']), '1:12');
  assert.equal(place('{"a": [1, {"c": 2}]}', 'jsonc', ['a', 0]), '1:8');
  assert.equal(place(jsonc, 'jsonc', ['']), '5:3');
  for (const path of [['b'], ['a', 'b'], ['a', 0], [0], ['', 0]]) assert.equal(place(jsonc, 'jsonc', path), undefined);
});

test('parseConfigText() warns about a repeated key', () => {
  assert.deepEqual(complaints(jsonc, 'jsonc'), ['4:3 a is set more than once; the last one counts']);
});

const toml = `# comment with [brackets] = "and"
title = "a = 1" # "
quoted."dotted key".'x' = [
  1, # one ]
  { deep = { er = "}" }, list = [[1], [2]] },
]
long = """
[not.a.table]
x = 1 ""\\""""""
literal = '''
[neither] \\'''
"esc\\u0061ped" = 1979-05-27 07:32:00
[table] # t
key = 1
[table.sub]
key = 2
[[list]]
name = "a"
[[list.inner]]
n = 1
[[list]]
name = "b"
[list.only]
n = 2
`;
const tomlPlaces: [Path, string | undefined][] = [
  [['title'], '2:1'],
  [['quoted'], '3:1'],
  [['quoted', 'dotted key'], '3:8'],
  [['quoted', 'dotted key', 'x'], '3:21'],
  [['quoted', 'dotted key', 'x', 0], '4:3'],
  [['quoted', 'dotted key', 'x', 1, 'deep'], '5:5'],
  [['quoted', 'dotted key', 'x', 1, 'deep', 'er'], '5:14'],
  [['quoted', 'dotted key', 'x', 1, 'list', 1, 0], '5:40'],
  [['long'], '7:1'],
  [['x'], undefined],
  [['literal'], '10:1'],
  [['neither'], undefined],
  [['escaped'], '12:1'],
  [['table'], '13:2'],
  [['table', 'key'], '14:1'],
  [['table', 'sub'], '15:8'],
  [['table', 'sub', 'key'], '16:1'],
  [['list'], '17:3'],
  [['list', 0, 'name'], '18:1'],
  [['list', 0, 'inner', 0, 'n'], '20:1'],
  [['list', 1, 'name'], '22:1'],
  [['list', 1, 'only', 'n'], '24:1'],
  [['list', 2], undefined],
];

test('parseConfigText() locates keys of TOML', () => {
  for (const [path, expected] of tomlPlaces) assert.equal(place(toml, 'toml', path), expected, JSON.stringify(path));
});

test('parseConfigText() locates keys after Windows line ends', () => {
  assert.equal(place(toml.replaceAll('\n', '\r\n'), 'toml', ['list', 1, 'only', 'n']), '24:1');
  assert.equal(place(jsonc.replaceAll('\n', '\r\n'), 'jsonc', ['']), '5:3');
});

const mistakes: [TextFormat, string, string[]][] = [
  ['jsonc', '', ['1:1 expected a value']],
  ['jsonc', '{\n  "a": 1\n  "b": 2\n}', ['3:3 expected "," before this']],
  ['jsonc', '{\n  a: 1,\n  "b" 2\n}', ['2:3 this is not JSON']],
  ['jsonc', '{ "a": "x', ['1:8 this string never ends', '1:10 expected "}"']],
  ['jsonc', '{} {}', ['1:4 expected nothing more after the end of the configuration']],
  ['toml', 'a = 1\na = 2', []],
  ['toml', 'a = \n', []],
  ['toml', '[a\nb = 1', []],
  ['toml', '\0', []],
];
for (const [format, text, expected] of mistakes) {
  test(`parseConfigText() says where ${JSON.stringify(text)} is wrong`, () => {
    const found = complaints(text, format);
    assert.ok(found.length > 0);
    for (const message of found) assert.match(message, /^\d+:\d+ [^\n]+$/);
    if (format === 'jsonc') assert.deepEqual(found.slice(0, expected.length), expected);
  });
}

for (const [format, text] of [
  ['jsonc', '['.repeat(1_000_000)],
  ['jsonc', '{"a":'.repeat(200_000)],
  ['jsonc', `${'['.repeat(101)}${']'.repeat(101)}`],
  ['toml', `a = ${'['.repeat(1_000_000)}`],
  ['toml', `a = ${'['.repeat(100)}${']'.repeat(100)}`],
  ['toml', `${'a.'.repeat(500_000)}a = 1`],
  ['toml', `[${'a.'.repeat(500_000)}a]`],
  ['toml', 'a={'.repeat(300_000)],
] as const) {
  test(`parseConfigText() survives ${text.length} characters of ${text.slice(0, 8)}…`, () => {
    assert.equal(complaints(text, format).length, 1);
  });
}

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) {
    return [path, ...value.flatMap((member, index) => pathsOf(member, [...path, index]))];
  }
  if (!isTable(value)) return [path];
  return [path, ...Object.keys(value).flatMap((key) => pathsOf(value[key], [...path, key]))];
}

test('every value of a generated TOML document is located where it was written', () => {
  fc.assert(
    fc.property(tomlDocument(), ({ text, places }) => {
      const { value, locate, problems } = parseConfigText(text, 'toml');
      assert.deepEqual(problems, []);
      for (const { path, line, column } of places)
        assert.deepEqual(locate(path), { line, column }, JSON.stringify(path));
      for (const path of pathsOf(value)) assert.ok(locate(path) !== undefined, JSON.stringify(path));
    }),
    { numRuns: 300 },
  );
});

test('every value of a document that smol-toml wrote is located at its key', () => {
  const values = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.string(), fc.integer(), fc.boolean(), tie('array'), tie('table')),
    array: fc.array(tie('value'), { maxLength: 3 }),
    table: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  }));
  fc.assert(
    fc.property(values.table, (table) => {
      const text = stringify(table);
      const { value, locate } = parseConfigText(text, 'toml');
      const lines = text.split('\n');
      for (const path of pathsOf(value)) {
        const position = locate(path);
        assert.ok(position !== undefined, JSON.stringify(path));
        const key = path.at(-1);
        if (typeof key !== 'string' || !/^\w+$/.test(key)) continue;
        assert.ok(
          lines[position.line - 1]!.slice(position.column - 1)
            .replace(/^["']/, '')
            .startsWith(key),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('parseConfigText() answers any text, with places inside it', () => {
  const pieces = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '"""',
    "'''",
    '=',
    '.',
    ',',
    '\n',
    '\r\n',
    '#',
    '//',
    '/*',
    ':',
    '\\',
    'a',
    '1',
    ' ',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom<TextFormat[]>('jsonc', 'toml'), (source, format) => {
      const { value, locate, problems } = parseConfigText(source, format);
      const lines = source.split('\n');
      for (const { position } of problems) {
        if (position === undefined) continue;
        assert.ok(position.line >= 1 && position.line <= lines.length);
        assert.ok(position.column >= 1 && position.column <= lines[position.line - 1]!.length + 1);
      }
      if (value !== undefined) for (const path of pathsOf(value)) assert.ok(locate(path) !== undefined);
    }),
    { numRuns: 5000 },
  );
});
