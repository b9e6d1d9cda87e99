// How `sallyport dev` ends, asked or not: promptly, and with nothing left behind.
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { config } from '../../edge/test/support/dev-bench.ts';
import { talkTo } from '../../edge/test/support/websocket.ts';
import { childrenOf, untilGone } from './support/processes.ts';
import { createProject, type RunningDev, start, startDev } from './support/run.ts';

const busyWorker = `import { connect } from 'cloudflare:sockets';
export default { async fetch(request, env) {
  if (request.headers.get('upgrade') === 'websocket') {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send('hi');
    return new Response(null, { status: 101, webSocket: client });
  }
  await connect(env.TO).opened;
  console.log('waiting');
  await scheduler.wait(60_000);
} };`;

/** A server with a request, a socket and a WebSocket in the middle of everything; its children's process ids. */
async function startBusy(t: Parameters<typeof startDev>[0]): Promise<{ dev: RunningDev; pids: number[] }> {
  const peer = await use(t, startPeer('echo'));
  const dev = await startDev(t, busyWorker, { args: ['--var', `TO:${peer.address}`] });
  dev.text().catch(() => {});
  await dev.lines.next((line) => line.kind === 'log');
  await (await talkTo(t, dev.url)).hear();
  const children = await childrenOf(dev.child.pid!);
  assert.ok(children.some(({ command }) => command.includes('workerd')));
  return { dev, pids: children.map(({ pid }) => pid) };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends it promptly with everything open, exit code 0, and nothing is left`, async (t) => {
    const { dev, pids } = await startBusy(t);
    const began = performance.now();
    dev.child.kill(signal);
    const { code, stderr } = await dev.outcome;
    const took = performance.now() - began;
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(took < 3_000, `it took ${took.toFixed(0)} ms`);
    await untilGone(pids);
    assert.deepEqual(await readdir(dev.temporary), []);
  });
}

test('a second signal ends it at once', async (t) => {
  const { dev, pids } = await startBusy(t);
  dev.child.kill('SIGINT');
  dev.child.kill('SIGINT');
  const { code } = await dev.outcome;
  assert.ok(code === 130 || code === 0, String(code));
  await untilGone(pids);
});

test('a signal while the build step runs ends both', async (t) => {
  const files = {
    'wrangler.json': config({ build: { command: 'echo $$ > pid~; mv pid~ pid; sleep 600' } }),
    'src/index.js': `export default { fetch: () => new Response('x') };`,
  };
  const folder = await createProject(t, files);
  const watcher = watch(folder);
  const { child, outcome } = start(['dev', '-p', '0'], { cwd: folder });
  for await (const [, name] of on(watcher, 'change')) if (name === 'pid') break;
  watcher.close();
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
  const children = await childrenOf(pid);
  child.kill('SIGTERM');
  assert.equal((await outcome).code, 0);
  await untilGone([pid, ...children.map((each) => each.pid)]);
});

test('killed with SIGKILL it leaves no process, and the next start removes its files', async (t) => {
  const { dev, pids } = await startBusy(t);
  dev.child.kill('SIGKILL');
  await dev.outcome;
  await untilGone(pids);
  assert.equal((await readdir(dev.temporary)).length, 1);
  const next = await startDev(t, busyWorker, { temporary: dev.temporary });
  assert.equal((await readdir(dev.temporary)).length, 1, 'its own');
  next.child.kill('SIGINT');
  await next.outcome;
  assert.deepEqual(await readdir(dev.temporary), []);
});

test('it ends quietly when nobody reads its output any more', async (t) => {
  const dev = await startDev(t, `export default { fetch() { console.log('more'); return new Response('x'); } };`);
  const pids = (await childrenOf(dev.child.pid!)).map(({ pid }) => pid);
  dev.child.stdout!.destroy();
  const exit = once(dev.child, 'exit');
  while (dev.child.exitCode === null && dev.child.signalCode === null) await dev.text().catch(() => {});
  const [code] = (await exit) as [number];
  assert.equal(code, 0);
  await untilGone(pids);
});
