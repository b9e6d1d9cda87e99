// What a connector, or anyone else who can dial the edge, may send: each ends with a clear error at the side that can
// mend it, and another tunnel's connection goes on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startPeer, type TestScope, use } from '@sallyport/testkit';
import type { TunnelError, TunnelListenerOptions } from '../../src/index.ts';
import { maxMessage, maxMessages, maxUnregistered, maxUnregisteredPerAddress } from '../../src/link/protocol.ts';
import { maxLinksPerTunnel } from '../../src/edge/tunnel-registry.ts';
import { Lobby } from '../../src/edge/lobby.ts';
import { at, echoes, secrets, startConnector, startEdge, until } from './support/ends.ts';
import { dialEdge, registerRogue, startRogueConnector, toRegistration } from './support/rogues.ts';

/** An edge on which tunnel `other` has a connection, and a check that it still has. */
async function startShared(t: TestScope, options: Partial<TunnelListenerOptions> = {}) {
  const edge = await startEdge(t, options);
  await startConnector(t, { ports: [edge.listener.port], tunnelId: 'other' });
  await edge.nextLink();
  const { stream } = await edge.listener.registry.open('other', at(await use(t, startPeer('echo'))));
  stream.on('error', () => {});
  const unharmed = async (): Promise<void> => {
    await echoes(stream);
    assert.equal(edge.listener.registry.links('other').length, 1);
    assert.equal(edge.listener.registry.links('home').length, 0);
  };
  return { ...edge, port: edge.listener.port, registry: edge.listener.registry, unharmed };
}

test(
  'a registration that is wrong in one thing is refused, and the connector hears why',
  { timeout: 30_000 },
  async (t) => {
    const { port, nextRefusal, unharmed } = await startShared(t);
    const cases: [object, string][] = [
      [{ type: 'hello' }, 'protocol_error'],
      [{ version: 2 }, 'unsupported_version'],
      [{ tunnel: 'no such tunnel' }, 'protocol_error'],
      [{ tunnel: 'nobody' }, 'unauthorized'],
      [{ tunnel: 'x'.repeat(65) }, 'protocol_error'],
      [{ connector: { toString: 1 } }, 'protocol_error'],
      [{ connector: 'someone-else' }, 'unauthorized'],
      [{ index: -1 }, 'protocol_error'],
      [{ index: 256 }, 'protocol_error'],
      [{ nonce: undefined }, 'protocol_error'],
      [{ nonce: 'another' }, 'unauthorized'],
      [{ proof: undefined }, 'unauthorized'],
      [{ proof: 'é'.repeat(43) }, 'unauthorized'],
      [{ tunnel: 'other' }, 'unauthorized'],
    ];
    for (const [change, code] of cases) {
      const { control, socket, closed } = await startRogueConnector(t, port);
      const registration = toRegistration(await control.next('challenge'), socket);
      control.send({ ...registration, ...change });
      assert.equal((await control.next('refused'))['code'], code, JSON.stringify(change));
      assert.equal((await nextRefusal()).code, code);
      socket.destroy();
      await closed;
      await unharmed();
    }
  },
);

test("a second tunnel's secret, and a registration that was recorded, open nothing", { timeout: 30_000 }, async (t) => {
  const { port, unharmed } = await startShared(t);
  const thief = await startRogueConnector(t, port);
  const challenge = await thief.control.next('challenge');
  thief.control.send(toRegistration(challenge, thief.socket, { secret: Buffer.alloc(32, 8) }));
  assert.equal((await thief.control.next('refused'))['code'], 'unauthorized');
  // Good on the connection it was made for, and on no other, even with the nonces of that other.
  const honest = await startRogueConnector(t, port);
  const recorded = toRegistration(await honest.control.next('challenge'), honest.socket);
  const replayer = await startRogueConnector(t, port);
  await replayer.control.next('challenge');
  replayer.control.send(recorded);
  assert.equal((await replayer.control.next('refused'))['code'], 'unauthorized');
  await unharmed();
});

