// What an edge may send to a connector, if someone had its certificate: the connector says what is wrong, ends the link,
// and serves nothing that was not asked for in turn.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { startPeer, type TestScope, use } from '@sallyport/testkit';
import { maxEdgeMessage, maxMessages } from '../../src/link/protocol.ts';
import { closeOf, echoes, startConnector, startEdge, visit } from './support/ends.ts';
import { acceptRegistration, type RogueEdge, startRogueEdge } from './support/rogues.ts';

async function meet(t: TestScope, options: Partial<Parameters<typeof startConnector>[1]> = {}) {
  const edge = await startRogueEdge(t);
  const accepted = edge.accept();
  const connector = await startConnector(t, { ports: [edge.port], ...options });
  return { ...(await accepted), ...connector };
}

function request({ session }: RogueEdge, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => {});
  return stream;
}

test('an edge that does not know the secret is not served', { timeout: 20_000 }, async (t) => {
  const dialled: unknown[] = [];
  const edge = await meet(t, {
    dial: async (target) => {
      dialled.push(target);
      throw new Error('not to be dialled');
    },
  });
  void acceptRegistration(edge, Buffer.alloc(32, 9));
  request(edge, { ':method': 'CONNECT', ':authority': '127.0.0.1:1' });
  const { error } = await edge.nextLoss();
  assert.ok(['edge_untrusted', 'protocol_error'].includes(error.code), error.code);
  assert.deepEqual(dialled, []);
});

test('a stream out of turn, or of no kind there is, ends the link with its name', { timeout: 20_000 }, async (t) => {
  const early = await meet(t);
  request(early, { ':method': 'CONNECT', ':authority': '127.0.0.1:1' });
  assert.equal((await early.nextLoss()).error.code, 'protocol_error');
  for (const headers of [
    { ':method': 'GET', ':path': '/', ':scheme': 'https', ':authority': 'x' },
    { ':method': 'POST', ':path': '/control', ':scheme': 'https', ':authority': 'x' },
  ]) {
    const late = await meet(t);
    await acceptRegistration(late);
    await late.live(1);
    request(late, headers);
    const { error } = await late.nextLoss();
    assert.equal(error.code, 'protocol_error');
    assert.match(error.message, new RegExp(headers[':method']));
  }
});

test('a destination that cannot be read is answered, and the link stays', { timeout: 20_000 }, async (t) => {
  const edge = await meet(t);
  await acceptRegistration(edge);
  await edge.live(1);
  for (const target of ['db', 'db:0', 'db:65536', 'db:99999', ':1', `${'x'.repeat(254)}:1`]) {
    const stream = request(edge, { ':method': 'CONNECT', ':authority': target });
    const [headers] = (await once(stream, 'response')) as [OutgoingHttpHeaders];
    assert.deepEqual([headers[':status'], headers['sallyport-error']], [502, 'invalid_destination'], target);
    stream.resume().end();
  }
  assert.equal(edge.connector.live, 1);
});

test('control messages before proof are few, and never longer than the bound', { timeout: 20_000 }, async (t) => {
  const chatty = await meet(t);
  for (let count = 0; count <= maxMessages; count += 1) chatty.control.send({ type: 'whatever' });
  assert.equal((await chatty.nextLoss()).error.code, 'protocol_error');
  const long = await meet(t);
  await acceptRegistration(long);
  await long.live(1);
  // As many as it likes now.
  for (let count = 0; count <= 4 * maxMessages; count += 1) long.control.send({ type: 'whatever' });
  long.control.send({ type: 'routes', cidrs: 'all', hostnames: [] });
  assert.match((await long.nextLoss()).error.message, /routes are malformed/);
  const longer = await meet(t);
  longer.control.stream.write('x'.repeat(maxEdgeMessage + 1));
  assert.match((await longer.nextLoss()).error.message, /longer than/);
});

test('refusals are believed only as far as they are known', { timeout: 20_000 }, async (t) => {
  for (const [code, expected] of [
    ['too_many_links', 'too_many_links'],
    ['__proto__', 'protocol_error'],
    [7, 'protocol_error'],
  ]) {
    const edge = await meet(t);
    edge.control.send({ type: 'refused', code });
    assert.equal((await edge.nextLoss()).error.code, expected);
  }
});

test(
  'headers that are too large, and floods of resets, end that link and none to another edge',
  {
    timeout: 30_000,
  },
  async (t) => {
    const good = await startEdge(t);
    const echo = await use(t, startPeer('echo'));
    for (const attack of ['headers', 'resets'] as const) {
      const edge = await startRogueEdge(t);
      const accepted = edge.accept();
      const connector = await startConnector(t, { ports: [edge.port, good.listener.port], links: 2 });
      const rogue = await accepted;
      await acceptRegistration(rogue);
      await connector.live(2);
      await good.nextLink();
      if (attack === 'headers') {
        const large = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-${index}`, 'y'.repeat(1000)]));
        for (let count = 0; count < 20; count += 1) {
          request(rogue, { ':method': 'CONNECT', ':authority': '127.0.0.1:1', ...large });
        }
        rogue.socket.destroy();
      } else {
        for (let count = 0; count < 5_000 && !rogue.session.destroyed; count += 1) {
          request(rogue, { ':method': 'CONNECT', ':authority': `127.0.0.1:${echo.port}` }).close(8);
        }
      }
      await connector.nextLoss();
      await visit(good, echo);
      edge.close();
      await connector.connector.close(0);
    }
  },
);

test('what an edge says about streams that are not there changes nothing', { timeout: 20_000 }, async (t) => {
  const edge = await meet(t);
  await acceptRegistration(edge);
  await edge.live(1);
  const echo = await use(t, startPeer('echo'));
  const stream = request(edge, { ':method': 'CONNECT', ':authority': `127.0.0.1:${echo.port}` });
  await once(stream, 'response');
  for (const streams of [undefined, 'all', [null, 'x', -1, 1e9, {}], { length: 9 }]) {
    edge.control.send({ type: 'reset', streams });
  }
  await echoes(stream);
  const closed = closeOf(stream);
  edge.control.send({ type: 'reset', streams: [stream.id] });
  await closed;
  assert.equal(edge.connector.live, 1);
});
