import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostics } from '../../src/config/format.ts';
import type { Diagnostic } from '../../src/project.ts';
import { createFolder, loadIn, plain } from './folder.ts';

const diagnostic: Diagnostic = {
  severity: 'error',
  code: 'wrong_type',
  message: 'name has to be a string but is the number 5',
  remedy: 'Change the value to a string.',
  file: '/shop/wrangler.toml',
  line: 12,
  column: 3,
  quote: '  name = 5',
};

test('formatDiagnostics() quotes the line with a caret, and says what to do', () => {
  assert.equal(
    formatDiagnostics([diagnostic], { color: false, cwd: '/shop' }),
    [
      'wrangler.toml:12:3 error: name has to be a string but is the number 5',
      '  12 |   name = 5',
      '         ^',
      '  fix: Change the value to a string.',
      '',
    ].join('\n'),
  );
});

test('formatDiagnostics() colours only when asked', () => {
  assert.ok(!formatDiagnostics([diagnostic], { color: false, cwd: '/' }).includes('\u001b'));
  assert.ok(formatDiagnostics([diagnostic], { color: true, cwd: '/' }).includes('\u001b[31merror'));
});

test('formatDiagnostics() shows a file outside the current folder with its whole path', () => {
  assert.match(formatDiagnostics([diagnostic], { color: false, cwd: '/other' }), /^\/shop\/wrangler\.toml:12:3 /);
});

test('formatDiagnostics() goes without a place when there is none', () => {
  const placeless = { ...diagnostic, line: undefined, column: undefined, quote: undefined };
  assert.match(
    formatDiagnostics([placeless], { color: false, cwd: '/shop' }),
    /^wrangler\.toml error: name .*\n {2}fix:/,
  );
});

test('formatDiagnostics() cuts long lines around the column', () => {
  const quote = `${'x'.repeat(5000)}HERE${'y'.repeat(5000)}`;
  const [, line = '', caret = ''] = formatDiagnostics([{ ...diagnostic, quote, column: 5001 }], {
    color: false,
    cwd: '/shop',
  }).split('\n');
  assert.ok(line.length < 120);
  assert.equal(line.indexOf('HERE'), caret.indexOf('^'));
});

test('formatDiagnostics() lets nothing in a file drive the terminal', () => {
  const hostile = { ...diagnostic, quote: '\tname = "\u001b[2J\u009b2J\u202e"', message: 'x \u001b]0;owned\u0007 y' };
  const text = formatDiagnostics([hostile], { color: false, cwd: '/shop' });
  assert.ok(!/[\p{Cc}\p{Bidi_Control}]/u.test(text.replaceAll('\n', '')), JSON.stringify(text));
});

test('a mistake in a real file is shown where it is', async (t) => {
  const folder = await createFolder(t, {
    'wrangler.json': { ...plain, kv_namespaces: [{ binding: 'KV' }] },
    'index.js': '',
  });
  const { diagnostics } = await loadIn(folder);
  assert.equal(
    formatDiagnostics(diagnostics, { color: false, cwd: folder }),
    [
      'wrangler.json:5:3 error: kv_namespaces is not supported yet: Workers KV',
      '  5 |   "kv_namespaces": [',
      '        ^',
      '  fix: Remove kv_namespaces, or move it to an environment that is not used here and pick another with --env.',
      '',
    ].join('\n'),
  );
});
