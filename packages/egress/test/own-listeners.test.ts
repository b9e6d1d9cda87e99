import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '../src/ip.ts';
import { createLoopCheck } from '../src/own-listeners.ts';

const local = () => ['192.168.1.5', '127.0.0.1', 'fd00::5', 'fe80::5'];
const loops = (listener: string, address: string, port = 8080): boolean =>
  createLoopCheck(
    () => [
      { address: 'fd99::1', port: 1 },
      { address: listener, port: 8080 },
    ],
    { localAddresses: local },
  )(parseIp(address) ?? assert.fail(address), port);

test('a listener is a loop at its own address and port', () => {
  assert.ok(loops('127.0.0.1', '127.0.0.1'));
  assert.ok(loops('127.0.0.1', '0.0.0.0'));
  assert.ok(loops('::1', '::'));
  assert.ok(loops('::ffff:127.0.0.1', '127.0.0.1'));
  assert.ok(loops('192.168.1.5', '64:ff9b::192.168.1.5'));
  assert.ok(!loops('127.0.0.1', '127.0.0.1', 8081));
  assert.ok(!loops('127.0.0.1', '127.0.0.2'));
  assert.ok(!loops('::1', '127.0.0.1'));
});

test('a wildcard listener is a loop at every local address', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '0.0.0.0', '192.168.1.5']) {
    assert.ok(loops('0.0.0.0', address), address);
    assert.ok(loops('::', address), address);
  }
  for (const address of ['::1', '::', 'fd00::5', 'fe80::5']) {
    assert.ok(!loops('0.0.0.0', address), address);
    assert.ok(loops('::', address), address);
  }
  for (const address of ['192.168.1.6', '8.8.8.8', 'fd00::6']) {
    assert.ok(!loops('0.0.0.0', address), address);
    assert.ok(!loops('::', address), address);
  }
});

test('a listener under a name counts as listening everywhere here', () => {
  assert.ok(loops('localhost', '::1'));
  assert.ok(!loops('localhost', '8.8.8.8'));
});

test("the machine's own interfaces are asked by default", () => {
  const isLoop = createLoopCheck(() => [{ address: '0.0.0.0', port: 1 }]);
  assert.equal(isLoop(parseIp('127.0.0.1') ?? assert.fail(), 1), true);
  assert.equal(isLoop(parseIp('8.8.8.8') ?? assert.fail(), 1), false);
});
