// Restarts that nobody notices: what drains takes nothing new and loses nothing it has.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { type TunnelError, TunnelRegistry } from '../../src/index.ts';
import { at, echoes, startConnector, startEdge, startPair, type TestEdge, visit, until } from './support/ends.ts';

/** Opens connections one after another, several at a time, until it is stopped; returns how many, and what failed. */
function visitSteadily(edge: TestEdge, peer: { host: string; port: number }) {
  let running = true;
  let count = 0;
  const failures: unknown[] = [];
  const workers = Array.from({ length: 8 }, async () => {
    while (running) {
      try {
        await visit(edge, peer);
        count += 1;
      } catch (error) {
        failures.push(error);
        running = false;
      }
    }
  });
  const atLeast = async (more: number): Promise<void> => {
    const goal = count + more;
    await until(() => !running || count >= goal);
  };
  return {
    atLeast,
    async stop() {
      running = false;
      await Promise.all(workers);
      return { count, failures };
    },
  };
}

test('a rolling restart of connectors fails no connection', { timeout: 60_000 }, async (t) => {
  const edge = await startEdge(t);
  const echo = await use(t, startPeer('echo'));
  let current = await startConnector(t, { ports: [edge.listener.port], links: 4 });
  await current.live(4);
  const load = visitSteadily(edge, echo);
  for (let restart = 0; restart < 5; restart += 1) {
    const next = await startConnector(t, { ports: [edge.listener.port], links: 4 });
    await next.live(4);
    await load.atLeast(50);
    await current.connector.close(10_000);
    await load.atLeast(50);
    current = next;
  }
  const { count, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(count >= 500);
});

test(
  'a rolling restart of the edge listener, on another address and on the same, fails no connection',
  {
    timeout: 60_000,
  },
  async (t) => {
    const registry = new TunnelRegistry();
    const first = await startEdge(t, { registry });
    const second = await startEdge(t, { registry });
    const echo = await use(t, startPeer('echo'));
    const { live } = await startConnector(t, { ports: [first.listener.port, second.listener.port], links: 4 });
    await live(4);
    const load = visitSteadily(first, echo);
    let [old, port] = [first, first.listener.port];
    for (let restart = 0; restart < 5; restart += 1) {
      await load.atLeast(50);
      const drained = old.listener.drain(10_000);
      const fresh = await startEdge(t, { registry, port });
      await drained;
      old = fresh;
      port = fresh.listener.port;
    }
    const { count, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(count >= 250);
  },
);

test('an edge that restarts on its only address has all links back within 3 s', { timeout: 60_000 }, async (t) => {
  let { listener } = await startEdge(t);
  const { port } = listener;
  const connectors = [await startConnector(t, { ports: [port], links: 4 })];
  connectors.push(await startConnector(t, { ports: [port], links: 4 }));
  for (const { live } of connectors) await live(4);
  for (const restart of ['drained', 'killed', 'down for seven failed dials']) {
    await (restart === 'drained' ? listener.drain(1_000) : listener.close());
    for (const { live } of connectors) await live(0);
    if (restart.startsWith('down')) {
      for (const { nextLoss } of connectors) for (let failure = 0; failure < 7; failure += 1) await nextLoss();
    }
    ({ listener } = await startEdge(t, { port }));
    const startedAt = performance.now();
    for (const { live } of connectors) await live(4);
    const milliseconds = performance.now() - startedAt;
    assert.ok(milliseconds < 3_000, `${restart}: ${Math.round(milliseconds)} ms`);
  }
});

test('a reader that is slow still gets everything when the connector drains', { timeout: 30_000 }, async (t) => {
  const { listener, connector } = await startPair(t);
  const bytes = 8 * 1024 * 1024;
  const source = await use(t, startPeer('source', { bytes }));
  const { stream, link } = await listener.registry.open('home', at(source));
  stream.end();
  await once(stream, 'readable');
  // All of it fits into the window, so the connector has nothing left to do; the reader has hardly begun.
  const closing = connector.close(20_000);
  await source.next('close');
  let received = 0;
  for await (const chunk of stream) received += (chunk as Buffer).length;
  assert.equal(received, bytes);
  await closing;
  await link.closed;
});

test('an origin that is slow still gets everything when the edge drains', { timeout: 30_000 }, async (t) => {
  const { listener } = await startPair(t);
  const origin = await use(
    t,
    startPeer((socket) => void socket.pause()),
  );
  const { stream } = await listener.registry.open('home', at(origin));
  const { socket } = await origin.next('connection');
  const bytes = 6 * 1024 * 1024;
  stream.end(Buffer.alloc(bytes, 'x'));
  stream.on('error', () => {}).resume();
  await once(stream, 'finish');
  const draining = listener.drain(20_000);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  const ended = once(socket, 'end');
  socket.resume();
  await ended;
  assert.equal(received, bytes);
  socket.end();
  await draining;
});

test('what does not finish within grace ends with the link', { timeout: 30_000 }, async (t) => {
  for (const side of ['edge', 'connector']) {
    const { listener, connector } = await startPair(t);
    const { stream, link } = await listener.registry.open('home', at(await use(t, startPeer('echo'))));
    await echoes(stream);
    const lost = once(stream, 'error') as Promise<[TunnelError]>;
    const closing = side === 'edge' ? listener.drain(50) : connector.close(50);
    const [error] = await lost;
    assert.equal(error.code, 'link_lost');
    await closing;
    await link.closed;
  }
});

test('a draining link takes nothing new', { timeout: 30_000 }, async (t) => {
  const { listener, connector, link } = await startPair(t);
  const echo = await use(t, startPeer('echo'));
  const { stream } = await listener.registry.open('home', at(echo));
  await echoes(stream);
  const closing = connector.close(20_000);
  await until(() => !link.live);
  await assert.rejects(link.open(at(echo)), { code: 'link_draining' });
  stream.resume().end();
  await closing;
});
