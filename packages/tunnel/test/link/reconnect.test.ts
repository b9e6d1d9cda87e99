// When a connector dials again, and what it says when an edge cannot be had.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, double, integer, property } from 'fast-check';
import { createAuthority, startPeer, startRefusing, testAuthority, use } from '@sallyport/testkit';
import { backoffBase, backoffCap, restartCap, restartFailures, toBackoff } from '../../src/connector/backoff.ts';
import { edgeServerName, stablePeriod } from '../../src/index.ts';
import { startConnector, startEdge, startPair, until } from './support/ends.ts';
import { ManualClock } from './support/manual-clock.ts';

test('waits grow, have jitter, and stay within their bounds', () => {
  const parameters = [
    integer({ min: 1, max: 100_000 }),
    double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  ] as const;
  check(
    property(...parameters, (failures, drawn) => {
      const wait = toBackoff(failures, { random: () => drawn, retryable: true });
      const ceiling = failures <= restartFailures ? restartCap : backoffCap;
      assert.ok(wait >= 0 && wait <= Math.min(ceiling, backoffBase * 2 ** (failures - 1)));
      assert.ok(wait <= toBackoff(failures + 1, { random: () => drawn, retryable: true }));
      const refused = toBackoff(failures, { random: () => drawn, retryable: false });
      assert.ok(refused >= backoffCap / 2 && refused <= backoffCap);
    }),
  );
});

test(
  'an edge that cannot be had is dialled by these waits, at each of its addresses in turn',
  { timeout: 20_000 },
  async (t) => {
    const clock = new ManualClock();
    const refusing = [await use(t, startRefusing()), await use(t, startRefusing())];
    const dialled: number[] = [];
    const connector = await startConnector(t, {
      ports: refusing.map(({ port }) => port),
      clock,
      random: () => 0.5,
      lost: (_error, _wait, { edge }) => {
        dialled.push(edge.port);
        told?.();
      },
    });
    let told: (() => void) | undefined;
    const waits: number[] = [];
    for (let dial = 1; dial <= 8; dial += 1) {
      if (dialled.length < dial) await new Promise<void>((resolve) => (told = resolve));
      waits.push(...clock.waiting);
      clock.advance(clock.waiting[0]!);
    }
    assert.deepEqual(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
    const [first, second] = refusing.map(({ port }) => port);
    assert.deepEqual(dialled, [first, second, first, second, first, second, first, second]);
    await connector.connector.close(0);
  },
);

test('failures are forgotten when a link has stood for a while, not before', { timeout: 20_000 }, async (t) => {
  for (const [stood, expected] of [
    [stablePeriod - 1, 100],
    [stablePeriod, 50],
  ] as const) {
    const clock = new ManualClock();
    const pair = await startPair(t, { connector: { clock, random: () => 0.5, pingInterval: 1e9 } });
    pair.link.destroy();
    assert.equal((await pair.nextLoss()).wait, 50);
    clock.advance(50);
    await pair.live(1);
    const link = await pair.nextLink();
    clock.advance(stood);
    link.destroy();
    assert.equal((await pair.nextLoss()).wait, expected);
  }
});

test('links are spread over the addresses of the edge', { timeout: 20_000 }, async (t) => {
  const edges = [await startEdge(t), await startEdge(t), await startEdge(t)];
  const { live } = await startConnector(t, { ports: edges.map(({ listener }) => listener.port), links: 6 });
  await live(6);
  assert.deepEqual(
    edges.map(({ listener }) => listener.registry.all.length),
    [2, 2, 2],
  );
});

test('each thing that can be wrong about an edge has its own code', { timeout: 30_000 }, async (t) => {
  const authority = await testAuthority();
  const names = [edgeServerName];
  const listen = async (kind: 'good' | 'expired' | 'not-yet-valid' | 'wrong-name') =>
    (await startEdge(t, await authority.issue(kind, { names }))).listener.port;
  const refusing = await use(t, startRefusing());
  const plain = await use(
    t,
    startPeer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  const silent = await use(t, startPeer('silent'));
  const https = await use(t, startPeer('echo', { tls: { certificate: await authority.issue('good', { names }) } }));
  const closing = await use(
    t,
    startPeer((socket) => void socket.end()),
  );
  const other = await createAuthority();
  const cases: [string, string, Parameters<typeof startConnector>[1]][] = [
    ['closed port', 'edge_unreachable', { ports: [refusing.port] }],
    ['unknown name', 'edge_unreachable', { edges: [{ host: 'edge.invalid', port: 7844 }] }],
    ['not TLS', 'protocol_error', { ports: [plain.port] }],
    ['closes at once', 'edge_unreachable', { ports: [closing.port] }],
    ['says nothing', 'registration_timeout', { ports: [silent.port], registrationTimeout: 50 }],
    ['another TLS server', 'protocol_error', { ports: [https.port] }],
    ['wrong authority', 'edge_untrusted', { ports: [await listen('good')], ca: other.ca }],
    ['wrong name', 'edge_untrusted', { ports: [await listen('wrong-name')] }],
    ['expired', 'clock_disagrees', { ports: [await listen('expired')] }],
    ['not yet valid', 'clock_disagrees', { ports: [await listen('not-yet-valid')] }],
    ['wrong secret', 'unauthorized', { ports: [await listen('good')], secret: Buffer.alloc(32) }],
    ["another tunnel's secret", 'unauthorized', { ports: [await listen('good')], secret: Buffer.alloc(32, 8) }],
    ['unknown tunnel', 'unauthorized', { ports: [await listen('good')], tunnelId: 'nobody' }],
  ];
  for (const [what, code, options] of cases) {
    const connector = await startConnector(t, options);
    const { error, wait } = await connector.nextLoss();
    assert.equal(error.code, code, `${what}: ${error.message}`);
    assert.ok(error.retryable || wait >= backoffCap / 2, what);
    assert.doesNotMatch(error.message, /undefined/);
    await connector.connector.close(0);
  }
});

test(
  'an edge that drains each link as soon as it stands is not dialled in a circle',
  { timeout: 20_000 },
  async (t) => {
    const clock = new ManualClock();
    const { link, nextLink, live } = await startPair(t, { connector: { clock, random: () => 0.5, pingInterval: 1e9 } });
    void link.drain();
    await until(() => clock.waiting.includes(0));
    clock.advance(0);
    const second = await nextLink();
    await live(1);
    void second.drain();
    await until(() => clock.waiting.includes(50));
  },
);
