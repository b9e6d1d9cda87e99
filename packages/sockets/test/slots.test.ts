import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPeer, startRefusing, use } from '@sallyport/testkit';
import { connect, createConnect, type Socket, withInvocation } from '../src/index.ts';
import { type Slot, Slots } from '../src/slots.ts';
import { SocketError } from '../src/socket-error.ts';
import { manualClock } from './support/manual-clock.ts';
import { closing, failureOf, reasonOf, turn } from './support/sockets.ts';

test('slots are granted in order of arrival, and release() counts once', () => {
  const slots = new Slots({ sockets: 1 }, manualClock());
  const first = slots.tryAcquire('a:1')!;
  const order: string[] = [];
  const grants: Slot[] = [];
  for (const name of ['b:1', 'c:1', 'd:1']) {
    slots.wait(name, (slot) => {
      order.push(name);
      grants.push(slot as Slot);
    });
  }
  first.release();
  first.release();
  assert.deepEqual(order, ['b:1']);
  assert.equal(slots.tryAcquire('e:1'), undefined);
  grants[0]!.release();
  assert.deepEqual(order, ['b:1', 'c:1']);
});

test('a waiter that leaves takes its timer and its place along', () => {
  const clock = manualClock();
  const slots = new Slots({ sockets: 1 }, clock);
  const held = slots.tryAcquire('a:1')!;
  const leave = slots.wait('b:1', () => assert.fail('it had left'));
  assert.deepEqual(clock.waiting, [10_000]);
  leave();
  leave();
  assert.deepEqual(clock.waiting, []);
  held.release();
  assert.ok(slots.tryAcquire('c:1'));
});

test('giving up names who holds the slots, and for how long', () => {
  const clock = manualClock();
  const slots = new Slots({ sockets: 2, slotTimeout: 500 }, clock);
  slots.tryAcquire('db:5432');
  clock.advance(2_000);
  slots.tryAcquire('cache:6379');
  let result: Slot | SocketError | undefined;
  slots.wait('api:80', (outcome) => (result = outcome));
  clock.advance(500);
  assert.ok(result instanceof SocketError);
  assert.equal(result.code, 'slot_timeout');
  assert.equal(
    result.message,
    'No socket slot became free for api:80: waited 0.5 s for one of 2. Slots are held by db:5432 (open for 2.5 s), cache:6379 (open for 0.5 s).',
  );
  assert.deepEqual(clock.waiting, []);
});

test('a queue that is too long refuses at once', () => {
  const slots = new Slots({ sockets: 1 }, manualClock());
  slots.tryAcquire('a:1');
  for (let count = 0; count < 1_000; count += 1) slots.wait('b:1', () => {});
  let result: Slot | SocketError | undefined;
  slots.wait('c:1', (outcome) => (result = outcome));
  assert.ok(result instanceof SocketError && result.code === 'slot_timeout');
});

test('an invocation opens six sockets; the seventh waits, and is opened when one closes', async (t) => {
  const peer = await use(t, startPeer('echo'));
  await withInvocation(async () => {
    const six = Array.from({ length: 6 }, () => closing(t, connect(peer.address)));
    await Promise.all(six.map(({ opened }) => opened));
    const seventh = closing(t, connect(peer.address));
    for (let count = 0; count < 6; count += 1) await peer.next('connection');
    await turn();
    assert.equal(peer.connections, 6);
    await six[2]!.close();
    await seventh.opened;
    await peer.next('connection');
  });
});

test('an invocation inside an invocation shares its slots', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const clock = manualClock();
  await withInvocation(
    async () => {
      await closing(t, connect(peer.address)).opened;
      const inner = withInvocation(() => connect(peer.address), { sockets: 100 });
      clock.advance(10_000);
      const error = await failureOf(inner.opened);
      assert.equal(error.code, 'slot_timeout');
      assert.match(error.message, new RegExp(`held by ${peer.address}`));
      assert.equal(await failureOf(inner.closed), error);
    },
    { sockets: 1, clock },
  );
});

test('every way a socket can end gives its slot back', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const resetting = await use(t, startPeer('reset'));
  const refusing = await use(t, startRefusing());
  const throwing = createConnect({ dial: () => assert.fail('no way') });
  const endings: [string, () => Promise<unknown>][] = [
    ['close', async () => (await connect(peer.address)).close()],
    ['close while connecting', () => connect(peer.address).close()],
    ['refused', () => reasonOf(connect(refusing.address).closed)],
    ['reset', () => reasonOf(connect(resetting.address).readable.getReader().read())],
    ['dial throws', () => reasonOf(throwing('h:1').closed)],
    ['signal', () => reasonOf(connect(peer.address, { signal: AbortSignal.abort() }).closed)],
    [
      'signal later',
      async () => {
        const abort = new AbortController();
        const socket = connect(peer.address, { signal: abort.signal });
        await socket.opened;
        abort.abort();
        await reasonOf(socket.closed);
      },
    ],
    [
      'both halves over',
      async () => {
        const socket = connect(peer.address);
        await socket.writable.close();
        await socket.readable.cancel();
        await socket.closed;
      },
    ],
    [
      'abort and cancel',
      async () => {
        const socket = connect(peer.address);
        await socket.opened;
        await socket.writable.abort(new Error('no more'));
        await socket.readable.cancel();
        await reasonOf(socket.closed);
      },
    ],
  ];
  await withInvocation(
    async () => {
      for (const [name, end] of endings) {
        await end();
        const next = connect(peer.address);
        await Promise.race([next.opened, turn().then(turn).then(turn).then(turn)]);
        await next.opened.catch((error: Error) => assert.fail(`${name}: ${error.message}`));
        await next.close();
      }
    },
    { sockets: 1, slotTimeout: 2_000 },
  );
});

test('a socket that waits for a slot can be closed or aborted, and leaves the queue', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const clock = manualClock();
  await withInvocation(
    async () => {
      const holder = closing(t, connect(peer.address));
      await holder.opened;
      const closed = connect(peer.address);
      const abort = new AbortController();
      const aborted = connect(peer.address, { signal: abort.signal });
      const upgraded = connect(peer.address, { secureTransport: 'starttls' });
      const secure = upgraded.startTls();
      const last: Socket = closing(t, connect(peer.address));
      assert.equal(clock.waiting.length, 4);
      await closed.close();
      await closed.closed;
      abort.abort();
      assert.equal((await failureOf(aborted.opened)).code, 'aborted');
      await secure.close();
      await upgraded.closed;
      assert.equal(clock.waiting.length, 1);
      await holder.close();
      await last.opened;
      assert.equal(peer.connections, 2);
      assert.equal(clock.waiting.length, 0);
    },
    { sockets: 1, clock },
  );
});
