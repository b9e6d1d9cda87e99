// Lines people and programs know how to read, whatever is put into them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createLog, type LogLevel } from '../../src/index.ts';

function lines(
  use: (log: ReturnType<typeof createLog>) => void,
  options: { level?: LogLevel; json?: boolean } = {},
): string[] {
  const written: string[] = [];
  use(createLog({ write: (line) => written.push(line), now: () => new Date('2026-11-21T05:34:33.123Z'), ...options }));
  return written;
}

test("a line looks like cloudflared's", () => {
  assert.deepEqual(
    lines((log) => {
      log('info', 'Registered tunnel connection', { connIndex: 0, edge: '127.0.0.1:7844', gone: undefined });
      log('error', 'Request failed', { error: 'it "broke"', dest: '[::1]:5432' });
    }),
    [
      '2026-11-21T05:34:33Z INF Registered tunnel connection connIndex=0 edge=127.0.0.1:7844\n',
      '2026-11-21T05:34:33Z ERR Request failed error="it \\"broke\\"" dest=[::1]:5432\n',
    ],
  );
});

test('JSON lines carry the same', () => {
  assert.deepEqual(
    lines((log) => log('warn', 'Connection lost', { connIndex: 1 }), { json: true }).map(
      (line) => JSON.parse(line) as object,
    ),
    [{ level: 'warn', connIndex: 1, time: '2026-11-21T05:34:33Z', message: 'Connection lost' }],
  );
});

function say(log: ReturnType<typeof createLog>): void {
  for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) log(level, 'x');
}

test('less than the level is left out', () => {
  assert.equal(lines(say).length, 4);
  assert.equal(lines(say, { level: 'debug' }).length, 5);
  assert.equal(lines(say, { level: 'fatal' }).length, 1);
});

test('no value brings control characters or a second line into the log', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (value, json) => {
      const [line = '', ...more] = lines((log) => log('info', value, { value }), { json });
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f]/);
      assert.deepEqual([line.endsWith('\n'), more], [true, []]);
    }),
  );
});
