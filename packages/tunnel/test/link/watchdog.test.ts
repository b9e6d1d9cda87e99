// Links that die without saying so, found by each end; and lines that are only slow, which are left alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '@sallyport/egress';
import { startFaultProxy, startPeer, type TestScope, use } from '@sallyport/testkit';
import type { TunnelError } from '../../src/index.ts';
import { pingDeadline, pingInterval } from '../../src/link/protocol.ts';
import { startWatchdog } from '../../src/link/watchdog.ts';
import { at, echoes, startConnector, startEdge, until } from './support/ends.ts';
import { ManualClock } from './support/manual-clock.ts';

async function startBehindProxy(t: TestScope, clocks: { edge?: ManualClock; connector?: ManualClock }) {
  const edge = await startEdge(t, { clock: clocks.edge ?? systemClock, openTimeout: 60_000 });
  const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }));
  const connector = await startConnector(t, { ports: [proxy.port], clock: clocks.connector ?? systemClock });
  const link = await edge.nextLink();
  await until(() => link.ready);
  return { edge, proxy, connector, link };
}

test('the edge finds a link whose packets stopped, and tells its connections', { timeout: 20_000 }, async (t) => {
  const clock = new ManualClock();
  const { edge, proxy, link } = await startBehindProxy(t, { edge: clock });
  const { stream } = await edge.listener.registry.open('home', at(await use(t, startPeer('echo'))));
  await echoes(stream);
  proxy.set({ stalled: true });
  const lost = once(stream, 'error') as Promise<[TunnelError]>;
  const pending = assert.rejects(link.open({ hostname: '127.0.0.1', port: 9 }), {
    code: 'link_lost',
    detail: 'the connector answers no PING',
  });
  clock.advance(pingInterval);
  assert.equal(link.live, true);
  clock.advance(pingDeadline);
  assert.equal(link.live, false);
  assert.equal((await lost)[0].code, 'link_lost');
  await pending;
  await link.closed;
});

test('the connector finds a link whose packets stopped, and dials again', { timeout: 20_000 }, async (t) => {
  const clock = new ManualClock();
  const { proxy, connector } = await startBehindProxy(t, { connector: clock });
  proxy.set({ stalled: true });
  clock.advance(pingInterval);
  clock.advance(pingDeadline);
  const { error, wait } = await connector.nextLoss();
  assert.deepEqual([error.code, error.detail], ['link_lost', 'the edge answers no PING']);
  proxy.set({ stalled: false });
  clock.advance(wait);
  await connector.live(1);
});

test('the round trip is measured', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t, { pingInterval: 1 });
  const proxy = await use(t, startFaultProxy({ host: '127.0.0.1', port: edge.listener.port }, { delay: 20 }));
  await startConnector(t, { ports: [proxy.port] });
  const link = await edge.nextLink();
  await until(() => link.roundTrip !== undefined);
  const roundTrip = link.roundTrip ?? 0;
  assert.ok(roundTrip >= 39 && roundTrip < 1_000, String(roundTrip));
});

test('an answer that is late behind data that does come is no death; silence is', () => {
  const clock = new ManualClock();
  let received = 0;
  let expired = 0;
  const session = { destroyed: false, ping: () => true } as unknown as Parameters<typeof startWatchdog>[0];
  startWatchdog(session, {
    clock,
    interval: 10,
    deadline: 5,
    received: () => received,
    expired: () => (expired += 1),
  });
  clock.advance(10);
  for (let step = 0; step < 20; step += 1) {
    received += 1;
    clock.advance(5);
    assert.equal(expired, 0);
  }
  clock.advance(5);
  assert.equal(expired, 1);
  assert.deepEqual(clock.waiting, []);
});
