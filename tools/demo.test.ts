// The demo, as a newcomer runs it, checks itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { childrenOf, untilGone } from '../packages/cli/test/support/processes.ts';

/** The demo's own process, without npm and tools/run.mjs around it, under the flags this one runs TypeScript with. */
function startDemo(args: readonly string[]) {
  const child = spawn(process.execPath, [...process.execArgv, 'tools/demo.ts', ...args], {
    cwd: new URL('..', import.meta.url).pathname,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const outcome = once(child, 'close').then(([code]) => ({ code: code as number, stdout, stderr }));
  return { child, outcome, said: () => stdout };
}

test('the demo shows every route and checks what it saw', async (t) => {
  const { child, outcome } = startDemo(['--check']);
  t.after(() => void child.kill('SIGKILL'));
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stdout + stderr);
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { ok: boolean; seen: Record<string, unknown> };
  assert.equal(last.ok, true);
  assert.deepEqual(last.seen['/'], [
    { id: 1, name: 'ledger', port: 5432 },
    { id: 2, name: 'mail relay', port: 587 },
    { id: 3, name: 'metrics', port: 9090 },
  ]);
  assert.match((last.seen['/raw'] as { version: string }).version, /^PostgreSQL/);
  const { upgraded, secureTransport, echo } = last.seen['/starttls'] as Record<string, unknown>;
  assert.deepEqual([upgraded, secureTransport, echo], [true, 'on', 'hello in private']);
  const codes = (last.seen['/blocked'] as { code: string }[]).map((each) => each.code);
  assert.deepEqual(codes, ['port_25', 'destination_denied', 'destination_denied', 'destination_denied']);
  assert.deepEqual(last.seen['/seventh'], { open: 6, seventh: 'waiting', afterOneClosed: 'open' });
});

test('the demo runs until Ctrl-C and leaves no process', async (t) => {
  const { child, outcome, said } = startDemo(['--port', '0']);
  t.after(() => void child.kill('SIGKILL'));
  const ended = outcome.then(({ stderr }) => assert.fail(`the demo ended: ${stderr}`));
  ended.catch(() => {});
  while (!said().includes('Ctrl-C')) await Promise.race([once(child.stdout, 'data'), ended]);
  const [url] = /http:\/\/\S+(?=\/\n)/.exec(said()) ?? assert.fail(said());
  assert.equal((await fetch(url)).status, 200);
  const pids = (await childrenOf(child.pid!)).map(({ pid }) => pid);
  assert.ok(pids.length > 0);
  child.kill('SIGINT');
  assert.equal((await outcome).code, 0);
  await untilGone(pids);
});
