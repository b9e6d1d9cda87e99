import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { test } from 'node:test';
import { isSelfConnection } from '../src/dial.ts';
import { dialTcp } from '../src/index.ts';
import { closedPort, listen } from './support/servers.ts';

const { signal } = new AbortController();

test('dialTcp() connects, tells both addresses and hands over a silent socket', async (t) => {
  const { port } = await listen(t, { serve: (socket) => socket.end('hello') });
  const { stream, remoteAddress, localAddress } = await dialTcp({ address: '127.0.0.1', port }, { signal });
  assert.ok(stream instanceof Socket);
  assert.equal(remoteAddress, `127.0.0.1:${port}`);
  assert.match(localAddress, /^127\.0\.0\.1:\d+$/);
  assert.equal(stream.readableFlowing, null);
  assert.equal(stream.allowHalfOpen, true);
  stream.setEncoding('utf8');
  let text = '';
  for await (const chunk of stream) text += chunk;
  assert.equal(text, 'hello');
});

test('dialTcp() lets one direction end before the other', async (t) => {
  const { port } = await listen(t, {
    serve: (socket) => void socket.resume().on('end', () => socket.end('after your end')),
  });
  const { stream } = await dialTcp({ address: '127.0.0.1', port }, { signal });
  stream.end();
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'after your end');
  stream.destroy();
});

test('dialTcp() rejects with the error of the system when nothing listens', async () => {
  const port = await closedPort();
  await assert.rejects(dialTcp({ address: '127.0.0.1', port }, { signal }), { code: 'ECONNREFUSED' });
});

test('A connection to itself is told from one to somebody', async (t) => {
  const port = await closedPort();
  const own = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort: port });
  t.after(() => own.destroy());
  await once(own, 'connect');
  assert.equal(isSelfConnection(own), true);
  const { port: other } = await listen(t, { serve: (socket) => socket.end() });
  const { stream } = await dialTcp({ address: '127.0.0.1', port: other }, { signal });
  assert.equal(isSelfConnection(stream as Socket), false);
  stream.destroy();
});

test('dialTcp() stops on abort, before and while connecting', async (t) => {
  const { port } = await listen(t);
  const aborted = AbortSignal.abort(new Error('before'));
  await assert.rejects(dialTcp({ address: '127.0.0.1', port }, { signal: aborted }), /before/);
  const controller = new AbortController();
  const outcome = dialTcp({ address: '127.0.0.1', port }, { signal: controller.signal });
  controller.abort(new Error('while'));
  await assert.rejects(outcome, /while/);
});

test('an abort after the connection stands changes nothing', async (t) => {
  const { port } = await listen(t);
  const controller = new AbortController();
  const { stream } = await dialTcp({ address: '127.0.0.1', port }, { signal: controller.signal });
  controller.abort();
  stream.write('echo');
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.equal(chunk.toString(), 'echo');
  stream.destroy();
});

test('a reset nobody listens for does not bring the process down', async (t) => {
  const { port } = await listen(t, { serve: (socket) => socket.once('data', () => socket.resetAndDestroy()) });
  const { stream } = await dialTcp({ address: '127.0.0.1', port }, { signal });
  stream.resume().write('reset me');
  await new Promise<void>((resolve) => stream.on('close', resolve));
  assert.equal(stream.destroyed, true);
});
