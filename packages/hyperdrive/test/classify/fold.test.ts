// Folding shares a verdict among texts, so it may never change one: checked against the grammar itself.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { classify } from '../../src/classify/classify.ts';
import { foldText } from '../../src/classify/fold.ts';
import { Parser } from '../../src/classify/parser.ts';
import type { QueryVerdict } from '../../src/classify/query-verdict.ts';

const parser = new Parser();
await parser.load();

function verdictOf(text: string): Omit<QueryVerdict, 'why'> {
  const { why: _, ...verdict } = classify(text.trim() === '' ? { kind: 'parsed', statements: [] } : parser.parse(text));
  return verdict;
}

/** Pieces that are alike for a careless eye. */
const pieces: readonly string[] = [
  'select',
  'insert into t values',
  'update t set a =',
  'delete from',
  'from',
  't1',
  'a',
  ',',
  '(',
  ')',
  ';',
  '.',
  'now',

  '1',
  '12',
  '2147483647',
  '2147483648',
  '99999999999',
  '1.5',
  '.5',
  '1.',
  '1e5',
  '1e',
  '1..2',
  '0x1F',
  '1_000',
  '1a',
  '$1',
  '$12',

  "'now'",
  "'no'",
  "'w'",
  "\n'w'",
  "'Today'",
  "'a long string that speaks of now and of tomorrow'",
  'set_config(',
  "'search_path'",
  "set x = 'y'",
  "like 'x' escape 'y'",
  "'it''s 5'",
  "'",
  "''",
  "e'a\\'5'",
  "E'",
  "u&'d\\0061t'",
  "U&'",
  "b'101'",
  "x'1f'",
  "n'5'",
  '"c 5"',
  '"',
  '""',

  '$$',
  '$$ 5 $$',
  '$a$',
  '$a$ 5 $a$',
  '$1$',
  '-- 5',
  '-- 5\r',
  '\n',
  '\r',
  "\r'w'",
  '/* 5 */',
  '/*',
  '*/',
  '/* /* 5 */ */',
  '/',
  '-',
  '*',
  '--',

  'interval',
  'timestamp(3)',
  'limit 5',
  'order by 1',
  'in (1, 2)',
  '::int',
  '::date',
  'null',
  'default',
  'é5',
  '\t',
  'values (1, 2)',
];
const separator = fc.constantFrom('', ' ', ' ', '\n', '\r');
const texts = fc
  .array(fc.tuple(fc.constantFrom(...pieces), separator), { maxLength: 14 })
  .map((parts) => parts.map(([piece, space]) => piece + space).join(''));

it('A folded text has the verdict of the text', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const folded = foldText(Buffer.from(text).toString('latin1'));
      assert.deepEqual(verdictOf(Buffer.from(folded, 'latin1').toString()), verdictOf(text), `${text}\n${folded}`);
    }),
    { numRuns: 20_000 },
  );
});

it('Long texts are shortened to one with the same verdict', () => {
  const literal = fc.constantFrom(
    '1',
    '-2',
    '3.5',
    "'x'",
    "'it''s'",
    'null',
    'default',
    'true',
    'f(1, 2)',
    '$1',
    'now()',
    "'a, 1'",
    '(select 1)',
  );
  const row = fc.array(literal, { minLength: 1, maxLength: 5 }).map((values) => `(${values.join(', ')})`);
  const list = fc.array(row, { minLength: 1, maxLength: 4 }).map((rows) => {
    const some = rows.join(',');
    return `${Array.from({ length: Math.ceil(2_500 / some.length) }, () => some).join(', ')}`;
  });
  const shape = fc.constantFrom(
    'insert into t values ',
    'insert into "t 1, 1" (a) values ',
    'select * from t where a in ',
    'select f',
  );
  const end = fc.constantFrom('', ' on conflict do nothing', ' returning "1, 1"', ' -- 1, 1');
  fc.assert(
    fc.property(shape, list, end, (start, rows, tail) => {
      const text =
        start + (start.startsWith('select') ? rows.slice(0, rows.lastIndexOf('),') + 1 || undefined) : rows) + tail;
      const { functions, ...folded } = verdictOf(foldText(text));
      const { functions: all, ...whole } = verdictOf(text);
      assert.deepEqual(folded, whole);
      const names = (list_: typeof all): string[] =>
        [...new Set(list_.map(({ name, args }) => `${name}/${args}`))].sort();
      assert.deepEqual(names(functions), names(all));
    }),
    { numRuns: 500 },
  );
});
