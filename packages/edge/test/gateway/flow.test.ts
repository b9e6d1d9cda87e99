// Bytes between two streams: several pieces leave together, one leaves at once, and a reader that stops stops the source.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { flow, flowBuffer, flowWhole } from '../../src/gateway/flow.ts';

/** Takes everything, and remembers what came in each call. */
function createSink(): { sink: Writable; calls: string[][] } {
  const calls: string[][] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      calls.push([String(chunk)]);
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  return { sink, calls };
}

test('flow() passes a single piece on at once', () => {
  const from = new PassThrough();
  const { sink, calls } = createSink();
  flow(from, sink);
  from.emit('data', Buffer.from('one'));
  assert.deepEqual(calls, [['one']]);
});

test('flow() sets a paused source going', async () => {
  const from = Readable.from([Buffer.from('late')]).pause();
  const { sink, calls } = createSink();
  flow(from, sink);
  await once(sink, 'finish');
  assert.deepEqual(calls, [['late']]);
});

test('flow() ends its destination when the source is over already', async () => {
  const from = Readable.from([]).resume();
  await once(from, 'end');
  const { sink, calls } = createSink();
  flow(from, sink);
  await once(sink, 'finish');
  assert.deepEqual(calls, []);
});

test('flow() passes the pieces of a turn on in one call, and the end behind them', async () => {
  const from = new Readable({ read() {} });
  const { sink, calls } = createSink();
  flow(from, sink);
  for (const piece of ['a', 'b', 'c', 'd']) from.emit('data', Buffer.from(piece));
  await new Promise(setImmediate);
  for (const piece of ['e', 'f']) from.emit('data', Buffer.from(piece));
  from.push(null);
  await once(sink, 'finish');
  assert.deepEqual(calls, [['a'], ['b', 'c', 'd'], ['e', 'f']]);
});

test('flow() pauses its source when the destination takes nothing, and goes on when it does', async () => {
  const piece = Buffer.alloc(64 * 1_024);
  let given = 0;
  const total = 100;
  const from = new Readable({
    read() {
      given += 1;
      this.push(given > total ? null : piece);
    },
  });
  let taken = 0;
  const waiting: (() => void)[] = [];
  let isOpen = false;
  const to = new Writable({
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.byteLength;
      if (isOpen) done();
      else waiting.push(done);
    },
  });
  const paused = once(from, 'pause');
  flow(from, to);
  await paused;
  await new Promise(setImmediate);
  assert.ok(to.writableLength <= flowBuffer + piece.byteLength, `${to.writableLength} bytes wait`);
  assert.ok(given < total);
  isOpen = true;
  for (const done of waiting) done();
  await once(to, 'finish');
  assert.equal(taken, total * piece.byteLength);
});

/** The body of a response in chunks, over TCP, that a source flows into. */
async function bodyOf(t: TestContext, from: () => Readable): Promise<Buffer> {
  const server = createServer((_incoming, response) => {
    response.flushHeaders();
    flow(from(), response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const [answer] = (await once(get({ host: '127.0.0.1', port }), 'response')) as [IncomingMessage];
  return Buffer.concat(await answer.toArray());
}

test('flow() ends a response behind the pieces that came in the same turn', async (t) => {
  const body = await bodyOf(t, () => {
    const from = new Readable({ read() {} });
    setImmediate(() => {
      for (const piece of ['a', 'b', 'c', null]) from.push(piece);
    });
    return from;
  });
  assert.equal(String(body), 'abc');
});

test('flow() goes on when a response took at once all that one turn brought', { timeout: 20_000 }, async (t) => {
  const piece = Buffer.alloc(4_096);
  const perTurn = flowBuffer / piece.byteLength + 8;
  const turns = 4;
  let turn = 0;
  const body = await bodyOf(
    t,
    () =>
      new Readable({
        highWaterMark: flowBuffer * 2,
        read() {
          setImmediate(() => {
            turn += 1;
            if (turn > turns) return;
            for (let count = 0; count < perTurn; count += 1) this.push(piece);
            if (turn === turns) this.push(null);
          });
        },
      }),
  );
  assert.equal(body.byteLength, turns * perTurn * piece.byteLength);
});

test('flowWhole() breaks the destination when the source breaks off, and the source when the destination goes', async () => {
  const [cut, begun] = [new PassThrough(), new PassThrough()];
  flowWhole(cut, begun);
  cut.write('begun');
  cut.destroy();
  await once(begun, 'close');
  assert.equal(begun.writableFinished, false);
  const [source, gone] = [new PassThrough(), new PassThrough()];
  flowWhole(source, gone);
  gone.destroy();
  await once(source, 'close');
  assert.equal(source.destroyed, true);
});
