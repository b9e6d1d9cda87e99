// Which link a connection takes, and what becomes of it when that link dies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultProxy, startPeer, use } from '@sallyport/testkit';
import { maxWaiters } from '../../src/edge/link-waiters.ts';
import { returnTimeout } from '../../src/edge/tunnel-registry.ts';
import { TunnelRegistry } from '../../src/index.ts';
import { at, echoes, secrets, startConnector, startEdge, startPair, visit, until } from './support/ends.ts';
import { ManualClock } from './support/manual-clock.ts';

test('each connection takes the link with the fewest', { timeout: 20_000 }, async (t) => {
  const { listener, live } = await startPair(t, { connector: { links: 4 } });
  await live(4);
  const echo = await use(t, startPeer('echo'));
  for (let index = 0; index < 12; index += 1)
    await listener.registry.open('home', at(echo)).then(({ stream }) => stream.on('error', () => {}));
  assert.deepEqual(
    listener.registry.links('home').map((link) => link.streams),
    [3, 3, 3, 3],
  );
});

test(
  'a connection whose link dies before it answered goes on with another connector',
  { timeout: 20_000 },
  async (t) => {
    const edge = await startEdge(t);
    const echo = await use(t, startPeer('echo'));
    const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }));
    const doomed = await startConnector(t, { ports: [proxy.port], links: 4 });
    await doomed.live(4);
    const dying = edge.listener.registry.links('home');
    await startConnector(t, { ports: [edge.listener.port] });
    const last = await (async () => {
      for (;;) {
        const link = await edge.nextLink();
        if (!dying.includes(link)) return link;
      }
    })();
    proxy.set({ stalled: true });
    const opening = Array.from({ length: 50 }, () => edge.listener.registry.open('home', at(echo)));
    proxy.resetAll();
    for (const opened of opening) {
      const { stream, link } = await opened;
      assert.equal(link, last);
      await echoes(stream.on('error', () => {}));
    }
  },
);

test(
  'while its only link is dialled again a tunnel is waited for, not longer than it takes',
  { timeout: 20_000 },
  async (t) => {
    const edge = await startEdge(t);
    const echo = await use(t, startPeer('echo'));
    const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }));
    await startConnector(t, { ports: [proxy.port] });
    const link = await edge.nextLink();
    proxy.resetAll();
    await link.closed;
    await visit(edge, echo);
  },
);

test('a tunnel that does not come back is given up, and is not waited for again', { timeout: 20_000 }, async (t) => {
  const clock = new ManualClock();
  let now = 0;
  const registry = new TunnelRegistry({ clock, now: () => now });
  const { connector, link } = await startPair(t, { edge: { registry } });
  await connector.close(0);
  await link.closed;
  const target = { hostname: 'db.internal', port: 5432 };
  const waiting = Array.from({ length: maxWaiters }, () =>
    assert.rejects(registry.open('home', target), { code: 'no_link' }),
  );
  await assert.rejects(registry.open('home', target), { code: 'no_link', detail: /1024 connections wait/ });
  const controller = new AbortController();
  now += returnTimeout;
  clock.advance(returnTimeout);
  await Promise.all(waiting);
  assert.deepEqual(clock.waiting, []);
  await assert.rejects(registry.open('home', target, { signal: controller.signal }), { code: 'no_link' });
});

test(
  'one that waits for a tunnel can be aborted, and no tunnel is waited for that never was',
  { timeout: 20_000 },
  async (t) => {
    const { listener, connector, link } = await startPair(t);
    await connector.close(0);
    await link.closed;
    const controller = new AbortController();
    const target = { hostname: 'db.internal', port: 5432 };
    const waiting = assert.rejects(listener.registry.open('home', target, { signal: controller.signal }), {
      code: 'aborted',
    });
    controller.abort();
    await waiting;
    await assert.rejects(listener.registry.open('other', target), { code: 'no_link' });
  },
);

