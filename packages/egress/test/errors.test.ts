import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EgressError, egressErrorCodes } from '../src/index.ts';
import { toFailure } from '../src/errors.ts';

const documented = 'proxy request failed, cannot connect to the specified address';
const hint = '. It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead';
const own = new Set(['tcp_loop', 'port_25', 'aborted', 'invalid_policy']);

test('a failed connection keeps the documented text, with the hint on ports 80 and 443', () => {
  for (const code of egressErrorCodes.filter((each) => !own.has(each))) {
    assert.equal(toFailure(code, { detail: '', port: 5432 }).message, documented);
    assert.equal(toFailure(code, { detail: '' }).message, documented);
    for (const port of [80, 443]) assert.equal(toFailure(code, { detail: '', port }).message, documented + hint);
  }
});

test('the other documented texts are word for word, on any port', () => {
  assert.equal(toFailure('tcp_loop', { detail: '', port: 443 }).message, 'TCP Loop detected');
  assert.equal(toFailure('port_25', { detail: '', port: 25 }).message, 'Connections to port 25 are prohibited');
});

test('every code has a message and a remedy in words', () => {
  for (const code of egressErrorCodes) {
    const failure = toFailure(code, { detail: 'what happened', rule: 'deny private', refused: '10.0.0.1' });
    assert.match(failure.message, /\w/);
    assert.match(failure.remedy, /^[A-Z].*\.$/);
    assert.match(code, /^[a-z\d]+(_[a-z\d]+)*$/);
    assert.doesNotMatch(failure.remedy, /undefined/);
  }
});

test('an EgressError has code, detail, remedy, retryable and cause', () => {
  const cause = new Error('inner');
  const error = new EgressError(toFailure('connection_refused', { detail: 'what happened' }), { cause });
  assert.equal(error.name, 'EgressError');
  assert.equal(error.code, 'connection_refused');
  assert.equal(error.detail, 'what happened');
  assert.equal(error.retryable, true);
  assert.equal(error.cause, cause);
  assert.equal(error.decision, undefined);
  assert.equal(new EgressError(toFailure('destination_denied', { detail: '' })).retryable, false);
});
