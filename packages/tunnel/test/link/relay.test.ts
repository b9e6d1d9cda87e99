import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourceBytes, type TestScope } from '@sallyport/testkit';
import { relay, relayBuffer } from '../../src/link/relay.ts';

const limits = { timeout: 20_000 };

/** Both ends of a TCP connection, or of one to a unix socket; neither reads by itself. */
async function pair(t: TestScope, path?: string): Promise<[Socket, Socket]> {
  const socket = new Socket({ allowHalfOpen: true });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await once(path === undefined ? server.listen(0, '127.0.0.1') : server.listen(path), 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  if (path === undefined) socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  else socket.connect(path);
  const [other] = await accepted;
  await (socket.connecting ? once(socket, 'connect') : undefined);
  server.close();
  for (const each of [socket, other]) {
    each.on('error', () => {});
    t.after(() => void each.destroy());
  }
  return [socket, other];
}

/** All that comes; unlike `buffer()` it leaves the other direction open. */
async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

test('bytes arrive whole and in order, and each direction ends by itself', limits, async (t) => {
  const [client, left] = await pair(t);
  const [right, server] = await pair(t);
  relay(left, right);
  const bytes = Buffer.concat(Array.from({ length: 50 }, (_, index) => sourceBytes(index * 65_536, 65_536)));
  client.end(bytes);
  assert.deepEqual(await collect(server), bytes);
  assert.equal(client.readableEnded, false);
  server.end('the answer, after our end');
  assert.equal(String(await collect(client)), 'the answer, after our end');
});

test('what one turn brings for a socket leaves in one call', limits, async (t) => {
  const [right, server] = await pair(t);
  const one = t.mock.method(right, '_write');
  const many = t.mock.method(right as Required<Pick<Duplex, '_writev'>>, '_writev');
  const left = new Duplex({ allowHalfOpen: true, read: () => {}, write: (_chunk, _encoding, done) => done() });
  relay(left, right);
  const flowing = once(left, 'data');
  for (let index = 0; index < 10; index += 1) left.push(sourceBytes(index * 1000, 1000));
  await flowing;
  left.push(null);
  assert.deepEqual(await collect(server), sourceBytes(0, 10_000));
  assert.equal(one.mock.callCount() + many.mock.callCount(), 1);
});

test('a reader that stops holds up its writer, and little is held', limits, async (t) => {
  const [client, left] = await pair(t);
  const [right, server] = await pair(t);
  relay(left, right);
  // More than the kernel holds for two connections.
  const bytes = Buffer.alloc(128 * 1024 * 1024, 'sallyport');
  client.end(bytes);
  const stuck = (): boolean => left.isPaused() && right.writableLength >= relayBuffer;
  while (!stuck()) await once(left, 'pause');
  assert.ok(right.writableLength < relayBuffer + 65_536, `${right.writableLength} bytes wait`);
  assert.ok(client.writableLength > 0);
  assert.ok((await collect(server)).equals(bytes));
});

test('a reset of one side resets the other', limits, async (t) => {
  const [client, left] = await pair(t);
  const [right, server] = await pair(t);
  relay(left, right);
  server.resume();
  client.write('x');
  await once(server, 'data');
  const reset = once(server, 'error');
  client.resetAndDestroy();
  const [error] = (await reset) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  assert.ok(left.destroyed && right.destroyed);
});

test('a reset ends a unix socket, which knows no reset', limits, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-relay-'));
  t.after(() => rm(folder, { recursive: true }));
  const [client, left] = await pair(t);
  const [right, server] = await pair(t, join(folder, 'socket'));
  relay(left, right);
  const closed = once(server.resume(), 'end');
  client.write('x');
  await once(server, 'data');
  client.resetAndDestroy();
  await closed;
});