test(
  'a connector that dials again in place of a link the edge still holds ends that one only',
  { timeout: 20_000 },
  async (t) => {
    const edge = await startEdge(t);
    const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }));
    const clock = new ManualClock();
    const connectorId = 'the-same';
    const old = await startConnector(t, { ports: [proxy.port], links: 2, connectorId, clock });
    await old.live(2);
    const bystander = await startConnector(t, { ports: [edge.listener.port], links: 2 });
    await bystander.live(2);
    const links = [await edge.nextLink(), await edge.nextLink(), await edge.nextLink(), await edge.nextLink()];
    const mine = links.filter((link) => link.connectorId === connectorId);
    assert.deepEqual(mine.map(({ index }) => index).sort(), [0, 1]);
    proxy.set({ stalled: true });
    await startConnector(t, { ports: [edge.listener.port], links: 1, connectorId });
    const fresh = await edge.nextLink();
    const replaced = mine.find(({ index }) => index === 0);
    await replaced!.closed;
    const left = edge.listener.registry.links('home');
    assert.deepEqual(new Set(left), new Set([...links.filter((link) => link !== replaced), fresh]));
  },
);

test(
  'a revoked tunnel has no links and no waiting connections, and its connectors hear why',
  { timeout: 20_000 },
  async (t) => {
    const known = { ...secrets };
    const edge = await startEdge(t, { findSecret: async (id) => known[id] });
    const silent = await use(t, startPeer('silent'));
    const echo = await use(t, startPeer('echo'));
    const revoked = await startConnector(t, {
      ports: [edge.listener.port],
      links: 4,
      dial: () => new Promise(() => {}),
    });
    await revoked.live(4);
    await startConnector(t, { ports: [edge.listener.port], tunnelId: 'other' });
    while (edge.listener.registry.all.length < 5) await edge.nextLink();
    const { stream: bystander } = await edge.listener.registry.open('other', at(echo));
    const pending = assert.rejects(edge.listener.registry.open('home', at(silent)), { code: 'tunnel_revoked' });
    const startedAt = performance.now();
    delete known['home'];
    edge.listener.registry.revoke('home');
    await pending;
    await assert.rejects(edge.listener.registry.open('home', at(silent)), { code: 'no_link' });
    await until(() => edge.listener.registry.all.length === 1);
    await revoked.live(0);
    assert.ok(performance.now() - startedAt < 1_000);
    while (!revoked.losses.some(({ error }) => error.code === 'unauthorized')) await revoked.nextLoss();
    const { wait } = revoked.losses.find(({ error }) => error.code === 'unauthorized')!;
    assert.ok(wait >= 15_000 && wait <= 30_000);
    await echoes(bystander.on('error', () => {}));
  },
);

test('a secret that is revoked while it is being looked up registers nothing', { timeout: 20_000 }, async (t) => {
  let found: ((secret: Uint8Array | undefined) => void) | undefined;
  let asked: (() => void) | undefined;
  const looking = new Promise<void>((resolve) => (asked = resolve));
  const edge = await startEdge(t, {
    findSecret: () =>
      found === undefined
        ? new Promise((resolve) => {
            found = resolve;
            asked!();
          })
        : Promise.resolve(undefined),
  });
  const connector = await startConnector(t, { ports: [edge.listener.port] });
  await looking;
  edge.listener.registry.revoke('home');
  found!(secrets['home']);
  assert.equal((await connector.nextLoss()).error.code, 'unauthorized');
  assert.equal(edge.listener.registry.all.length, 0);
});

test('a connection that was given up before it had to wait brings nothing down when the tunnel goes', async (t) => {
  const { listener, link } = await startPair(t);
  link.destroy();
  await link.closed;
  const { registry } = listener;
  const waiting = registry.open('home', { hostname: 'db.internal', port: 1 });
  const gone = registry.open('home', { hostname: 'db.internal', port: 1 }, { signal: AbortSignal.abort() });
  await assert.rejects(gone, { code: 'aborted' });
  const rejected = assert.rejects(waiting, { code: 'tunnel_revoked' });
  registry.revoke('home');
  await rejected;
  await new Promise((resolve) => setImmediate(resolve));
});
