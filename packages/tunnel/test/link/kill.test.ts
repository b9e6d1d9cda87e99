// Connectors that end without a word, and what is left of links that are over: nothing.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leftOpenBy, startPeer, testAuthority, type TestScope, use } from '@sallyport/testkit';
import type { TunnelError } from '../../src/index.ts';
import { at, echoes, secrets, startConnector, startEdge, type TestEdge, until, visit } from './support/ends.ts';

const script = fileURLToPath(new URL('fixtures/connector.ts', import.meta.url));

async function startProcess(t: TestScope, port: number, links: number): Promise<{ child: ChildProcess; id: string }> {
  const { ca } = await testAuthority();
  const setup = { ca, port, links, secret: Buffer.from(secrets['home']!).toString('base64') };
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--test'));
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(setup)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, id: line.toString().trim() };
}

test(
  'kill -9 of a connector is told at once to its connections, and new ones take the other',
  {
    timeout: 60_000,
  },
  async (t) => {
    const edge = await startEdge(t);
    const echo = await use(t, startPeer('echo'));
    const { child, id } = await startProcess(t, edge.listener.port, 4);
    const survivor = await startConnector(t, { ports: [edge.listener.port], links: 2 });
    await survivor.live(2);
    await until(() => edge.listener.registry.all.filter((link) => link.ready).length === 6);
    const opened = await Promise.all(Array.from({ length: 60 }, () => edge.listener.registry.open('home', at(echo))));
    for (const { stream } of opened) await echoes(stream.on('error', () => {}));
    const doomed = opened.filter(({ link }) => link.connectorId === id);
    assert.equal(doomed.length, 40);
    const errors = doomed.map(({ stream }) => once(stream, 'error') as Promise<[TunnelError]>);
    const startedAt = performance.now();
    child.kill('SIGKILL');
    for (const error of errors) assert.equal((await error)[0].code, 'link_lost');
    assert.ok(performance.now() - startedAt < 1_000);
    for (let count = 0; count < 20; count += 1) await visit(edge, echo);
    for (const { stream, link } of opened) if (link.connectorId !== id) await echoes(stream);
    assert.equal(edge.listener.registry.all.length, 2);
  },
);

/** New connections, one every few milliseconds, while something happens; those that failed, and when. */
async function connectsDuring(edge: TestEdge, peer: { host: string; port: number }, event: () => void) {
  const failures: { sinceEvent: number; error: TunnelError }[] = [];
  let happenedAt = Infinity;
  const visits: Promise<void>[] = [];
  for (let count = 0; count < 300; count += 1) {
    if (count === 100) {
      happenedAt = performance.now();
      event();
    }
    visits.push(
      visit(edge, peer).catch((error: TunnelError) => {
        failures.push({ sinceEvent: performance.now() - happenedAt, error });
      }),
    );
    if (count % 4 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await Promise.all(visits);
  return failures;
}

test(
  'kill -9 under steady connects fails only what was under way on the dead links',
  { timeout: 60_000 },
  async (t) => {
    const edge = await startEdge(t);
    const echo = await use(t, startPeer('echo'));
    const { child } = await startProcess(t, edge.listener.port, 4);
    const survivor = await startConnector(t, { ports: [edge.listener.port], links: 4 });
    await survivor.live(4);
    await until(() => edge.listener.registry.all.length === 8);
    const failures = await connectsDuring(edge, echo, () => void child.kill('SIGKILL'));
    // A connection that was open is lost; one that was being opened goes another way.
    assert.deepEqual(
      failures.filter(({ error, sinceEvent }) => error.code !== 'link_lost' || sinceEvent > 1_000),
      [],
    );
    await visit(edge, echo);
  },
);

test('nothing is left open by links that are over, however they ended', { timeout: 60_000 }, async () => {
  const left = await leftOpenBy(async () => {
    for (const ending of ['edge closed', 'edge drained', 'connector closed', 'connector drained', 'revoked']) {
      const hooks: (() => unknown)[] = [];
      const scope: TestScope = { after: (hook) => void hooks.unshift(hook) };
      const edge = await startEdge(scope);
      const echo = await use(scope, startPeer('echo'));
      const { connector, live } = await startConnector(scope, { ports: [edge.listener.port], links: 2 });
      await live(2);
      const { stream } = await edge.listener.registry.open('home', at(echo));
      await echoes(stream.on('error', () => {}));
      if (ending === 'edge closed') await edge.listener.close();
      else if (ending === 'edge drained') await edge.listener.drain(20);
      else if (ending === 'connector closed') await connector.close(0);
      else if (ending === 'connector drained') await connector.close(20);
      else edge.listener.registry.revoke('home');
      for (const hook of hooks) await hook();
    }
  });
  assert.deepEqual(left, []);
});
