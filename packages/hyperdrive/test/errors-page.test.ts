// The reference of errors says what the registry says.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hyperdriveErrorsPage, toHyperdriveErrorsPage } from '../../../tools/generate-hyperdrive-errors.ts';

test('docs/reference/hyperdrive-errors.md is current: node tools/run.mjs tools/generate-hyperdrive-errors.ts', async () => {
  assert.equal(await readFile(hyperdriveErrorsPage, 'utf8'), toHyperdriveErrorsPage());
});
