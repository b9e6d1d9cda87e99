// Secrets at rest: they open only with their key, in their place, whole.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ControlError, startKeyRing, type ControlErrorCode } from '../src/index.ts';

async function keyFile(t: TestContext, name = 'key'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-key-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, name);
}

const code =
  (wanted: ControlErrorCode) =>
  (error: unknown): boolean =>
    error instanceof ControlError && error.code === wanted;

const place = { documentKey: 'tunnels/a', field: 'secret' };

test('the key file is created once, with mode 0600, and opens what it sealed', async (t) => {
  const file = await keyFile(t);
  const sealed = startKeyRing({ file }).seal('hunter2 é', place);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.ok(!JSON.stringify(sealed).includes('hunter2'));
  assert.equal(startKeyRing({ file }).open(sealed, place), 'hunter2 é');
});

test('a sealed value opens in no other document, no other field, with no other key and not when damaged', async (t) => {
  const ring = startKeyRing({ file: await keyFile(t) });
  const other = startKeyRing({ file: await keyFile(t) });
  const sealed = ring.seal('hunter2', place);
  const unreadable = code('secret_unreadable');
  assert.throws(() => ring.open(sealed, { ...place, documentKey: 'tunnels/b' }), unreadable);
  assert.throws(() => ring.open(sealed, { ...place, field: 'token' }), unreadable);
  assert.throws(() => other.open(sealed, place), unreadable);
  assert.throws(() => other.open({ ...sealed, key: other.id }, place), unreadable);
  assert.throws(() => ring.open({ ...sealed, data: '' }, place), unreadable);
  const damaged = Buffer.from(sealed.data, 'base64');
  damaged[0]! ^= 1;
  assert.throws(() => ring.open({ ...sealed, data: damaged.toString('base64') }, place), unreadable);
});

test('a key file that others may read, or that holds no key, is refused', async (t) => {
  const file = await keyFile(t);
  startKeyRing({ file });
  await chmod(file, 0o644);
  assert.throws(() => startKeyRing({ file }), code('key_file_invalid'));
  await chmod(file, 0o600);
  for (const text of ['', 'short', 'x'.repeat(1000)]) {
    await writeFile(file, text);
    assert.throws(() => startKeyRing({ file }), code('key_file_invalid'));
  }
});
