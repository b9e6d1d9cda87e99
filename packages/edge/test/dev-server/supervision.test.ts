// What happens when things end: the runtime by itself, or the server on request.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startPeer, use } from '@sallyport/testkit';
import { startBench, temporaryFolder } from '../support/dev-bench.ts';
import { talkTo } from '../support/websocket.ts';

const hello = `export default { fetch: () => new Response('hello') };`;

/** Process ids of the workerd that runs below the server's folder. */
async function findRuntimes(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const parent = Number(status.slice(status.lastIndexOf(')')).split(' ')[2]);
      return parent === process.pid && command.includes('/workerd\0serve') ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

async function killRuntime(): Promise<void> {
  const [pid, ...others] = await findRuntimes();
  assert.ok(pid !== undefined && others.length === 0, 'one runtime of ours');
  process.kill(pid, 'SIGKILL');
}

test('a killed runtime is reported and started again, and requests wait for it', async (t) => {
  const bench = await startBench(t, hello);
  await bench.event('ready');
  await killRuntime();
  const crash = await bench.event('crashed');
  assert.equal(crash.restartIn, 100);
  assert.equal(await bench.text('/'), 'hello');
  await bench.event('ready');
});

test('a request that runs while the runtime is killed is answered with the reason', async (t) => {
  const bench = await startBench(
    t,
    `export default { async fetch() { console.log('waiting'); await scheduler.wait(60_000); } };`,
  );
  const running = bench.ask('/');
  await bench.log('waiting');
  await killRuntime();
  const response = await running;
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^The Worker did not answer/);
});

test('a runtime that keeps crashing is given up with a page that says so, until a file changes', async (t) => {
  const bench = await startBench(t, hello);
  const waits: (number | undefined)[] = [];
  for (;;) {
    await bench.event('ready');
    await killRuntime();
    const { restartIn } = await bench.event('crashed');
    waits.push(restartIn);
    if (restartIn === undefined) break;
  }
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, undefined]);
  const response = await bench.ask('/');
  assert.equal(response.status, 503);
  assert.match(
    await response.text(),
    /^The runtime crashed\n\nIt ended 6 times in a minute and stays down until a file changes/,
  );
  await bench.write({ 'src/index.js': hello.replace('hello', 'again') });
  await bench.event('ready');
  assert.equal(await bench.text('/'), 'again');
  await killRuntime();
  assert.equal((await bench.event('crashed')).restartIn, 100, 'counted anew');
});

test('close() is prompt with requests, sockets and WebSockets open, and leaves nothing', async (t) => {
  const peer = await use(t, startPeer('echo'));
  const temporary = await temporaryFolder(t);
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = temporary;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const bench = await startBench(
    t,
    `import { connect } from 'cloudflare:sockets';
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
    } };`,
    { vars: { TO: peer.address } },
  );
  const running = bench.ask('/wait').catch(() => 'broken off');
  await bench.log('waiting');
  const talk = await talkTo(t, bench.server.url);
  await talk.hear();
  const began = performance.now();
  await Promise.all([bench.server.close(), bench.server.close()]);
  const took = performance.now() - began;
  assert.ok(took < 2_500, `close() took ${took.toFixed(0)} ms`);
  t.diagnostic(`close() took ${took.toFixed(0)} ms`);
  await running;
  await peer.next('close');
  assert.deepEqual(await findRuntimes(), []);
  const left = await readdir(temporary);
  assert.ok(!left.some((name) => name.startsWith('sallyport-run-')), left.join());
  await assert.rejects(bench.ask('/'));
  await bench.server.reload();
  assert.deepEqual(await findRuntimes(), [], 'a closed server starts nothing');
});
