// Texts that are made to break a parser: each gets a verdict, and so does the next one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Classifier } from '../../src/classify/classifier.ts';
import { Parser } from '../../src/classify/parser.ts';
import type { QueryVerdict } from '../../src/classify/query-verdict.ts';

const classifier = new Classifier();
await classifier.load();

function verdictOf(text: string): QueryVerdict {
  return classifier.verdictOf(Buffer.from(text));
}

describe('Hostile texts', () => {
  const shapes: readonly ((count: number) => string)[] = [
    (count) => `select ${'('.repeat(count)}1${')'.repeat(count)}`,
    (count) => `select ${'('.repeat(count)}`,
    (count) => `select 1${'+1'.repeat(count)}`,
    (count) => `select ${'- '.repeat(count)}1`,
    (count) => `select ${'not '.repeat(count)}true`,
    (count) => `select ${'a['.repeat(count)}1${']'.repeat(count)}`,
    (count) => `select ${'(select '.repeat(count)}1${')'.repeat(count)}`,
    (count) => `select 1${' union select 1'.repeat(count)}`,
    (count) => `select 1 from a${' cross join b'.repeat(count)}`,
    (count) => `select 1${'::int'.repeat(count)}`,
    (count) => `select 1${' is null'.repeat(count)}`,
    (count) => `select ${'case when 1 then '.repeat(count)}1${' end'.repeat(count)}`,
    (count) => `select a${' collate x'.repeat(count)}`,
    (count) => `select a${' at time zone b'.repeat(count)}`,
    (count) => `select (a)${'.b'.repeat(count)}`,
    (count) => `${'with a as ('.repeat(count)}select 1${') select 1'.repeat(count)}`,
    (count) => 'select 1;'.repeat(count),
    (count) => `select ${'/*'.repeat(count)}`,
    (count) => `select ${"''".repeat(count)}`,
    (count) => `select ${'"a"'.repeat(count)}`,
    (count) => `select ${'$a$'.repeat(count)}`,
    (count) => `select 1${'.1'.repeat(count)}`,
    (count) => `select ${'a'.repeat(count)}`,
    (count) => `\0${'x'.repeat(count)}`,
  ];
  it('get a verdict, whatever their size, and the next text too', async () => {
    for (const shape of shapes) {
      for (const size of [10, 100, 149, 500, 1_500, 5_000, 20_000, 1_000_000]) {
        const text = shape(size).slice(0, 1_048_576);
        assert.ok(verdictOf(text).isReadOnly !== undefined);
        await classifier.load();
      }
    }
    assert.deepEqual(verdictOf('select * from the_end').reads, [{ name: 'the_end' }]);
  });

  it('that unwind the grammar cost it its life, and it is loaded again', async () => {
    const parser = new Parser();
    await parser.load();
    assert.equal(parser.parse(`select 1${'+1'.repeat(20_000)}`).kind, 'too-deep');
    assert.equal(parser.parse('select 1').kind, 'loading');
    await parser.load();
    assert.equal(parser.parse('select 1').kind, 'parsed');
  });
});
