// Run in a child, because only `--expose-gc` can tell a socket that is retained from one that is not yet collected.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('2,000 connect/close cycles leave no handle and retain no socket', async () => {
  const script = fileURLToPath(new URL('support/churn.ts', import.meta.url));
  const runner = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [runner, '--expose-gc', script], { timeout: 60_000 });
  const { cycles, handles, retained } = JSON.parse(stdout) as { cycles: number; handles: string[]; retained: number };
  assert.equal(cycles, 2_000);
  assert.deepEqual(handles, []);
  // The last few may still be on the stack of the engine.
  assert.ok(retained <= 5, `${retained} sockets are retained`);
});
