// What a Worker prints, as logs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exceptionMarker } from '../../src/bundle/worker/invoke.ts';
import type { RuntimeLog } from '../../src/index.ts';
import { LogParser, longestLine } from '../../src/runtime/log-parser.ts';
import { createStackMapper } from '../../src/runtime/source-mapped.ts';
import { ask, createWorkbench } from '../workbench.ts';

function parse(...chunks: string[]): RuntimeLog[] {
  const logs: RuntimeLog[] = [];
  const parser = new LogParser({ mapper: { map: (text) => text }, now: () => 7, onLog: (log) => logs.push(log) });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return logs;
}

const line = (fields: object): string => `${JSON.stringify({ timestamp: 1, level: 'log', ...fields })}\n`;

test('console methods keep their level, and stacks in messages are mapped to the sources', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `interface Erased { a: string }
      export default { fetch() {
        console.debug('a'); console.log('b', { c: 1 }); console.info('d'); console.warn('e\\nf');
        console.error(new Error('g')); console.log('done');
        return new Response(); } };`,
  });
  const runtime = await bench.start();
  await ask(runtime.socketPath, '/');
  await bench.log(({ message }) => message === 'done');
  const seen = bench.logs.map(({ kind, level, message }) => [kind, level, message.split('\n    at')[0]]);
  assert.deepEqual(seen.slice(0, 5), [
    ['console', 'debug', 'a'],
    ['console', 'log', 'b { c: 1 }'],
    ['console', 'info', 'd'],
    ['console', 'warn', 'e\nf'],
    ['console', 'error', 'Error: g'],
  ]);
  assert.match(bench.logs[4]!.message, /at .*fetch \(src\/index\.ts:4:\d+\)/);
  assert.ok(bench.logs.every(({ time }) => time > 1.6e12));
});

test('lines may arrive in pieces and without a last newline', () => {
  const text = line({ message: 'one' }) + line({ message: 'two' });
  const messages = parse(...text.slice(0, -1)).map(({ message }) => message);
  assert.deepEqual(messages, ['one', 'two']);
});

test('what is not JSON is the runtime speaking', () => {
  const [log] = parse('*** Received signal #11: Segmentation fault\n');
  assert.deepEqual(log, {
    kind: 'runtime',
    level: 'error',
    message: '*** Received signal #11: Segmentation fault',
    time: 7,
  });
});

test('an endless line is cut', () => {
  const logs = parse('x'.repeat(longestLine), 'y'.repeat(longestLine), 'z\n', line({ message: 'after' }));
  assert.equal(logs.length, 2);
  assert.ok(logs[0]!.message.length <= longestLine + 1);
  assert.equal(logs[1]!.message, 'after');
});

test('a long line without a space holds nobody up, and places in it are found', () => {
  const mapper = createStackMapper(new Map(), { root: '/' });
  const length = 256 * 1024;
  const started = performance.now();
  for (const part of ['x', '.js', 'x.js:1:1', '.js:1:1', ':1', '    at sallyport/']) {
    const text = part.repeat(length / part.length);
    assert.equal(mapper.map(text), text);
  }
  // Looking for each place from each character took half a minute for each of these.
  assert.ok(performance.now() - started < 5_000);
});

test('a Worker that prints our marker itself only prints', () => {
  const forged = ['', ' nonsense', ' null', ' {"event":1}', ' {"event":"fetch","error":{"name":"a"}}'];
  for (const rest of forged) {
    const message = exceptionMarker + rest;
    assert.deepEqual(parse(line({ message })), [{ kind: 'console', level: 'log', message, time: 1 }]);
  }
});

test('only the exception that was reported is left out when the runtime repeats it', () => {
  const report = { event: 'fetch', error: { name: 'Error', message: 'known', stack: 'Error: known\n    at f' } };
  const repeat = (text: string): string =>
    line({
      level: 'error',
      source: 'server.c++:1',
      message: `Uncaught exception: x: failed: remote.jsg.Error: ${text}`,
    });
  const text = line({ message: `${exceptionMarker} ${JSON.stringify(report)}` });
  const logs = parse(text, repeat('other'), repeat('known'), repeat('known'));
  assert.deepEqual(
    logs.map(({ kind }) => kind),
    ['exception', 'runtime', 'runtime'],
  );
  assert.equal(logs[0]?.exception?.message, 'known');
});

test('whatever a handler throws is printed once, and objects that are no errors are readable', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `class Named extends Error { name = 'Named'; }
      const thrown = {
        '/subclass': () => new Named('a'), '/driver': () => Object.assign(new Error('b'), { name: 'error' }),
        '/string': () => 'c', '/object': () => ({ d: 1 }), '/nothing': () => null, '/empty': () => new Error(),
        '/dom': () => new DOMException('e', 'AbortError'), '/network': () => Object.assign(new Error('f'), { retryable: true }),
      };
      export default { fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === '/done') { console.log('done'); return new Response(); }
        throw thrown[pathname]();
      } };`,
  });
  const runtime = await bench.start();
  const paths = ['/subclass', '/driver', '/string', '/object', '/nothing', '/empty', '/dom', '/network', '/done'];
  // workerd hangs up after a retryable error.
  for (const path of paths) await ask(runtime.socketPath, path).catch(() => {});
  await bench.log(({ message }) => message === 'done');
  assert.deepEqual(
    bench.logs.map(({ kind, message }) => `${kind} ${message.split('\n')[0]}`),
    [
      'exception Named: a',
      'exception error: b',
      'exception Thrown: c',
      'exception Thrown: {"d":1}',
      'exception Thrown: null',
      'exception Error',
      'exception AbortError: e',
      'exception Error: f',
      'console done',
    ],
  );
});

test('an exception is printed with its causes, and what only the runtime saw without places in its sources', async (t) => {
  const bench = await createWorkbench(t, {
    'src/index.ts': `export default { async fetch(request: Request) {
      if (request.url.endsWith('/nothing')) return;
      if (request.url.endsWith('/same')) throw new Error('refused', { cause: new Error('refused') });
      throw new Error('query failed', { cause: new TypeError('no such table', { cause: 'why' }) });
    } };`,
  });
  const runtime = await bench.start();
  await ask(runtime.socketPath, '/');
  const first = await bench.log(({ kind }) => kind === 'exception');
  const { message } = first;
  assert.match(
    message,
    /^Error: query failed\n.*index\.ts:4:\d+\)\nCaused by: TypeError: no such table\n.*index\.ts:4/s,
  );
  assert.match(message, /Caused by: Thrown: why$/);
  await ask(runtime.socketPath, '/same');
  const same = await bench.log((log) => log.kind === 'exception' && log !== first);
  assert.doesNotMatch(same.message, /Caused by/);
  await ask(runtime.socketPath, '/nothing');
  const { message: text } = await bench.log(({ kind }) => kind === 'runtime');
  assert.match(text, /^Uncaught exception: TypeError: .*did not resolve to 'Response'/);
});
