// SECURITY.md: each promise says where it is kept and attacked, and both are there.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const page = readFileSync(`${root}SECURITY.md`, 'utf8');
const linksOf = (text: string): string[] => [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path!);

test('each promise is attacked by a test, and every link leads somewhere', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| **'));
  assert.ok(rows.length > 15);
  for (const row of rows) {
    const [, promise, , attacked = ''] = row.split(' | ').length === 3 ? ['', ...row.split(' | ')] : assert.fail(row);
    assert.ok(linksOf(attacked).length > 0 && linksOf(attacked).every((path) => path.endsWith('.test.ts')), promise);
  }
  for (const path of linksOf(page)) assert.ok(existsSync(root + path), path);
});

test('every attack of this folder is one of a promise', () => {
  const named = new Set(linksOf(page));
  for (const file of readdirSync(fileURLToPath(new URL('.', import.meta.url)))) {
    if (file === 'promises.test.ts') continue;
    assert.ok(named.has(`packages/edge/test/security/${file}`), file);
  }
});
