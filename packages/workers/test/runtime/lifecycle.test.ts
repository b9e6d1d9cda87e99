// What is left when a runtime ends, however it ends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { createBundler, startRuntime, WorkersError } from '../../src/index.ts';
import { startGuarded } from '../../src/runtime/guarded-process.ts';
import { ask, createWorkbench, type Workbench } from '../workbench.ts';

const hello = { 'src/index.ts': `export default { fetch: () => new Response('hello') };` };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Processes whose command line holds `text`: a run's folder, or a guard's argument. */
async function findProcesses(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(text));
}

async function workbench(
  t: Parameters<typeof createWorkbench>[0],
  files: Record<string, string> = hello,
): Promise<Workbench> {
  return createWorkbench(t, files);
}

test('close() leaves no process and no file of the run', async (t) => {
  const bench = await workbench(t);
  const runtime = await bench.start();
  assert.equal((await ask(runtime.socketPath, '/')).body, 'hello');
  assert.ok(isAlive(runtime.pid));
  const began = performance.now();
  await runtime.close();
  t.diagnostic(`close() took ${(performance.now() - began).toFixed(0)} ms`);
  assert.ok(!isAlive(runtime.pid));
  assert.deepEqual(await findProcesses(bench.folder), []);
  assert.deepEqual(await readdir(join(bench.folder, 'run')), []);
  const { code, expected } = await runtime.exited;
  assert.deepEqual([code, expected], [0, true]);
  await runtime.close();
});

test('close() ends requests that do not end by themselves after the grace', async (t) => {
  const bench = await workbench(t, {
    'src/index.ts': `export default { async fetch() { console.log('waiting'); await new Promise((r) => setTimeout(r, 600000)); } };`,
  });
  const runtime = await bench.start();
  const request = ask(runtime.socketPath, '/');
  const refused = assert.rejects(request);
  await bench.log(({ message }) => message === 'waiting');
  await runtime.close({ graceMs: 50 });
  assert.ok(!isAlive(runtime.pid));
  await refused;
});

test('while it runs, the files of the run are private and the configuration with its secrets is gone', async (t) => {
  const bench = await workbench(t);
  await bench.start();
  const [run = ''] = await readdir(join(bench.folder, 'run'));
  const files = await readdir(join(bench.folder, 'run', run));
  assert.ok(!files.includes('config.capnp'));
  assert.equal((await stat(join(bench.folder, 'run', run))).mode & 0o777, 0o700);
  assert.equal((await stat(join(bench.folder, 'state'))).mode & 0o777, 0o700);
});

test('a crash of workerd is reported with its signal', async (t) => {
  const bench = await workbench(t);
  const runtime = await bench.start();
  process.kill(runtime.pid, 'SIGKILL');
  const { signal, expected } = await runtime.exited;
  assert.deepEqual([signal, expected], ['SIGKILL', false]);
  await runtime.close();
});

test('a module that throws at its top level is a failed start that names the place in the sources', async (t) => {
  const bench = await workbench(t, {
    'src/index.ts': `interface Erased { a: string }\nconst missing: any = undefined;\nmissing.call();\nexport default {};`,
  });
  await assert.rejects(bench.start(), (error) => {
    assert.ok(error instanceof WorkersError);
    assert.equal(error.code, 'workerd_start_failed');
    assert.match(error.message, /TypeError[^]*src\/index\.ts:3:\d+/);
    return true;
  });
  assert.deepEqual(await findProcesses(bench.folder), []);
});

test('an unknown compatibility flag is a failed start that names it', async (t) => {
  const bench = await createWorkbench(t, hello, { project: { compatibilityFlags: ['no_such_flag'] } });
  await assert.rejects(bench.start(), (error) => {
    assert.ok(error instanceof WorkersError);
    assert.match(error.message, /no_such_flag/);
    return true;
  });
  assert.deepEqual(bench.logs, []);
});

test('what the runtime says while it starts is logged when it has started', async (t) => {
  const bench = await createWorkbench(t, hello, { project: { compatibilityFlags: ['streams_enable_constructors'] } });
  await bench.start();
  const { message } = await bench.log(({ kind }) => kind === 'runtime');
  assert.match(message, /streams_enable_constructors became the default as of 2022-11-30/);
});

test('a run directory deep in the file system still works, by way of a short private folder', async (t) => {
  const bench = await workbench(t);
  const bundler = createBundler(bench.project);
  t.after(() => bundler.close());
  const deep = join(bench.folder, 'd'.repeat(60), 'e'.repeat(60));
  const options = {
    project: bench.project,
    bundle: await bundler.build(),
    gatewaySocket: join(bench.folder, 'gateway.sock'),
    directory: deep,
    stateDirectory: join(bench.folder, 'state'),
    onLog: () => {},
  };
  const runtime = await startRuntime(options);
  t.after(() => runtime.close());
  assert.ok(Buffer.byteLength(runtime.socketPath) <= 103);
  assert.equal((await ask(runtime.socketPath, '/')).body, 'hello');
  await runtime.close();
  await assert.rejects(stat(runtime.socketPath));
  await assert.rejects(startRuntime({ ...options, gatewaySocket: join(deep, 'gateway.sock') }), (error) => {
    assert.ok(error instanceof WorkersError);
    assert.equal(error.code, 'socket_path_too_long');
    return true;
  });
});

test('a workerd whose parent is killed with SIGKILL is killed too', async (t) => {
  const bench = await workbench(t, {
    'src/index.ts': `export default { async fetch(request: Request) {
      if (request.url.endsWith('/hang')) await new Promise((r) => setTimeout(r, 600000));
      return new Response('hello'); } };`,
  });
  const script = fileURLToPath(new URL('./fixtures/start-and-wait.ts', import.meta.url));
  const parent: ChildProcess = spawn(process.execPath, [...process.execArgv, script, bench.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: parent.stdout! }), 'line')) as [string];
  const { pid, socketPath } = JSON.parse(line) as { pid: number; socketPath: string };
  assert.equal((await ask(socketPath, '/')).body, 'hello');
  // Ends when workerd does: it holds the other end of this connection.
  const hanging = assert.rejects(ask(socketPath, '/hang'));
  parent.kill('SIGKILL');
  await hanging;
  while (isAlive(pid) && (await findProcesses(bench.folder)).length > 0) await new Promise((r) => setImmediate(r));
  assert.deepEqual(await findProcesses(bench.folder), []);
});

/** The median of some runs, in milliseconds. */
async function time(start: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let run = 0; run < 15; run++) {
    const began = performance.now();
    await start();
    samples.push(performance.now() - began);
  }
  return samples.sort((a, b) => a - b)[7]!;
}

test('the guard costs little', async (t) => {
  const environment = { PATH: process.env['PATH'] ?? '' };
  const guarded = await time(() => startGuarded(['true'], { cwd: '/', env: environment }).exited);
  const plain = await time(() => once(spawn('true', { cwd: '/', env: environment }), 'close'));
  t.diagnostic(`guarded ${guarded.toFixed(1)} ms, plain ${plain.toFixed(1)} ms`);
  assert.ok(guarded - plain < 20);
});
