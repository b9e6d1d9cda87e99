import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { createEgress, devPolicy, type EgressError, type Resolve, workerPolicy } from '../src/index.ts';
import { addresses, connection, fakeDial, fakeResolve, manualClock } from './support/fakes.ts';
import { closedPort, listen } from './support/servers.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const rejection = (outcome: Promise<unknown>): Promise<EgressError> =>
  outcome.then(
    () => assert.fail('it did not reject'),
    (error: EgressError) => error,
  );
const never: Resolve = () => new Promise(() => {});

test('open() connects to a real server by address and by name', async (t) => {
  const { port } = await listen(t);
  const { resolve } = fakeResolve({ 'db.corp': ['127.0.0.1'] });
  const egress = createEgress({ policy: devPolicy, resolve });
  for (const hostname of ['127.0.0.1', '127.1', 'localhost', 'db.corp', 'DB.corp.']) {
    const { stream, decision, remoteAddress } = await egress.open({ hostname, port });
    assert.equal(decision.verdict, 'allow');
    assert.equal(decision.rule, 'allow loopback');
    assert.equal(remoteAddress, `127.0.0.1:${port}`);
    stream.end('ping');
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    assert.equal(chunk.toString(), 'ping');
    stream.destroy();
  }
});

test('open() of an address asks no resolver', async () => {
  const { resolve, asked } = fakeResolve({});
  const { dial } = fakeDial({ settle: (attempt) => attempt.succeed() });
  await createEgress({ policy: workerPolicy, resolve, dial }).open({ hostname: '8.8.8.8', port: 53 });
  assert.deepEqual(asked, []);
});

test('open() resolves once and dials what was judged, the permitted addresses only', async () => {
  const answers = [['10.0.0.1', '8.8.8.8', '::ffff:8.8.8.8', '127.0.0.1'], ['127.0.0.1']];
  const { resolve, asked } = fakeResolve({ 'a.com': answers });
  const fake = fakeDial({ settle: (attempt) => attempt.succeed() });
  const { decision } = await createEgress({ policy: workerPolicy, resolve, dial: fake.dial }).open({
    hostname: 'a.com',
    port: 443,
  });
  assert.deepEqual(asked, ['a.com']);
  assert.deepEqual(fake.dialled, ['8.8.8.8:443']);
  assert.deepEqual(decision.addresses, ['8.8.8.8']);
  assert.deepEqual(decision.refused, [
    { address: '10.0.0.1', rule: 'deny private' },
    { address: '127.0.0.1', rule: 'deny loopback' },
  ]);
});

test('addresses are dialled with the families interleaved, starting with the first [RFC 8305 4]', async () => {
  const { resolve } = fakeResolve({
    'a.com': ['2a00::1', '2a00::2', '2a00::3', '8.8.8.8', '9.9.9.9'],
    'b.com': ['8.8.8.8', '2a00::1', '2a00::2'],
  });
  const egress = createEgress({ policy: workerPolicy, resolve });
  const order = async (hostname: string): Promise<string[]> => (await egress.decide({ hostname, port: 1 })).addresses;
  assert.deepEqual(await order('a.com'), ['2a00::1', '8.8.8.8', '2a00::2', '9.9.9.9', '2a00::3']);
  assert.deepEqual(await order('b.com'), ['8.8.8.8', '2a00::1', '2a00::2']);
});

test('a refused connection says so in code, cause and decision', async () => {
  const port = await closedPort();
  const error = await rejection(createEgress({ policy: devPolicy }).open({ hostname: '127.0.0.1', port }));
  assert.equal(error.code, 'connection_refused');
  assert.equal(error.message, 'proxy request failed, cannot connect to the specified address');
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  assert.equal(error.retryable, true);
  assert.equal(error.decision?.verdict, 'allow');
});

test('a connect that takes too long ends with connection_timeout', async () => {
  const clock = manualClock();
  const fake = fakeDial();
  const egress = createEgress({ policy: workerPolicy, dial: fake.dial, clock });
  const outcome = rejection(egress.open({ hostname: '8.8.8.8', port: 443 }));
  await settled();
  assert.deepEqual(clock.waiting, [10_000]);
  clock.advance(10_000);
  const error = await outcome;
  assert.equal(error.code, 'connection_timeout');
  assert.match(error.message, /consider using fetch instead$/);
  assert.equal(fake.attempts[0]?.aborted, true);
});

test('connectTimeout can be set for all and for one, and covers the look-up', async () => {
  const clock = manualClock();
  const egress = createEgress({ policy: workerPolicy, resolve: never, clock, connectTimeout: 700 });
  const outcomes = [
    rejection(egress.open({ hostname: 'a.com', port: 1 })),
    rejection(egress.open({ hostname: 'a.com', port: 1 }, { connectTimeout: 300 })),
  ];
  assert.deepEqual(clock.waiting, [700, 300]);
  clock.advance(700);
  for (const error of await Promise.all(outcomes)) assert.equal(error.code, 'dns_timeout');
  assert.deepEqual(clock.waiting, []);
});

