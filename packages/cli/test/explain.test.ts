// `sallyport explain`: what it prints and how it exits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './support/run.ts';

test('a destination that is allowed is explained, exit code 0', async () => {
  const { code, stdout } = await run(['explain', '1.1.1.1:443', '--dev']);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^verdict +allow\ndestination +1\.1\.1\.1 port 443\nrule +\S.*\nresolver +none.*\naddresses +1\.1\.1\.1\nroute +direct.*\nRoutes of tunnels .*explain connect.*\n$/,
  );
});

test('one that is refused is explained with the remedy, exit code 1', async () => {
  const { code, stdout } = await run(['explain', '0x7f.1:6379']);
  assert.equal(code, 1);
  assert.match(stdout, /^verdict +deny\ndestination +127\.0\.0\.1 port 6379\n/);
  assert.match(stdout, /code +destination_denied\nmessage +proxy request failed.*\nremedy +\S/);
  assert.equal((await run(['explain', '0x7f.1:6379', '--dev'])).code, 0);
});

test('--json prints the decision as it is', async () => {
  for (const [target, verdict, answer] of [
    ['mail.example.com:25', 'deny', 'port_25'],
    ['[::ffff:169.254.169.254]:80', 'deny', 'destination_denied'],
    ['not a host:80', 'deny', 'invalid_destination'],
    ['8.8.8.8:53', 'allow', 'allowed'],
  ] as const) {
    const { code, stdout } = await run(['explain', target, '--json']);
    const decision = JSON.parse(stdout) as { verdict: string; code: string };
    assert.deepEqual([decision.verdict, decision.code, code], [verdict, answer, verdict === 'allow' ? 0 : 1], target);
  }
});

test('a Worker in front of the destination is for `explain connect`, which is offered', async () => {
  const { code, stderr } = await run(['explain', 'api', 'db.internal:80']);
  assert.equal(code, 64);
  assert.match(stderr, /^Unexpected argument: db\.internal:80\. Did you mean `explain connect`\?\n/);
});
