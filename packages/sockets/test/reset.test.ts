// Resetting a connection while its FIN is on the way: Node's reset fails then, and leaves the descriptor open for good.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftOpenBy, startPeer, use } from '@sallyport/testkit';
import { connect } from '../src/index.ts';

test('a socket that is aborted while its end is being sent leaves no handle', async (t) => {
  const peer = await use(t, startPeer('source', { bytes: 16 * 1024 * 1024 }));
  const left = await leftOpenBy(async () => {
    const abort = new AbortController();
    const socket = connect(peer.address, { signal: abort.signal });
    await socket.opened;
    socket.writable
      .getWriter()
      .close()
      .catch(() => {});
    // The stream's close algorithm runs in microtasks, and the system call's answer comes with the event loop.
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    abort.abort(new Error('enough'));
    await assert.rejects(socket.closed, { code: 'aborted' });
    await peer.next('close');
  });
  assert.deepEqual(left, []);
});
