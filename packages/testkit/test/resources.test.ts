import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { leftOpenBy, needs, startPeer, use } from '../src/index.ts';
import { withoutVariable } from '../src/servers/available.ts';

test('use() disposes of its resource when the test ends', async (t) => {
  const ended: string[] = [];
  await t.test('inner', async (inner) => {
    await use(inner, Promise.resolve({ [Symbol.asyncDispose]: async () => void ended.push('async') }));
    await use(inner, { [Symbol.dispose]: () => void ended.push('sync') });
    assert.deepEqual(ended, []);
  });
  assert.deepEqual(ended.sort(), ['async', 'sync']);
});

test('leftOpenBy() names what an action left open, and nothing when it closed everything', async (t) => {
  const closed = await leftOpenBy(async () => {
    const peer = await startPeer('echo');
    await peer.close();
  });
  assert.deepEqual(closed, []);
  const server = createServer();
  t.after(() => void server.close());
  const left = await leftOpenBy(() => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)));
  assert.deepEqual(left, ['TCPServerWrap']);
});

test('needs() skips what a person left out, and says so', (t) => {
  const before = process.env[withoutVariable];
  t.after(() => {
    process.env[withoutVariable] = before ?? '';
  });
  process.env[withoutVariable] = 'redis,mosquitto';
  const reasons: (string | undefined)[] = [];
  const context = { skip: (reason?: string): void => void reasons.push(reason) };
  assert.equal(needs(context, 'redis', 'postgres'), false);
  assert.deepEqual(reasons, ['left out by --without redis']);
});

test('needs() throws the command that installs what is missing', (t) => {
  const path = process.env['PATH'];
  const without = process.env[withoutVariable];
  t.after(() => {
    process.env['PATH'] = path;
    process.env[withoutVariable] = without ?? '';
  });
  process.env['PATH'] = '/nowhere';
  process.env[withoutVariable] = '';
  // Of the folders looked at besides PATH, none holds redis-server on Debian.
  assert.throws(
    () => needs({ skip: () => assert.fail('skipped') }, 'redis'),
    /needs redis[^]*apt-get install .*redis-server[^]*--without redis|brew install redis/,
  );
});
