// docs/reference/control-api.md names the paths that there are, and no other.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createApiBench } from '../support/api-bench.ts';

const page = new URL('../../../../docs/reference/control-api.md', import.meta.url);

test('every path of the reference is served', async (t) => {
  const { call } = await createApiBench(t);
  const text = await readFile(page, 'utf8');
  const rows = [...text.matchAll(/^\| ((?:`?(?:GET|POST|PUT|PATCH|DELETE)[^|]*?)) (\/[^`]+)` \|/gm)];
  const verify = /`GET (\/user\/[^`]+)`/.exec(text)!;
  const calls = [...rows.map(([, methods = '', path = '']) => [methods, path]), ['GET', verify[1]!]];
  assert.ok(calls.length > 15);
  for (const [methods = '', path = ''] of calls) {
    for (const [method] of methods.matchAll(/[A-Z]{3,}/g)) {
      const asked = path
        .replace('/A/', '/acc/')
        .replace('/Z/', '/any/')
        .replace('/ip/IP', '/ip/10.0.0.1')
        .replaceAll('ID', 'none');
      const { status, errors } = await call(method, asked, method === 'GET' ? undefined : {});
      assert.ok(
        !['unknown_path', 'method_not_allowed'].includes(errors[0]?.error ?? ''),
        `${method} ${path}: ${status}`,
      );
    }
  }
});
