import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ExpansionTooLarge, expandEnv, maxExpandedLength } from '../../src/config/expand-env.ts';

const known = new Map([
  ['A', 'one'],
  ['EMPTY', ''],
  ['SECRET', '$& $$ $A ${A} `x` $(ls)'],
]);

function expand(text: string): string | undefined {
  return expandEnv(new Map([['X', text]]), known).get('X');
}

const cases: Record<string, string> = {
  plain: 'plain',
  $A: 'one',
  '${A}s': 'ones',
  '$A-${A}/$A': 'one-one/one',
  '$NONE|${NONE}|': '||',
  '${NONE:-two}': 'two',
  '${NONE-two}': 'two',
  '${EMPTY:-two}': 'two',
  '${A:-two}': 'one',
  '${A:+two}': 'two',
  '${NONE:+two}': '',
  '${NONE:-${A}}': 'one',
  '${NONE:-${NONE:-three}}!': 'three!',
  '${NONE:-http://x:1/-+}': 'http://x:1/-+',
  '\\$A \\${A}': '$A ${A}',
  $SECRET: '$& $$ $A ${A} `x` $(ls)',
  '${NONE:-$SECRET}': '$& $$ $A ${A} `x` $(ls)',
  'a${b': 'a${b',
  '${': '${',
  'a}b$': 'a}b$',
  '$1 $ 5$': '$1 $ 5$',
  '{"a":"$A"}': '{"a":"one"}',
  '$(touch hacked)': '$(touch hacked)',
};
for (const [text, expected] of Object.entries(cases)) {
  test(`expandEnv() turns ${text} into ${expected}`, () => assert.equal(expand(text), expected));
}

test('expandEnv() lets a value refer only to those above it, and to the outer ones', () => {
  const parsed = new Map([
    ['A', '1$B$C'],
    ['B', '2$A$C'],
  ]);
  assert.deepEqual(
    [...expandEnv(parsed, new Map([['C', '3']]))],
    [
      ['C', '3'],
      ['A', '13'],
      ['B', '2133'],
    ],
  );
});

test('expandEnv() lets the outer value win unless it is empty', () => {
  const parsed = new Map([
    ['A', 'file'],
    ['EMPTY', 'file'],
  ]);
  const values = expandEnv(parsed, known);
  assert.deepEqual([values.get('A'), values.get('EMPTY')], ['one', 'file']);
});

test('expandEnv() refuses values that multiply each other', () => {
  const parsed = new Map([['V0', 'x'.repeat(10)]]);
  for (let index = 1; index < 60; index += 1) parsed.set(`V${index}`, `$V${index - 1}$V${index - 1}`);
  assert.throws(() => expandEnv(parsed, new Map()), ExpansionTooLarge);
  const once = new Map([
    ['A', 'x'.repeat(10_000)],
    ['B', '$A'.repeat(100_000)],
  ]);
  assert.throws(() => expandEnv(once, new Map()), ExpansionTooLarge);
});

test('expandEnv() survives bottomless nesting', () => {
  const depth = 200_000;
  assert.equal(expand(`${'${A:-'.repeat(depth)}${'}'.repeat(depth)}`), 'one');
  assert.equal(expand('${'.repeat(maxExpandedLength / 2))?.length, maxExpandedLength);
});

test('expandEnv() answers any text', () => {
  const piece = fc.constantFrom('$', '{', '}', '\\', 'A', ':', '-', '+', 'NONE', '${', '(', ' ', '$&');
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(fc.property(text, (source) => typeof expand(source) === 'string'));
});