test('the same registration twice on one connection is one link, or none', { timeout: 30_000 }, async (t) => {
  let slow: Promise<void> | undefined;
  let go: (() => void) | undefined;
  const { port, registry, nextRefusal, nextLink } = await startShared(t, {
    findSecret: (id) => (slow ?? Promise.resolve()).then(() => secrets[id]),
  });
  slow = new Promise((resolve) => (go = resolve));
  const early = await startRogueConnector(t, port);
  const first = toRegistration(await early.control.next('challenge'), early.socket);
  early.control.send(first);
  early.control.send(first);
  assert.equal((await nextRefusal()).code, 'protocol_error');
  go!();
  early.socket.destroy();
  await early.closed;
  assert.equal(registry.links('home').length, 0);
  const late = await startRogueConnector(t, port);
  const registration = toRegistration(await late.control.next('challenge'), late.socket);
  late.control.send(registration);
  await late.control.next('begin');
  await nextLink();
  late.control.send(registration);
  late.control.send({ type: 'ready' });
  await until(() => registry.links('home')[0]?.ready === true);
  assert.equal(registry.links('home').length, 1);
});

test(
  'control messages that are oversized, malformed or too many end that connection',
  { timeout: 30_000 },
  async (t) => {
    const { port, nextRefusal, unharmed } = await startShared(t);
    const junk: (string | Buffer)[] = [
      'x'.repeat(maxMessage + 1),
      `{"type":"register","x":"${'x'.repeat(maxMessage)}"}\n`,
      '{"type":"register"\n',
      'null\n',
      '[]\n',
      '{"type":7}\n',
      Buffer.from([0xff, 0xfe, 10]),
      '\n',
    ];
    for (const bytes of junk) {
      const rogue = await startRogueConnector(t, port);
      rogue.control.stream.write(bytes);
      assert.equal((await nextRefusal()).code, 'protocol_error', String(bytes).slice(0, 40));
      await rogue.closed;
    }
    const half = await startRogueConnector(t, port);
    half.control.stream.end('{"type":"regis');
    assert.equal((await nextRefusal()).code, 'link_lost');
    const flood = await registerRogue(t, port);
    for (let count = 0; count < maxMessages; count += 1) flood.control.send({ type: 'whatever' });
    await flood.closed;
    await unharmed();
  },
);

test('who says nothing, or no TLS, or no HTTP/2, is cut off', { timeout: 30_000 }, async (t) => {
  const { port, nextRefusal, unharmed } = await startShared(t, { registrationTimeout: 300 });
  const silent = connect(port, '127.0.0.1');
  assert.equal((await nextRefusal()).code, 'protocol_error');
  const garbage = connect(port, '127.0.0.1').on('error', () => {});
  garbage.write('GET / HTTP/1.1\r\nHost: edge\r\n\r\n');
  assert.equal((await nextRefusal()).code, 'protocol_error');
  const stranger = await dialEdge(t, port);
  stranger.write('\x16\x03\x01 this is no HTTP/2 at all, not even a little, but quite long');
  assert.equal((await nextRefusal()).code, 'protocol_error');
  await dialEdge(t, port);
  assert.equal((await nextRefusal()).code, 'registration_timeout');
  await startRogueConnector(t, port);
  assert.equal((await nextRefusal()).code, 'registration_timeout');
  await assert.rejects(dialEdge(t, port, ['h2']));
  assert.equal((await nextRefusal()).code, 'protocol_error');
  for (const socket of [silent, garbage]) socket.destroy();
  await unharmed();
});

test(
  'a connector that never says it is ready gets no connection and loses its link',
  { timeout: 30_000 },
  async (t) => {
    const { port, registry, nextLink, unharmed } = await startShared(t, { registrationTimeout: 500 });
    const rogue = await startRogueConnector(t, port);
    rogue.control.send(toRegistration(await rogue.control.next('challenge'), rogue.socket));
    await nextLink();
    await assert.rejects(registry.open('home', { hostname: 'db', port: 1 }), { code: /no_link|registration_timeout/ });
    await rogue.closed;
    await unharmed();
  },
);

