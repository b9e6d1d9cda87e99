// The lines people see, event by event.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { GatewayEvent, HostEvent } from '@sallyport/edge';
import { createEgress, workerPolicy } from '@sallyport/egress';
import type { RuntimeLog } from '@sallyport/workers';
import { createJsonLog, createTextLog, type DevLog } from '../../src/output/dev-log.ts';
import { toSafeLine, toSafeText } from '../../src/output/safe-text.ts';

function printed(color: boolean, act: (log: DevLog) => void, create = createTextLog): string {
  let text = '';
  act(create({ write: (more) => void (text += more), color, cwd: '/work' }));
  return text;
}

const log = (message: string, level: RuntimeLog['level'] = 'log'): HostEvent => ({
  type: 'log',
  log: { kind: 'console', level, message, time: 0 },
});

async function denied(): Promise<GatewayEvent> {
  const decision = await createEgress({ policy: workerPolicy }).decide({ hostname: '127.0.0.1', port: 80 });
  const { code, message } = decision;
  return { kind: 'socket', destination: '127.0.0.1:80', decision, code, message, took: 1.25, secure: false };
}

test('what others wrote may colour its own text, and do nothing else to a terminal', () => {
  const nasty = 'a\u001b[31mred\u001b[0m\u001b[2J\u001b]0;title\u0007\rb\u009b5A\n\tc\r\n';
  assert.equal(toSafeText(nasty, { color: true }), 'a\u001b[31mred\u001b[0m?[2J?]0;title??b?5A\n\tc\n');
  assert.equal(toSafeText(nasty, { color: false }), 'ared?[2J?]0;title??b?5A\n\tc\n');
  assert.equal(toSafeLine('GET /\n\u001b[1mx'), 'GET /?x');
  assert.equal(toSafeLine('wrong version number:350:\n'), 'wrong version number:350:');
  const [colored, plain] = [true, false].map((color) => printed(color, (lines) => lines.host(log(nasty))));
  assert.ok(colored!.includes('\u001b[31m') && !colored!.includes('\u001b[2J') && !plain!.includes('\u001b'));
});

test('lines are the same with and without colours', async () => {
  const refusal = await denied();
  const broken = new Error('broken');
  const act = (lines: DevLog): void => {
    lines.host({ type: 'ready', took: 12.5, bytes: 2048, reload: true });
    lines.host({ type: 'unchanged' });
    lines.host(log('careful', 'warn'));
    lines.host({ type: 'failed', error: broken, stillRunning: true });
    lines.host({ type: 'crashed', output: 'bang', restartIn: undefined });
    lines.host({ type: 'cron', cron: '* * * * *', outcome: 'ok' });
    lines.gateway(refusal);
    lines.request({ method: 'GET', target: '/\u001b[2J', host: 'localhost', status: 404, took: 123.4 });
    lines.listening('http://localhost:1');
    lines.say('said');
  };
  const plain = printed(false, act);
  assert.ok(!plain.includes('\u001b'));
  assert.equal(stripVTControlCharacters(printed(true, act)), plain);
  assert.match(plain, /^Reloaded in 1[23] ms \(2 KiB\)\nNo change\ncareful\n/);
  assert.match(plain, /\n {2}✗ 127\.0\.0\.1:80 destination_denied .*loopback.*\n {4}\S/);
  assert.match(plain, /\nGET \/\?\[2J 404 123 ms\nListening on http:\/\/localhost:1\nsaid\n$/);
});

test('as JSON every event is one line with its kind first', async () => {
  const refusal = await denied();
  const text = printed(
    false,
    (lines) => {
      lines.host({ type: 'failed', error: new TypeError('two\nlines'), stillRunning: false });
      lines.gateway(refusal);
      lines.request({ method: 'GET', target: '/', host: 'localhost', status: 200, took: 1 });
      lines.listening('http://localhost:1');
      lines.say('said');
      lines.tls({ type: 'tls-expiring', source: 'a.pem', use: 'client', name: 'CN=a', daysLeft: 3 });
    },
    createJsonLog,
  );
  const lines = text.trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^\{"kind":"/);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { kind: string }).kind),
    ['failed', 'socket', 'request', 'listening', 'message', 'tls-expiring'],
  );
  assert.deepEqual(JSON.parse(lines[0]!), {
    kind: 'failed',
    error: { name: 'TypeError', message: 'two\nlines' },
    stillRunning: false,
  });
});
