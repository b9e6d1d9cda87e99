// The checklist names tests; each of them has to exist.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const here = new URL('.', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, here), 'utf8');

test('Every test that the checklist names exists', () => {
  const own = readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .map(read)
    .join('\n');
  const missing: string[] = [];
  let named = 0;
  for (const line of read('README.md').split('\n')) {
    const cells = /^\| .+ \| (.+) \|$/.exec(line)?.[1];
    if (cells === undefined) continue;
    const files = [...cells.matchAll(/\.\.\/[\w.-]+\.test\.ts/g)].map(([file]) => read(file));
    for (const [, name] of cells.matchAll(/`([^`]+)`/g)) {
      named += 1;
      // Titles of tests in a loop are put together; those of md5, scram and password begin with what is in the loop.
      const title = name!.replace(/^(?:md5|scram|password)_server$/, '_server');
      const isThere = [own, ...files].some((text) => text.includes(title)) || name === 'auth.test.ts' || name === '*';
      if (!isThere) missing.push(name!);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(named > 60, `${named}`);
});
