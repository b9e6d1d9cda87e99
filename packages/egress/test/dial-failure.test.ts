import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeDialFailure, toDialFailureCode } from '../src/dial-failure.ts';
import { systemError } from './support/fakes.ts';

test('each error of the system has its code', () => {
  for (const [system, code] of [
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'connection_reset'],
    ['ETIMEDOUT', 'connection_timeout'],
    ['EHOSTUNREACH', 'host_unreachable'],
    ['ENETUNREACH', 'host_unreachable'],
    ['EMFILE', 'out_of_resources'],
    ['EADDRNOTAVAIL', 'out_of_resources'],
    ['EWHATEVER', 'connection_failed'],
  ] as const) {
    assert.equal(toDialFailureCode(systemError(system)), code);
  }
  assert.equal(toDialFailureCode('text'), 'connection_failed');
  assert.equal(toDialFailureCode(new AggregateError([])), 'connection_failed');
});

test('of several errors the most telling one gives the code', () => {
  const both = new AggregateError([systemError('ENETUNREACH'), systemError('ECONNREFUSED')]);
  assert.equal(toDialFailureCode(both), 'connection_refused');
  assert.equal(describeDialFailure(both), 'connect ENETUNREACH; connect ECONNREFUSED');
});
