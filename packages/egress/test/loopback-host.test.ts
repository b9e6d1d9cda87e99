// Host fields of programs on this machine, and of web pages that were made to lead here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost } from '../src/index.ts';

test('localhost and loopback addresses are this machine, in every spelling and with any port', () => {
  const own = ['localhost', 'LOCALHOST:80', 'a.localhost:1', 'localhost.', '127.0.0.1', '127.9.9.9:20241', '127.1:5'];
  for (const field of [...own, '[::1]', '[::1]:9', '[::ffff:127.0.0.1]:9', undefined]) {
    assert.equal(isLoopbackHost(field), true, field);
  }
});

test('any other name or address is not, whatever it resolves to', () => {
  const others = ['evil.example', 'localhost.evil.example:80', '127.0.0.1.evil.example', 'notlocalhost', '10.0.0.1:9'];
  for (const field of [...others, '[fe80::1]', '', ':80', 'a@localhost', 'localhost/..', '[::1', '169.254.169.254']) {
    assert.equal(isLoopbackHost(field), false, field);
  }
});
