// The bound on what slow readers of one link hold together, at an end that does not keep to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, type Http2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { backlogInterval, confirmDeadline, watchBacklog } from '../../src/link/backlog.ts';
import { ManualClock } from './support/manual-clock.ts';

test('an end that does not confirm smaller windows costs its link, not only the session on it', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).pause());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const session = connectHttp2('http://peer.test', { createConnection: () => socket });
  session.on('error', () => {});
  t.after(() => session.destroy());
  await once(session, 'connect');

  const clock = new ManualClock();
  const unread = { readableLength: 10 } as Http2Stream;
  let expired = 0;
  watchBacklog(session, {
    clock,
    received: () => 10,
    streams: new Map([[1, unread]]),
    limit: 1,
    expired: () => (expired += 1),
  });
  clock.advance(backlogInterval);
  clock.advance(confirmDeadline - 1);
  assert.equal(expired, 0);
  clock.advance(1);
  assert.equal(expired, 1);
  socket.destroy();
});
