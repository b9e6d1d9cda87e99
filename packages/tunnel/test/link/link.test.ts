import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { dialTcp } from '@sallyport/egress';
import {
  createAuthority,
  sourceHash,
  startPeer,
  startRefusing,
  testAuthority,
  type TestScope,
  use,
} from '@sallyport/testkit';
import {
  Connector,
  type DialTarget,
  edgeServerName,
  type FindSecret,
  type TunnelError,
  TunnelListener,
} from '../../src/index.ts';

const secret = Buffer.alloc(32, 7);
const dial: DialTarget = async ({ hostname, port }, options) =>
  (await dialTcp({ address: hostname, port }, options)).stream;

const findSecret: FindSecret = async (id) => (id === 'home' ? secret : undefined);

async function startEdge(t: TestScope, refused?: (error: TunnelError) => void): Promise<TunnelListener> {
  const certificate = await (await testAuthority()).issue('good', { names: ['localhost', edgeServerName] });
  return use(t, new TunnelListener({ ...certificate, findSecret, refused }).listen());
}

interface Wrong {
  tunnelId?: string;
  secret?: Uint8Array;
  ca?: string;
}

/** A connector with one link; resolves with the error of its first attempt, or undefined once it is registered. */
async function startConnector(t: TestScope, edge: TunnelListener, wrong: Wrong = {}): Promise<TunnelError | undefined> {
  const { ca } = await testAuthority();
  return new Promise((resolve) => {
    const connector = new Connector({
      ca,
      tunnelId: 'home',
      secret,
      dial,
      links: 1,
      ...wrong,
      edges: [{ host: 'localhost', port: edge.port }],
      changed: (live) => void (live > 0 && resolve(undefined)),
      lost: (error) => resolve(error),
    });
    t.after(() => connector.close(0));
    connector.start();
  });
}

const at = (peer: { host: string; port: number }): { hostname: string; port: number } => ({
  hostname: peer.host,
  port: peer.port,
});

test('bytes go both ways, and each direction ends by itself', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  assert.equal(await startConnector(t, edge), undefined);
  const sink = await use(t, startPeer('sink'));
  const { stream } = await edge.registry.open('home', at(sink));
  stream.end('all of it');
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  assert.equal((JSON.parse(text) as { bytes: number }).bytes, 9);
});

test('16 MiB arrive whole', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  await startConnector(t, edge);
  const bytes = 16 * 1024 * 1024;
  const { stream } = await edge.registry.open('home', at(await use(t, startPeer('source', { bytes }))));
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  stream.end();
  assert.equal(hash.digest('hex'), sourceHash(bytes));
});

test('a reset at the far end is a reset here, also behind our own end', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  await startConnector(t, edge);
  for (const half of [false, true]) {
    const peer = await use(
      t,
      startPeer((socket) => void socket.once('data', () => socket.resetAndDestroy())),
    );
    const { stream } = await edge.registry.open('home', at(peer));
    let ended = false;
    stream.on('end', () => (ended = true)).resume();
    if (half) stream.end('x');
    else stream.write('x');
    const [error] = (await once(stream, 'error')) as [TunnelError];
    assert.equal(error.code, 'connection_reset');
    assert.equal(ended, false);
  }
});

test('a reset here is a reset at the far end', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  await startConnector(t, edge);
  const peer = await use(t, startPeer('silent'));
  const { stream } = await edge.registry.open('home', at(peer));
  stream.write('x');
  await peer.receives(1);
  stream.destroy();
  await peer.next('reset');
});

test('a failed dial arrives with its reason', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  await startConnector(t, edge);
  const refusing = await use(t, startRefusing());
  await assert.rejects(edge.registry.open('home', at(refusing)), { code: 'connection_refused' });
  await assert.rejects(edge.registry.open('other', at(refusing)), { code: 'no_link' });
});

test('a wrong secret, an unknown tunnel and an unknown authority are refused', { timeout: 20_000 }, async (t) => {
  const edge = await startEdge(t);
  assert.equal((await startConnector(t, edge, { secret: Buffer.alloc(32) }))?.code, 'unauthorized');
  assert.equal((await startConnector(t, edge, { tunnelId: 'nobody' }))?.code, 'unauthorized');
  const { ca } = await createAuthority();
  assert.equal((await startConnector(t, edge, { ca }))?.code, 'edge_untrusted');
  assert.equal(edge.registry.all.length, 0);
});

test('both directions at full speed never stop each other', { timeout: 60_000 }, async (t) => {
  const edge = await startEdge(t);
  assert.equal(await startConnector(t, edge), undefined);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  t.after(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const piece = Buffer.alloc(64 * 1024, 'x');
  const total = 64 * 1024 * 1024;
  const echoes = Array.from({ length: 3 }, async () => {
    const { stream } = await edge.registry.open('home', { hostname: '127.0.0.1', port });
    Readable.from(Array.from({ length: total / piece.length }, () => piece)).pipe(stream);
    let received = 0;
    for await (const chunk of stream) received += (chunk as Buffer).length;
    return received;
  });
  assert.deepEqual(await Promise.all(echoes), [total, total, total]);
});