test('header blocks that are too large end their link, and no other', { timeout: 30_000 }, async (t) => {
  const { port, registry, unharmed } = await startShared(t);
  const rogue = await registerRogue(t, port);
  const target = { hostname: 'db', port: 1 };
  const opening = assert.rejects(registry.open('home', target), (error: TunnelError) =>
    ['link_lost', 'connection_failed', 'no_link'].includes(error.code),
  );
  const [stream] = (await once(rogue.session, 'stream')) as [ServerHttp2Stream];
  stream.on('error', () => {});
  stream.respond({
    ':status': 200,
    ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x-${i}`, 'y'.repeat(1000)])),
  });
  await opening;
  rogue.session.destroy();
  rogue.socket.destroy();
  await until(() => registry.links('home').length === 0);
  await unharmed();
});

test('an answer that makes no sense fails its connection only', { timeout: 30_000 }, async (t) => {
  const { port, registry, nextLink } = await startShared(t);
  const rogue = await registerRogue(t, port);
  const link = await nextLink();
  const answers: [OutgoingHttpHeaders, string][] = [
    [{ ':status': 502, 'sallyport-error': 'connection_refused', 'sallyport-detail': '%zz' }, 'connection_refused'],
    [{ ':status': 502, 'sallyport-error': 'unauthorized' }, 'connection_failed'],
    [{ ':status': 502, 'sallyport-error': '__proto__' }, 'connection_failed'],
    [{ ':status': 404 }, 'connection_failed'],
    [{ ':status': 302, location: 'http://elsewhere/' }, 'connection_failed'],
  ];
  for (const [headers, code] of answers) {
    const opening = assert.rejects(registry.open('home', { hostname: 'db', port: 1 }), { code });
    const [stream] = (await once(rogue.session, 'stream')) as [ServerHttp2Stream];
    stream.on('error', () => {});
    stream.respond(headers, { endStream: true });
    await opening;
    stream.resume();
    await until(() => link.streams === 0);
  }
  assert.equal(link.live, true);
});

test(
  'a tunnel has a bounded number of links, and the connector that wants more hears so',
  { timeout: 60_000 },
  async (t) => {
    const { port, registry } = await startShared(t);
    const { live } = await startConnector(t, { ports: [port], links: maxLinksPerTunnel - 1, random: () => 0.01 });
    await live(maxLinksPerTunnel - 1);
    const late = await startConnector(t, { ports: [port], links: 2 });
    const { error } = await late.nextLoss();
    assert.deepEqual([error.code, error.retryable], ['too_many_links', false]);
    await late.live(1);
    assert.equal(registry.links('home').length, maxLinksPerTunnel);
    assert.equal(registry.links('other').length, 1);
  },
);

test('connections that are not registered are bounded, in all and from one address', () => {
  const lobby = new Lobby();
  const enter = (remoteAddress: string, remotePort: number) => {
    const listeners: (() => void)[] = [];
    const socket = { remoteAddress, remotePort, once: (_: string, listener: () => void) => listeners.push(listener) };
    return {
      refusal: lobby.enter(socket as unknown as Socket),
      socket: socket as unknown as Socket,
      close: () => listeners.forEach((listener) => listener()),
    };
  };
  const first = enter('192.0.2.1', 0);
  for (let port = 1; port < maxUnregisteredPerAddress; port += 1)
    assert.equal(enter('192.0.2.1', port).refusal, undefined);
  assert.match(enter('192.0.2.1', 60_000).refusal ?? '', /128 connections from 192\.0\.2\.1/);
  assert.equal(enter('192.0.2.2', 0).refusal, undefined);
  first.close();
  first.close();
  const again = enter('192.0.2.1', 60_001);
  assert.equal(again.refusal, undefined);
  lobby.leave(again.socket);
  for (let inside = maxUnregisteredPerAddress; inside < maxUnregistered; inside += 1) {
    assert.equal(enter(`198.51.100.${inside % 250}`, inside).refusal, undefined);
  }
  assert.match(enter('203.0.113.1', 1).refusal ?? '', /1024 connections are not registered/);
});

test('one address that says nothing keeps nobody else out', { timeout: 30_000 }, async (t) => {
  const { port, nextRefusal } = await startShared(t);
  const quiet = Array.from({ length: maxUnregisteredPerAddress + 1 }, () =>
    connect(port, '127.0.0.1').on('error', () => {}),
  );
  t.after(() => quiet.forEach((socket) => socket.destroy()));
  assert.equal((await nextRefusal()).code, 'out_of_resources');
  const elsewhere = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }).on('error', () => {});
  t.after(() => void elsewhere.destroy());
  await once(elsewhere, 'connect');
  elsewhere.write('no TLS');
  assert.equal((await nextRefusal()).code, 'protocol_error');
});