test('a dial that ignores its signal cannot hold open() up, and its connection is destroyed', async () => {
  const clock = manualClock();
  const late = connection('8.8.8.8', 1);
  const connected: ((dialled: typeof late) => void)[] = [];
  const egress = createEgress({
    policy: workerPolicy,
    clock,
    dial: () => new Promise((resolve) => connected.push(resolve)),
  });
  const outcome = rejection(egress.open({ hostname: '8.8.8.8', port: 1 }));
  await settled();
  clock.advance(10_000);
  assert.equal((await outcome).code, 'connection_timeout');
  connected[0]?.(late);
  await settled();
  assert.equal(late.stream.destroyed, true);
});

test('an abort ends open() before, during look-up and during dial, and leaves nothing behind', async () => {
  const clock = manualClock();
  const fake = fakeDial();
  const resolving = createEgress({ policy: workerPolicy, resolve: never, clock });
  const dialling = createEgress({ policy: workerPolicy, dial: fake.dial, clock });
  const controller = new AbortController();
  const { signal } = controller;
  const outcomes = [
    rejection(resolving.open({ hostname: 'a.com', port: 1 }, { signal })),
    rejection(dialling.open({ hostname: '8.8.8.8', port: 1 }, { signal })),
    rejection(resolving.decide({ hostname: 'a.com', port: 1 }, { signal })),
  ];
  await settled();
  const reason = new Error('enough');
  controller.abort(reason);
  outcomes.push(rejection(dialling.open({ hostname: '8.8.8.8', port: 1 }, { signal })));
  for (const error of await Promise.all(outcomes)) {
    assert.equal(error.code, 'aborted');
    assert.equal(error.cause, reason);
  }
  assert.equal(fake.attempts.length, 1);
  assert.deepEqual(clock.waiting, []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a successful open() leaves no timer and no listener', async () => {
  const clock = manualClock();
  const { signal } = new AbortController();
  const { dial } = fakeDial({ settle: (attempt) => attempt.succeed() });
  await createEgress({ policy: workerPolicy, dial, clock }).open({ hostname: '8.8.8.8', port: 1 }, { signal });
  assert.deepEqual(clock.waiting, []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('open() to a listener of its own is a loop, in every spelling and behind a wildcard', async (t) => {
  const { port, server } = await listen(t, { host: '0.0.0.0' });
  const { resolve } = fakeResolve({ 'edge.corp': ['127.0.0.1'] });
  const egress = createEgress({
    policy: devPolicy,
    resolve,
    ownListeners: () => [server.address() as { address: string; port: number }],
  });
  for (const hostname of ['127.0.0.1', 'localhost', '0', '[::ffff:7f00:1]', 'edge.corp']) {
    const error = await rejection(egress.open({ hostname, port }));
    assert.equal(error.code, 'tcp_loop', hostname);
    assert.equal(error.message, 'TCP Loop detected');
  }
});

test('a loop that policy denies anyway is a denial', async () => {
  const egress = createEgress({ policy: workerPolicy, ownListeners: () => [{ address: '127.0.0.1', port: 80 }] });
  assert.equal((await egress.decide({ hostname: '127.0.0.1', port: 80 })).code, 'destination_denied');
});

test('a name that leads back here is a loop even when it has other addresses', async () => {
  const { resolve } = fakeResolve({ 'a.com': ['8.8.8.8', '127.0.0.1'] });
  const egress = createEgress({ policy: devPolicy, resolve, ownListeners: () => [{ address: '127.0.0.1', port: 80 }] });
  const decision = await egress.decide({ hostname: 'a.com', port: 80 });
  assert.equal(decision.code, 'tcp_loop');
  assert.equal(decision.detail, "a.com:80 is at 127.0.0.1, refused: one of this edge's own listeners");
});

test('a broken resolver gives dns_error with its error as cause', async () => {
  const cause = new Error('resolver broke');
  const throwing: Resolve = () => {
    throw cause;
  };
  for (const resolve of [throwing, () => Promise.reject(cause)]) {
    const error = await rejection(createEgress({ policy: workerPolicy, resolve }).open({ hostname: 'a.com', port: 1 }));
    assert.equal(error.code, 'dns_error');
    assert.equal(error.cause, cause);
  }
  const odd = createEgress({ policy: workerPolicy, resolve: async () => addresses('nonsense', '') });
  assert.equal((await odd.decide({ hostname: 'a.com', port: 1 })).verdict, 'deny');
});
