import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  findContradiction,
  isCompatibilityDate,
  newestCompatibilityDate,
  nodeCompatMode,
  runtimeFlags,
} from '../../src/config/compatibility.ts';

const workerd: string = createRequire(import.meta.url)('workerd').default;

const modes: [date: string, flags: string[], mode: string][] = [
  ['2024-09-22', [], 'none'],
  ['2024-09-22', ['nodejs_als'], 'als'],
  ['2024-09-22', ['nodejs_compat'], 'v1'],
  ['2024-09-22', ['nodejs_compat', 'nodejs_als'], 'v1'],
  ['2024-09-22', ['nodejs_compat_v2'], 'v2'],
  ['2024-09-23', ['nodejs_compat'], 'v2'],
  ['2024-09-23', ['nodejs_compat', 'no_nodejs_compat_v2'], 'v1'],
  ['2026-08-03', [], 'none'],
  ['2026-08-04', [], 'v2'],
  ['2026-08-04', ['nodejs_compat'], 'v2'],
  ['2026-08-04', ['no_nodejs_compat_v2'], 'v1'],
  ['2026-08-04', ['no_nodejs_compat', 'no_nodejs_compat_v2'], 'none'],
  ['2026-08-04', ['no_nodejs_compat', 'no_nodejs_compat_v2', 'nodejs_als'], 'als'],
];
for (const [date, flags, mode] of modes) {
  test(`nodeCompatMode() is ${mode} at ${date} with [${flags.join(', ')}]`, () => {
    assert.equal(nodeCompatMode(date, flags), mode);
  });
}

test('runtimeFlags() drops the Node.js flags once they are the default', () => {
  const flags = ['nodejs_compat', 'nodejs_compat_v2', 'nodejs_als', 'nodejs_als'];
  assert.deepEqual(runtimeFlags('2026-08-03', flags), ['nodejs_compat', 'nodejs_compat_v2', 'nodejs_als']);
  assert.deepEqual(runtimeFlags('2026-08-04', flags), ['nodejs_als']);
});

test('runtimeFlags() keeps what switches Node.js compatibility off', () => {
  assert.deepEqual(runtimeFlags('2026-08-04', ['no_nodejs_compat_v2']), ['no_nodejs_compat_v2']);
});

test('findContradiction() finds a flag that is also refused', () => {
  assert.equal(findContradiction(['a', 'no_b', 'b']), 'b');
  assert.equal(findContradiction(['a', 'no_b']), undefined);
});

test('newestCompatibilityDate() is a week past the date in the version', () => {
  assert.equal(newestCompatibilityDate('1.20261117.1'), '2026-11-24');
  assert.equal(newestCompatibilityDate('1.20261228.0'), '2027-01-04');
  assert.equal(newestCompatibilityDate('next'), undefined);
});

test('isCompatibilityDate() knows the calendar', () => {
  assert.ok(isCompatibilityDate('2024-02-29'));
  for (const text of ['2025-02-29', '2025-13-01', '2025-1-1', 'today', '']) assert.ok(!isCompatibilityDate(text), text);
});

test('workerd accepts the flags that runtimeFlags() hands to it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-compatibility-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const run = async (date: string, flags: string[]): Promise<void> => {
    const worker = `(modules = [(name = "a", esModule = "export default { test() {} }")],
      compatibilityDate = "${date}", compatibilityFlags = ${JSON.stringify(flags)})`;
    const config = `using Workerd = import "/workerd/workerd.capnp";
      const config :Workerd.Config = (services = [(name = "main", worker = ${worker})]);`;
    await writeFile(join(folder, 'config.capnp'), config);
    await promisify(execFile)(workerd, ['test', join(folder, 'config.capnp')]);
  };
  const flags = ['nodejs_compat', 'nodejs_compat_v2', 'nodejs_compat'];
  await assert.rejects(run('2026-08-04', flags));
  await run('2026-08-04', runtimeFlags('2026-08-04', flags));
  await run('2026-08-03', runtimeFlags('2026-08-03', flags));
});
