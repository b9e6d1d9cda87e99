// What slow readers and ends that read nothing may hold in memory, and that nobody else waits for them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, createServer, type ServerHttp2Session } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { type FaultProxy, startFaultProxy, startPeer, type TestScope, use } from '@sallyport/testkit';
import { backlogInterval, confirmDeadline, smallestWindow, watchBacklog } from '../../src/link/backlog.ts';
import { maxSessionMemory, sessionWindow, streamWindow } from '../../src/link/windows.ts';
import { pingDeadline, pingInterval } from '../../src/link/protocol.ts';
import { at, closeOf, startConnector, startEdge, visit } from './support/ends.ts';
import { ManualClock } from './support/manual-clock.ts';

const mib = 1024 * 1024;

interface Pair {
  receiver: ClientHttp2Session;
  socket: Socket;
  proxy: FaultProxy;
  open(): Promise<{ reads: ReturnType<ClientHttp2Session['request']>; writes: ServerHttp2Stream }>;
}

/** HTTP/2 on loopback with the windows of a link. */
async function startHttp2(t: TestScope): Promise<Pair> {
  const server = createServer({ maxSessionMemory });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sessions = once(server, 'session') as Promise<[ServerHttp2Session]>;
  const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
  const socket = connect(proxy.port, '127.0.0.1');
  const receiver = connectHttp2('http://x', {
    createConnection: () => socket,
    maxSessionMemory,
    settings: { initialWindowSize: streamWindow },
  });
  await once(receiver, 'connect');
  receiver.setLocalWindowSize(sessionWindow);
  const [sender] = await sessions;
  t.after(() => {
    receiver.destroy();
    sender.destroy();
    server.close();
  });
  return {
    receiver,
    socket,
    proxy,
    async open() {
      const accepted = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
      const reads = receiver.request({ ':path': '/' });
      const [writes] = await accepted;
      writes.respond({ ':status': 200 });
      for (const stream of [reads, writes]) stream.on('error', () => {});
      reads.on('data', () => {}).pause();
      return { reads, writes };
    },
  };
}

function ping(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => session.ping(() => resolve()));
}

/** Until what was sent has arrived, as far as windows let it. */
async function settle(receiver: ClientHttp2Session): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await ping(receiver);
}

test('slow readers of one link hold no more than a bound, and the others go on', { timeout: 60_000 }, async (t) => {
  const { receiver, socket, open } = await startHttp2(t);
  const clock = new ManualClock();
  const limit = 16 * mib;
  const streams = new Map<number, ReturnType<ClientHttp2Session['request']>>();
  const expired = (): void => void receiver.destroy();
  t.after(watchBacklog(receiver, { clock, streams, limit, received: () => socket.bytesRead, expired }));
  const slow = [];
  for (let count = 0; count < 20; count += 1) {
    const pair = await open();
    slow.push(pair);
    streams.set(pair.reads.id!, pair.reads);
  }
  const unread = (): number => [...streams.values()].reduce((sum, stream) => sum + stream.readableLength, 0);
  const block = Buffer.alloc(mib / 4);
  const rounds = 46;
  let most = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const { writes } of slow) writes.write(block);
    await settle(receiver);
    most = Math.max(most, unread());
    clock.advance(backlogInterval);
    await settle(receiver);
  }
  // Without the bound all of it would have come: it fits into the windows.
  assert.ok(slow.length * rounds * block.length > 10 * limit);
  assert.ok(most < 2 * limit, `${Math.round(most / mib)} MiB`);
  assert.equal(receiver.localSettings.initialWindowSize, smallestWindow);
  const fast = await open();
  streams.set(fast.reads.id!, fast.reads);
  fast.writes.end(Buffer.alloc(4 * mib));
  let received = 0;
  for await (const chunk of fast.reads) received += (chunk as Buffer).length;
  assert.equal(received, 4 * mib);
  let rest = 0;
  await Promise.all(
    slow.map(async ({ reads, writes }) => {
      writes.end();
      for await (const chunk of reads) rest += (chunk as Buffer).length;
    }),
  );
  assert.equal(rest, slow.length * rounds * block.length);
  for (let step = 0; step < 12; step += 1) {
    clock.advance(backlogInterval);
    await settle(receiver);
  }
  assert.equal(receiver.localSettings.initialWindowSize, streamWindow);
});

test('an end that does not confirm smaller windows is cut off', { timeout: 20_000 }, async (t) => {
  const { receiver, proxy, socket, open } = await startHttp2(t);
  const clock = new ManualClock();
  const { reads, writes } = await open();
  const streams = new Map([[reads.id!, reads]]);
  watchBacklog(receiver, {
    clock,
    streams,
    limit: mib,
    received: () => socket.bytesRead,
    expired: () => receiver.destroy(),
  });
  writes.write(Buffer.alloc(4 * mib));
  await settle(receiver);
  const closed = once(receiver, 'close');
  proxy.set({ stalled: true });
  clock.advance(backlogInterval);
  clock.advance(confirmDeadline);
  await closed;
});

test(
  'a connector that stops reading holds its own link only, and a bounded part of what is sent',
  {
    timeout: 60_000,
  },
  async (t) => {
    const clock = new ManualClock();
    const edge = await startEdge(t, { clock });
    const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }));
    await startConnector(t, { ports: [proxy.port] });
    const stuck = await edge.nextLink();
    await startConnector(t, { ports: [edge.listener.port], tunnelId: 'other' });
    const echo = await use(t, startPeer('echo'));
    const opened = await Promise.all(Array.from({ length: 8 }, () => edge.listener.registry.open('home', at(echo))));
    proxy.set({ stalled: true }, 'toClient');
    const block = Buffer.alloc(mib / 4);
    let accepted = 0;
    let full = 0;
    for (const { stream } of opened) {
      stream.on('error', () => {});
      const pump = (): void => {
        while (stream.write(block)) accepted += block.length;
        full += 1;
      };
      stream.on('drain', () => {
        full -= 1;
        pump();
      });
      pump();
    }
    for (let visits = 0; visits < 50; visits += 1) await visit(edge, echo, 'other');
    assert.equal(full, opened.length);
    // Kernel, proxy (16 MiB), and half a MiB of each connection here.
    assert.ok(accepted < 64 * mib, `${Math.round(accepted / mib)} MiB`);
    const closed = opened.map(({ stream }) => closeOf(stream));
    proxy.set({ stalled: true });
    clock.advance(pingInterval);
    clock.advance(pingDeadline);
    await Promise.all(closed);
    await stuck.closed;
    await visit(edge, echo, 'other');
  },
);
