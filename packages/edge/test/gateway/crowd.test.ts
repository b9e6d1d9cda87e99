import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { openTimeout } from '../../src/gateway/socket-session.ts';
import { startTestGateway } from './support/client.ts';

/** The system's limit on open files bounds how many of them are open in one moment: both ends live in this process. */
const crowd = 10_000;

test('10,000 connections at once are served or dropped, and the gateway goes on', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const { gateway, dialSocket } = await startTestGateway(t);
  const sockets: Socket[] = [];
  const outcomes = await Promise.all(
    Array.from({ length: crowd }, () => {
      const socket = connect({ path: gateway.path });
      sockets.push(socket);
      // A third says nothing, a third half a request, a third garbage.
      const text = ['', 'GET http://', '\0\0\0\0'][sockets.length % 3]!;
      return new Promise<'served' | 'dropped'>((resolve) => {
        socket.once('error', () => resolve('dropped'));
        socket.once('connect', () => {
          socket.write(text);
          resolve('served');
        });
      });
    }),
  );
  assert.equal(outcomes.length, crowd);
  assert.ok(gateway.connections <= 16_384);
  const isServed = outcomes.filter((outcome) => outcome === 'served').length;
  assert.ok(isServed > 100, `only ${isServed} were served`);
  const closed = sockets.map((socket) => (socket.closed ? undefined : once(socket, 'close')));
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  while (gateway.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  const session = await dialSocket();
  session.open(peer.port).send('data', Buffer.from('still here'));
  await session.until(() => session.data.toString() === 'still here');
});

test('a connection that never says what it wants is let go in time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { dialSocket, gateway } = await startTestGateway(t);
  const silent = await dialSocket();
  const half = await dialSocket();
  half.client.say(new Uint8Array([1, 0, 1, 0, 0x7b]));
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(openTimeout);
  await Promise.all([silent.client.ended, half.client.ended]);
  while (gateway.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});
