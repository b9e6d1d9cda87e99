// Connections that are broken off, by the thousand. An HTTP/2 server takes many RST_STREAM for an attack and ends the
// connection, so the edge never sends one; what it sends instead must do the same.
import assert from 'node:assert/strict';
import { once, setMaxListeners } from 'node:events';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import type { TunnelError } from '../../src/index.ts';
import { at, closeOf, echoes, startPair, until } from './support/ends.ts';

const rounds = 20;
const atOnce = 100;

async function inRounds(action: () => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await Promise.all(Array.from({ length: atOnce }, action));
}

test('2000 connections that the edge breaks off keep their link', { timeout: 60_000 }, async (t) => {
  const { listener, link } = await startPair(t);
  const peer = await use(t, startPeer('silent'));
  await inRounds(async () => {
    const { stream } = await listener.registry.open('home', at(peer));
    const { socket } = await peer.next('connection');
    const closed = closeOf(socket);
    stream.on('error', () => {}).destroy();
    await closed;
  });
  await until(() => link.streams === 0);
  assert.equal(link.live, true);
  const echo = await use(t, startPeer('echo'));
  const { stream } = await listener.registry.open('home', at(echo));
  await echoes(stream.on('error', () => {}));
});

test('2000 connections that the origin breaks off keep their link', { timeout: 60_000 }, async (t) => {
  const { listener, link } = await startPair(t);
  const peer = await use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.resetAndDestroy())),
  );
  await inRounds(async () => {
    const { stream } = await listener.registry.open('home', at(peer));
    const failed = once(stream, 'error') as Promise<[TunnelError]>;
    stream.resume().write('x');
    assert.equal((await failed)[0].code, 'connection_reset');
  });
  await until(() => link.streams === 0);
  assert.equal(link.live, true);
});

test(
  '2000 connections that are refused, and 2000 given up while they open, keep their link',
  {
    timeout: 60_000,
  },
  async (t) => {
    let dialling = 0;
    const { link } = await startPair(t, {
      connector: {
        dial: ({ port }, { signal }) =>
          new Promise((_, reject) => {
            if (port === 1) return reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
            dialling += 1;
            signal.addEventListener('abort', () => {
              dialling -= 1;
              reject(signal.reason as Error);
            });
          }),
      },
    });
    await inRounds(() => assert.rejects(link.open({ hostname: 'db', port: 1 }), { code: 'connection_refused' }));
    for (let round = 0; round < rounds; round += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      setMaxListeners(0, signal);
      const opening = Array.from({ length: atOnce }, () =>
        assert.rejects(link.open({ hostname: 'db', port: 2 }, { signal }), { code: 'aborted' }),
      );
      await until(() => dialling === atOnce);
      controller.abort();
      await Promise.all(opening);
      await until(() => dialling === 0);
    }
    await until(() => link.streams === 0);
    assert.equal(link.live, true);
  },
);

test('a connection can be broken off while its bytes wait for a window', { timeout: 30_000 }, async (t) => {
  const { listener, link } = await startPair(t);
  const peer = await use(
    t,
    startPeer((socket) => void socket.once('data', () => socket.pause())),
  );
  const { stream } = await listener.registry.open('home', at(peer));
  const { socket } = await peer.next('connection');
  stream.on('error', () => {});
  const bytes = 64 * 1024 * 1024;
  stream.write(Buffer.alloc(bytes));
  await peer.receives(1);
  stream.destroy();
  await until(() => link.streams === 0);
  // Node 20 and 22 tell a reset behind data as an end.
  socket.once('end', () => socket.destroy());
  const closed = closeOf(socket);
  socket.resume();
  await closed;
  assert.ok(peer.bytesReceived < bytes);
  assert.equal(link.live, true);
});
